# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main road: one playbook, four containerd versions, a flat registry; test_day2.py is what comes later."""

from __future__ import annotations

import base64
import difflib
import importlib.util

import pytest
from support import CONFIG_PATH, ENDS, IMAGES, LEGACY, NODES, SITE, assert_served, files, pid

PLAYBOOK = SITE
MASKED = importlib.util.find_spec("ansible.module_utils.secrets") is not None
"""Whether ansible-core replaces each password wherever it prints it, however short: from 2.22 on."""

OWN = "/etc/containerd/certs.d/own.example.org/hosts.toml"
"""A file of others."""

PRECIOUS = """\
# Settings of this node, by hand.
version = 2
oom_score = -999   # keep

[debug]
  level = "info"

[plugins]

  [plugins."io.containerd.grpc.v1.cri"]
    # The lab's kernel does not allow less.
    restrict_oom_score_adj = true

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = true # as kubelet's
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
      runtime_type = 'io.containerd.runc.v2'
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
        BinaryName = "/usr/bin/nvidia-container-runtime"
        SystemdCgroup = false

    # Runtimes end here.
[plugins."io.containerd.unknown.v1.thing"]
answer=42
"""


def _base64(secret: str) -> str:
    return base64.b64encode(f"robot$puller:{secret}".encode()).decode()


@pytest.fixture(scope="module")
def applied(lab, play):
    """Nodes with a hand-made config.toml, what check mode said of them, and the first run."""
    lab.reset(*NODES)
    for node in NODES:
        lab.write(node, "/etc/containerd/config.toml", PRECIOUS)
        lab.write(node, OWN, 'server = "https://own.example.org"\n[host]\n')
        lab.run(node, ["systemctl", "restart", "containerd"])
    before = {node: files(lab, node) for node in NODES}
    check = play("--check", "--diff").ok()
    assert {node: files(lab, node) for node in NODES} == before, "check mode changed something"
    lab.reset_counters()
    return check, play("--diff").ok()


def test_check_mode_told_the_truth(applied):
    check, run = applied
    assert run.changed() == check.changed() == dict.fromkeys(NODES, 1)
    for node in NODES:
        for key in ("written", "removed", "config_changes", "mode", "namespaces", "diff"):
            assert check.of(node)[key] == run.of(node)[key], (node, key)
        assert run.of(node)["restarted"] and not check.of(node)["restarted"]
    for output in (check.output, run.output):
        assert "S3cret" not in output and _base64("S3cret+/p$ss") not in output
        assert "********" in output


@pytest.mark.parametrize("image", IMAGES)
def test_every_upstream_comes_from_the_internal_registry(applied, lab, image):
    for node in NODES:
        assert_served(lab, node, image, "registry.lan", IMAGES[image])


def test_own_names_of_the_internal_registry(applied, lab):
    for node in NODES:
        assert_served(lab, node, "registry.lan/lab/app:1", "registry.lan", "lab/app")


def test_no_node_tried_anything_else(applied, lab):
    for node, counted in lab.counters().items():
        assert counted["to_registries"] > 0, node
        assert {key: counted[key] for key in ("dns", "other", "no_route")} == dict(dns=0, other=0, no_route=0), node


def test_an_image_that_is_not_there_is_not_asked_for_elsewhere(applied, lab):
    lab.reset_counters()
    for node in CONFIG_PATH:
        with pytest.raises(Exception, match="(?i)not found|not_found"):
            lab.pull(node, "docker.io/library/none:1")
        counted = lab.counters()[node]
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0), node


def test_modes(applied):
    modes = {node: applied[1].of(node)["mode"] for node in NODES}
    assert modes == {**dict.fromkeys(LEGACY, "legacy"), **dict.fromkeys(CONFIG_PATH, "config_path")}


def test_the_rest_of_config_toml_is_byte_for_byte_what_it_was(applied, lab):
    for node in NODES:
        after = lab.read(node, "/etc/containerd/config.toml")
        lines = list(difflib.ndiff(PRECIOUS.splitlines(True), after.splitlines(True)))
        assert not [line for line in lines if line[0] in "-?"], (node, after)
        added = "".join(line[2:] for line in lines if line[0] == "+")
        assert "registry" in added and "nvidia" not in added


def test_secrets_are_private(applied, lab):
    for node in NODES:
        found = lab.run(
            node, ["grep", "-rlE", "S3cret|" + _base64("S3cret+/p$ss"), "/etc", "/var/lib/airgap-containerd"]
        )
        for path in found.stdout.split():
            assert lab.run(node, ["stat", "-c", "%a %U", path]).stdout == "600 root\n", path
        journal = lab.run(node, ["journalctl", "--no-pager", "--output=cat"]).stdout
        assert journal and "S3cret" not in journal and _base64("S3cret+/p$ss") not in journal


def test_second_run_changes_nothing(applied, lab, play):
    before = {node: (pid(lab, node), files(lab, node)) for node in NODES}
    run = play("--diff").ok()
    assert run.changed() == dict.fromkeys(NODES, 0)
    assert not any(run.of(node)["restart_due"] for node in NODES)
    assert {node: (pid(lab, node), files(lab, node)) for node in NODES} == before


def test_a_wrong_password_stops_before_anything_is_written(applied, lab, play):
    before = {node: files(lab, node) for node in NODES}
    run = play(password="wrong-password")
    assert run.rc != 0 and "refuses the username and password" in run.output
    assert list(run.stats) and "wrong-password" not in run.output
    assert {node: files(lab, node) for node in NODES} == before


@pytest.mark.nodes(*ENDS)
@pytest.mark.parametrize(
    ("pipelining", "password"), [("true", "io"), ("false", "a-very-long-password-of-forty-characters")]
)
def test_verbose_output_shows_no_password(applied, play, password, pipelining):
    how = ("-vvvv", "--diff", "-e", f"ansible_pipelining={pipelining}")
    run = play(*how, password=password, preflight=False).ok()
    assert all(run.changed().values())
    assert _base64(password) not in run.output
    if len(password) > 2:
        assert password not in run.output
    assert MASKED or "io.containerd" in run.output, "a short password must not mangle what is printed"


def test_absent_takes_everything_back(applied, lab, play):
    run = play(state="absent").ok()
    assert run.changed() == dict.fromkeys(NODES, 1)
    for node in NODES:
        assert lab.read(node, "/etc/containerd/config.toml") == PRECIOUS
        assert lab.run(node, ["find", "/etc/containerd/certs.d", "-type", "f"]).stdout.split() == [OWN]
        assert lab.run(node, ["test", "-e", "/var/lib/airgap-containerd"]).returncode != 0
    assert play(state="absent").ok().changed() == dict.fromkeys(NODES, 0)


def test_nothing_is_used_that_ansible_is_going_to_drop(applied):
    assert [run.output for run in applied if "DEPRECATION" in run.output] == []
