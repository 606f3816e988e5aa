# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back: by itself when containerd does not serve with the new files, and on demand after the last run."""

from __future__ import annotations

import pytest
from support import BOTH_LINES, BY_AGE, ENDS, LAST_1, NODES, SITE, assert_served, files

CONFIG = "/etc/containerd/config.toml"
STATE = "/var/lib/airgap-containerd"
DROP_IN = "/etc/systemd/system/containerd.service.d/test.conf"
# Real causes that come with the new configuration only, as an old plugin or a taken port would.
IS_NEW = "grep -q -e certs.d -e registry.lan /etc/containerd/config.toml"
WITH_FILE = f"ExecStartPre=/bin/sh -c 'if {IS_NEW}; then cp /root/bad.toml {{0}}; else rm -f {{0}}; fi'"
CRI_TABLE = '[plugins."io.containerd.grpc.v1.cri"]'
CAUSES = {
    "a config that CRI refuses": (
        f'version = 2\n{CRI_TABLE}\nstream_idle_timeout = "never"\n',
        WITH_FILE.format("/etc/containerd/conf.d/bad.toml"),
        "CRI does not answer",
    ),
    "a containerd that does not start": (
        'version = 2\noom_score = "none"\n',
        WITH_FILE.format("/etc/containerd/conf.d/bad.toml"),
        "systemctl restart containerd failed",
    ),
    "a port that is taken": (
        'version = 2\n[metrics]\naddress = "127.0.0.1:22"\n',
        WITH_FILE.format("/etc/containerd/conf.d/bad.toml"),
        "address already in use",
    ),
    "a health check that times out": (
        "",
        f"ExecStartPost=/bin/sh -c 'if {IS_NEW}; then kill -STOP $MAINPID; fi'",
        "no answer from /run/containerd/containerd.sock within",
    ),
}


def _spoil(lab, node: str, cause: str) -> None:
    bad, unit, dummy = CAUSES[cause]
    text = lab.read(node, CONFIG)
    if "imports" not in text:
        lab.write(node, CONFIG, 'imports = ["/etc/containerd/conf.d/*.toml"]\n' + text)
    lab.run(node, ["mkdir", "-p", "/etc/containerd/conf.d"])
    lab.write(node, "/root/bad.toml", bad)
    lab.write(node, DROP_IN, f"[Service]\n{unit}\n")
    lab.run(node, ["sh", "-c", "systemctl daemon-reload; systemctl restart containerd"])


