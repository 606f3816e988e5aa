# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lost connections, killed controllers, two runs at once, and restarts that other service managers or limits decide."""

from __future__ import annotations

import os
import signal
import time

import pytest
from support import assert_served, files, pid

OPEN = "/var/lib/airgap-containerd/open.json"
CONFIG = "/etc/containerd/config.toml"
LOCK = "/run/airgap-containerd.lock"
DROP_IN = "/etc/systemd/system/containerd.service.d/test.conf"
SLOW = ["/bin/sh", "-c", "sleep 4; systemctl restart containerd"]


def until(condition, seconds: float = 90.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)


def is_there(lab, node: str, path: str) -> bool:
    return lab.run(node, ["test", "-e", path]).returncode == 0


def drop_in(lab, node: str, text: str) -> None:
    lab.write(node, DROP_IN, f"[Service]\n{text}\n")
    lab.run(node, ["systemctl", "daemon-reload"])


def kill_connection(lab, node: str, process) -> None:
    lab.run(node, ["pkill", "-9", "-f", "^sshd: root"])


def cut_network(lab, node: str, process) -> None:
    lab.run(node, ["ip", "link", "set", "eth0", "down"])
    kill_controller(lab, node, process)


def kill_controller(lab, node: str, process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.nodes("n3")
@pytest.mark.parametrize("strike", [kill_connection, cut_network, kill_controller])
def test_what_is_begun_is_finished_without_the_controller(fresh, play, strike):
    node = "n3"
    process = play.start(restart_command=SLOW)
    until(lambda: is_there(fresh, node, OPEN))
    before = pid(fresh, node)
    strike(fresh, node, process)
    until(lambda: not is_there(fresh, node, OPEN))
    process.communicate(timeout=120)
    fresh.run(node, ["ip", "link", "set", "eth0", "up"])
    assert pid(fresh, node) != before
    run = play().ok()
    assert run.changed() == {node: 0} and "no restart needed" in run.of(node)["msg"]
    assert_served(fresh, node, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")


@pytest.mark.nodes("n3")
def test_of_two_runs_at_once_one_wins(fresh, play):
    node = "n3"
    wishes = {80: "http://registry.lan", 5000: "http://registry.lan:5000"}
    holder = fresh.run(node, ["sh", "-c", f"flock {LOCK} sleep 600 >/dev/null 2>&1 & echo $!"]).stdout.strip()
    count = f"ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c {LOCK}"
    held = int(fresh.run(node, ["sh", "-c", count]).stdout)
    runs = {port: play.start(url=url) for port, url in wishes.items()}
    until(lambda: int(fresh.run(node, ["sh", "-c", count]).stdout) == held + 2)
    fresh.run(node, ["pkill", "-P", holder])
    outputs = {port: process.communicate(timeout=120)[0] for port, process in runs.items()}
    winners = [port for port, process in runs.items() if process.returncode == 0]
    assert len(winners) == 1, outputs
    (loser,) = set(wishes) - set(winners)
    assert "on the node while this run was planned" in " ".join(outputs[loser].split()), outputs[loser]
    mark = fresh.mark()
    fresh.pull(node, "quay.io/coreos/etcd:1")
    assert {entry["port"] for entry in fresh.requests(mark)} == set(winners)
    assert play(url=wishes[winners[0]]).ok().changed() == {node: 0}


def container(lab, node: str) -> str:
    """The state of a container that runs on the node, started if there is none."""
    command = "ctr -n k8s.io tasks ls | awk '$1 == \"survivor\" {print $3}'"
    return lab.run(node, ["sh", "-c", command]).stdout.strip()


@pytest.mark.nodes("n3")
def test_a_restart_would_kill_pods_only_where_it_is_refused(fresh, play):
    node, image = "n3", "quay.io/coreos/etcd:1"
    play().ok()
    fresh.pull(node, image)
    begin = f"ctr -n k8s.io run -d --null-io {image} survivor /bin/busybox sleep 1000"
    started = fresh.run(node, ["sh", "-c", begin])
    assert container(fresh, node) == "RUNNING", started.stderr
    assert play(auth_method="config").ok().of(node)["restarted"]
    assert container(fresh, node) == "RUNNING"
    drop_in(fresh, node, "KillMode=mixed")
    refused = play()
    assert refused.rc != 0 and "would kill the pods" in refused.failed() and "killmode.conf" in refused.failed()
    # The fix in the message works: its drop-in sorts after ours.
    fresh.run(node, ["mv", DROP_IN, DROP_IN.replace("test", "a")])
    mend = "/etc/systemd/system/containerd.service.d/killmode.conf"
    assert mend in refused.failed()
    fresh.write(node, mend, "[Service]\nKillMode=process\n")
    fresh.run(node, ["systemctl", "daemon-reload"])
    assert play().ok().of(node)["restarted"] and container(fresh, node) == "RUNNING"
    fresh.run(node, ["rm", mend])
    fresh.run(node, ["systemctl", "daemon-reload"])
    assert play("-e", '{"containerd_registry_auth_method": "config"}', restart_force=True).ok()
    assert container(fresh, node) != "RUNNING", "the control: this unit does kill them"


@pytest.mark.nodes("n3")
def test_a_good_configuration_is_started_although_the_unit_failed_too_often(fresh, play):
    node, good = "n3", fresh.read("n3", CONFIG)
    fresh.write(node, DROP_IN, "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h\n[Service]\nRestart=no\n")
    fresh.run(node, ["systemctl", "daemon-reload"])
    fresh.write(node, CONFIG, "version = 2\noom_score = 'none'\n")
    fresh.run(node, ["sh", "-c", "for i in 1 2 3 4; do systemctl restart containerd; done"])
    fresh.write(node, CONFIG, good)
    assert (
        "too quickly"
        in fresh.run(node, ["sh", "-c", "systemctl restart containerd; systemctl status containerd"]).stdout
    )
    assert play().ok().of(node)["restarted"]
    assert_served(fresh, node, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")


@pytest.mark.nodes("n2")
def test_another_service_manager(fresh, play):
    node = "n2"
    fresh.run(node, ["sh", "-c", "systemctl stop containerd; systemctl mask --runtime containerd"])
    fresh.write(node, "/usr/local/sbin/again", (
        "#!/bin/sh\npkill -x containerd; while pgrep -x containerd; do sleep 0.1; done\n"
        "setsid /usr/bin/containerd </dev/null >/dev/null 2>&1 &\n"
    ), "0755")  # fmt: skip
    fresh.run(node, ["/usr/local/sbin/again"])
    run = play(restart_command=["/usr/local/sbin/again"]).ok()
    assert run.of(node)["restarted"]
    assert_served(fresh, node, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")
    assert play(restart_command=["/usr/local/sbin/again"]).ok().changed() == {node: 0}


@pytest.mark.nodes("n3")
def test_a_command_that_restarts_nothing_is_no_restart(fresh, play):
    before = files(fresh, "n3")
    run = play(restart_command=["/bin/true"], restart_timeout=2)
    assert run.rc != 0 and "nothing was restarted" in run.failed()
    assert files(fresh, "n3") == before


@pytest.mark.nodes("n3")
def test_a_file_that_containerd_does_not_read_proves_nothing(fresh, play):
    before = files(fresh, "n3")
    run = play(config_file="/etc/containerd/other.toml")
    assert run.rc != 0 and files(fresh, "n3") == before
