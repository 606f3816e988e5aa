# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else on a node decides which registry is used: refused, or reported, before anything is written.

Each node has conflicts of its own, so that one run shows them all; the plan goes through all nodes, whatever fails.
"""

from __future__ import annotations

import pytest
from airgap_lab import LabError
from support import BOTH_LINES, LAST_1, NEWEST, NODES, SITE, assert_served, files

CONFIG = "/etc/containerd/config.toml"
CERTS = "/etc/containerd/certs.d"
UNIT = "/etc/systemd/system/containerd.service.d/lab.conf"
V2 = 'plugins."io.containerd.grpc.v1.cri"'
PROXY = "http://proxyuser:pr0xyS3cret@10.77.0.66:3128"


def _unit(lab, node: str, text: str) -> None:
    lab.write(node, UNIT, f"[Service]\n{text}\n")
    lab.run(node, ["systemctl", "daemon-reload"])
    lab.run(node, ["systemctl", "restart", "containerd"])


def _import(lab, node: str, text: str) -> None:
    lab.write(node, "/etc/containerd/conf.d/99-other.toml", text)
    lab.write(node, CONFIG, f'imports = ["/etc/containerd/conf.d/*.toml"]\n{lab.read(node, CONFIG)}')


def test_refused_before_anything_is_written(fresh, play):
    _unit(fresh, "n1", "ExecStart=\nExecStart=/usr/bin/containerd --config /etc/containerd/other.toml")
    fresh.write("n2", f"{CERTS}/_backup/docker.io/hosts.toml", 'server = "https://registry-1.docker.io"\n')
    _import(fresh, LAST_1, f'version = 2\n[{V2}.containerd]\nsnapshotter = "native"\n')
    fresh.write("n4", f"{CERTS}/quay.io", "")
    before = {node: files(fresh, node) for node in NODES}
    run = play("-e", f"containerd_registry_config_file={CONFIG}", "--check", playbook=SITE)
    assert run.rc == 2
    messages = {node: run.of(node)["msg"] for node in NODES}
    assert "containerd is started with /etc/containerd/other.toml" in messages["n1"]
    assert "containerd_registry_config_file" in messages["n1"]
    assert f"{CERTS}/_backup shows that another tool" in messages["n2"]
    assert "conf.d/99-other.toml" in messages[LAST_1] and "would have no effect" in messages[LAST_1]
    assert f"{CERTS}/quay.io is a file, but must be a directory" in messages["n4"]
    assert {node: files(fresh, node) for node in NODES} == before
    assert run.output.count(": cannot be changed\n") == len(NODES)


@pytest.mark.nodes(*BOTH_LINES)
def test_what_a_merged_import_would_break_is_refused(fresh, play):
    """From 2.0 on imported files are merged key by key: mirrors end up next to our config_path."""
    _import(fresh, NEWEST, f'version = 2\n[{V2}.registry.mirrors."docker.io"]\nendpoint = ["http://old.lan"]\n')
    fresh.write(LAST_1, f"{CERTS}/docker.io/hosts.toml/file", "")
    before = {node: files(fresh, node) for node in BOTH_LINES}
    run = play("--check")
    assert run.rc == 2
    assert "conf.d/99-other.toml" in run.of(NEWEST)["msg"] and "sets the registry table too" in run.of(NEWEST)["msg"]
    assert f"{CERTS}/docker.io/hosts.toml is not a file: remove it" in run.of(LAST_1)["msg"]
    assert {node: files(fresh, node) for node in BOTH_LINES} == before


@pytest.fixture(scope="module")
def told(lab, play):
    """Nodes with conflicts that are reported, and the first run."""
    lab.reset(*NODES)
    lab.write("n1", CONFIG, 'disabled_plugins = ["cri"]\n')
    lab.run("n1", ["systemctl", "restart", "containerd"])
    _unit(lab, "n2", f"Environment=HTTP_PROXY={PROXY} NO_PROXY=localhost,example.org")
    with pytest.raises(LabError):
        lab.pull("n2", "docker.io/library/busybox:1")
    lab.run("n3", ["mkdir", "-p", f"{CERTS}/empty.example.org", f"{CERTS}/certs.example.org"])
    lab.write("n3", f"{CERTS}/certs.example.org/ca.crt", "a certificate\n")
    lab.write("n3", f"{CERTS}/own.example.org/hosts.toml", 'server = "http://registry.lan:5000"\n[host]\n')
    lab.write("n3", f"{CERTS}/left.example.org/hosts.toml", 'server = "http://registry.lan:5000"\n[host]\n')
    return play("-e", '{"containerd_registry_direct": ["left.example.org"]}').ok()


def _warnings(run, node: str) -> str:
    return "\n".join(run.of(node).get("warnings", []))


def test_cri_that_was_disabled_is_told(told, lab):
    assert "disabled_plugins disabled CRI" in _warnings(told, "n1")
    assert_served(lab, "n1", "docker.io/library/busybox:1", "registry.lan", "library/busybox")


def test_a_proxy_in_the_environment_of_containerd_is_told(told, lab, play):
    text = _warnings(told, "n2")
    assert "http://registry.lan through the proxy http://10.77.0.66:3128" in text and "registry.lan to NO_PROXY" in text
    assert "pr0xyS3cret" not in told.output
    with pytest.raises(LabError):
        lab.pull("n2", "docker.io/library/busybox:1")
    _unit(lab, "n2", f"Environment=HTTP_PROXY={PROXY} NO_PROXY=localhost,registry.lan")
    assert "proxy" not in _warnings(play("--limit=n2").ok(), "n2")
    assert_served(lab, "n2", "docker.io/library/busybox:1", "registry.lan", "library/busybox")


def test_directories_that_hide_the_catch_all_are_told(told, lab):
    text = _warnings(told, "n3")
    for name in ("empty.example.org", "certs.example.org"):
        assert f"{CERTS}/{name} has no hosts.toml" in text
        mark = lab.mark()
        with pytest.raises(LabError):
            lab.pull("n3", f"{name}/team/tool:1")
        assert not lab.requests(mark), "what the warning says is true"
    assert f"{CERTS}/own.example.org/hosts.toml was not written by this role" in text
    assert "containerd_registry_direct" in text and "left.example.org" not in text


def test_direct_leaves_a_file_of_others_alone(told, lab):
    assert lab.read("n3", f"{CERTS}/left.example.org/hosts.toml") == 'server = "http://registry.lan:5000"\n[host]\n'


def test_hand_edits_of_our_keys_are_told_and_kept(told, lab, play):
    edited = lab.read("n4", CONFIG).replace(f"'{CERTS}'", "'/nowhere'").replace(f'"{CERTS}"', '"/nowhere"')
    assert "/nowhere" in edited
    lab.write("n4", CONFIG, edited)
    run = play("--limit=n4", hosts_dir=CERTS).ok()
    assert "was edited by hand since the last run" in _warnings(run, "n4") and "config_path" in _warnings(run, "n4")
    assert "/nowhere" not in lab.read("n4", CONFIG)
    kept = lab.run("n4", ["sh", "-c", "cat /var/lib/airgap-containerd/containerd-config.toml.*"]).stdout
    assert kept == edited
    assert play("--limit=n4", hosts_dir=CERTS).ok().changed() == {"n4": 0}