@pytest.mark.parametrize(
    ("cause", "node"),  # a release for each; the faults are tried on all
    [pytest.param(cause, node, marks=pytest.mark.nodes(node)) for cause, node in zip(CAUSES, BY_AGE, strict=True)],
)
def test_the_files_of_before_come_back(fresh, play, cause, node):
    _spoil(fresh, node, cause)
    before = files(fresh, node)
    run = play(restart_timeout=8 if "times out" in cause else 60)
    said = run.of(node)["msg"]
    assert CAUSES[cause][2] in said and "The previous files were restored (/etc/containerd/config.toml" in said, said
    assert "containerd serves CRI with them again" in said, said
    assert files(fresh, node) == before
    fresh.run(node, ["sh", "-c", f"rm {DROP_IN}; systemctl daemon-reload"])
    play().ok()
    assert_served(fresh, node, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")


def test_the_first_node_that_fails_its_restart_stops_the_rollout(fresh, play):
    before = {node: files(fresh, node) for node in NODES[1:]}
    _spoil(fresh, "n1", "a port that is taken")
    run = play(playbook=SITE)
    assert run.rc != 0 and "address already in use" in run.failed()
    assert {node: files(fresh, node) for node in NODES[1:]} == before


def _etc(lab, node: str) -> dict[str, str]:
    return {path: digest for path, digest in files(lab, node).items() if path.startswith("/etc/containerd")}


def _roll_back(play, *arguments: str):
    return play(*arguments, playbook="playbooks/rollback.yml")


@pytest.mark.nodes(*ENDS)
def test_the_last_run_is_undone_on_demand(fresh, play):
    original = {node: _etc(fresh, node) for node in ENDS}
    play().ok()
    first = {node: _etc(fresh, node) for node in ENDS}
    play(url="http://registry.lan:5000", extra_upstreams=["registry.example.org"], auth_method="auto").ok()
    second = {node: _etc(fresh, node) for node in ENDS}
    predicted = _roll_back(play, "--check", "--diff").ok()
    assert predicted.changed() == dict.fromkeys(ENDS, 1) and {n: _etc(fresh, n) for n in ENDS} == second
    assert "S3cret" not in predicted.output and "registry.lan:5000" in predicted.output
    undone = _roll_back(play).ok()
    assert undone.changed() == dict.fromkeys(ENDS, 1) and {n: _etc(fresh, n) for n in ENDS} == first
    assert all("before the run of 2" in undone.of(node)["msg"] for node in ENDS)
    assert play().ok().changed() == dict.fromkeys(ENDS, 0), "what the first run wanted is what is there"
    again = _roll_back(play).ok()
    assert again.changed() == dict.fromkeys(ENDS, 0), "an operator who runs it twice undoes no other run"
    assert all("nothing to undo" in again.of(node)["msg"] for node in ENDS)
    for node in ENDS:
        assert_served(fresh, node, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")
        assert fresh.run(node, ["sh", "-c", f"find {STATE} ! -user root -o -perm /077"]).stdout == ""
    play(state="absent").ok()
    assert {node: _etc(fresh, node) for node in ENDS} == original
    assert _roll_back(play).ok().changed() == dict.fromkeys(ENDS, 0)


@pytest.mark.nodes(*BOTH_LINES)
def test_a_first_run_is_undone_too_and_hand_edits_are_kept(fresh, play):
    original = {node: _etc(fresh, node) for node in BOTH_LINES}
    play().ok()
    edited = "# by hand\n"
    fresh.write(LAST_1, "/etc/containerd/certs.d/quay.io/hosts.toml", edited)
    run = _roll_back(play).ok()
    assert {node: _etc(fresh, node) for node in BOTH_LINES} == original
    assert "certs.d/quay.io/hosts.toml was changed after the run that is undone" in " ".join(run.output.split())
    assert fresh.run(LAST_1, ["sh", "-c", f"cat {STATE}/quay.io-hosts.toml.*"]).stdout == edited
    assert not any(fresh.run(node, ["test", "-e", f"{STATE}/record.json"]).returncode == 0 for node in BOTH_LINES)


@pytest.mark.nodes("n3")
def test_undoing_a_repair_warns_that_pulls_may_pass_the_mirror(fresh, play):
    play().ok()
    fresh.run("n3", ["rm", "-r", "/etc/containerd/certs.d/quay.io"])
    assert play().ok().changed() == {"n3": 1}
    told = " ".join(_roll_back(play, "--check").ok().output.split())
    assert "removed or edited since the run before it (/etc/containerd/certs.d/quay.io/hosts.toml): that is so" in told


@pytest.mark.nodes("n3")
def test_a_run_that_put_its_restart_off_is_undone_with_what_completes_it(fresh, play):
    original = _etc(fresh, "n3")
    play(restart=False).ok()
    assert _roll_back(play).ok().of("n3")["restarted"] and _etc(fresh, "n3") == original
    play(restart=False).ok()
    play().ok()
    assert _roll_back(play).ok().changed() == {"n3": 1} and _etc(fresh, "n3") == original


@pytest.mark.nodes("n3")
def test_taking_back_what_was_never_restarted_is_not_forgotten(fresh, play):
    about = ["sh", "-c", f"stat -c '%a %U:%G' {CONFIG}; ls /etc/containerd"]
    before = fresh.run("n3", about).stdout
    play(auth_method="config").ok()
    edited = fresh.read("n3", "/etc/containerd/certs.d/quay.io/hosts.toml") + "# by hand\n"
    fresh.write("n3", "/etc/containerd/certs.d/quay.io/hosts.toml", edited, mode="0600")
    play(auth_method="header").ok()
    assert "quay.io-hosts.toml.2" in fresh.run("n3", ["ls", STATE]).stdout
    assert play(state="absent", restart=False).ok().of("n3")["restart_due"]
    assert fresh.run("n3", about).stdout == before, "nothing is left, and config.toml has its mode again"
    kept = fresh.run("n3", ["sh", "-c", f"cat {STATE}/*"]).stdout
    assert fresh.run("n3", ["ls", STATE]).stdout.split() == ["open.json"] and "content" not in kept
    done = play(state="absent").ok()
    assert done.of("n3")["restarted"] and fresh.run("n3", ["test", "-e", STATE]).returncode != 0
    assert play(state="absent").ok().changed() == {"n3": 0}
