# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""However a service starts containerd, the file that is reported and changed is the one that the real daemon reads."""

from __future__ import annotations

import pytest
from starting import trial
from support import NODES, assert_served, files

SEED = 3
ROUNDS = 1
UNIT = "/etc/systemd/system/containerd.service.d/start.conf"
OWN = "/opt/ct/config.toml"
STARTS = {
    "n1": "/usr/bin/taskset -c 0 /usr/bin/containerd --config ${PREFIX}${OWN}",
    "n2": '/bin/sh -c "exec containerd --config $OWN"',
    "n3": "/usr/bin/containerd --config ${PREFIX}${OWN}",
    "n4": "/usr/local/bin/start-it",
}


def test_the_file_that_is_told_is_the_one_that_is_read(lab, play, tmp_path):
    told = trial.run(lab, play, NODES, SEED, ROUNDS, tmp_path)
    lab.reset(*NODES)
    assert not any(each.wrong for each in told), "\n\n".join(each.wrong for each in told if each.wrong)
    assert sum(each.real is not None for each in told) > len(told) / 2


@pytest.fixture
def started(fresh):
    """Nodes that start containerd by way of something else."""
    for node, start in STARTS.items():
        fresh.write(node, "/usr/local/bin/start-it", f"#!/bin/sh\nexec containerd --config {OWN}\n", "0755")
        fresh.write(node, UNIT, f"[Service]\nEnvironment=OWN={OWN}\nExecStart=\nExecStart={start}\n")
        fresh.write(node, OWN, "version = 2\n")
        fresh.run(node, ["systemctl", "daemon-reload"])
        fresh.run(node, ["systemctl", "restart", "containerd"])
    return fresh


def test_settings_go_into_the_file_that_is_read(started, play):
    before = {node: files(started, node)["/etc/containerd/config.toml"] for node in NODES}
    assert play().ok().changed() == dict.fromkeys(NODES, 1)
    assert_served(started, NODES, "docker.io/library/busybox:1", "registry.lan", "library/busybox")
    assert {node: files(started, node)["/etc/containerd/config.toml"] for node in NODES} == before
    assert play().ok().changed() == dict.fromkeys(NODES, 0)
    started.run("n4", ["systemctl", "stop", "containerd"])
    assert play("--limit=n4").ok().changed() == {"n4": 1}  # an earlier run knew the file
    assert_served(started, "n4", "docker.io/library/busybox:1", "registry.lan", "library/busybox")
