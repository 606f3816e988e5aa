# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config.toml that is a link, mounted, or kept by attributes: followed, or refused with the words that help."""

from __future__ import annotations

import pytest
from support import CONFIG, ENDS, NODES, assert_served, files

CERTS = "/etc/containerd/certs.d"
REAL = "/opt/ct/config.toml"


@pytest.mark.nodes(*ENDS)
def test_imports_are_those_beside_the_link(fresh, play, config):
    for node in ENDS:
        fresh.write(node, REAL, 'version = 2\nimports = ["conf.d/a.toml"]\n')
        fresh.run(node, ["ln", "-sf", REAL, CONFIG])
        fresh.write(node, "/etc/containerd/conf.d/a.toml", "version = 2\noom_score = -1\n")
        fresh.run(node, ["systemctl", "restart", "containerd"])
    assert play().ok().changed() == dict.fromkeys(ENDS, 1)
    assert_served(fresh, ENDS, "docker.io/library/busybox:1", "registry.lan", "library/busybox")
    for node in ENDS:
        assert fresh.run(node, ["readlink", CONFIG]).stdout.strip() == REAL
        assert ".airgap-" not in fresh.run(node, ["ls", "-A", "/etc/containerd", "/opt/ct"]).stdout
    assert play().ok().changed() == dict.fromkeys(ENDS, 0)
    done = config({"merge": {"grpc": {"uid": 0, "gid": 5}}})[0].ok()
    assert done.changed() == dict.fromkeys(ENDS, 1)


HELD = {
    "n1": (
        f"cp {CONFIG} /root/held.toml && mount --bind /root/held.toml {CONFIG}",
        f"{CONFIG} has to change, but it is a mount point itself, so it cannot be replaced atomically",
    ),
    "n2": (
        "mount --bind /etc/containerd /etc/containerd && mount -o remount,ro,bind /etc/containerd",
        f"{CONFIG} has to change, but it is on a read-only file system: mount /etc/containerd writable first",
    ),
    "n3": (f"chattr +i {CONFIG}", f"{CONFIG} (lsattr) forbid it: run chattr -i {CONFIG}"),
    "n4": ("chattr +a /etc/containerd", "/etc/containerd (lsattr) forbid it: run chattr -a /etc/containerd"),
}


@pytest.fixture
def held(fresh):
    """Nodes on which config.toml cannot be replaced."""
    for node, (command, _text) in HELD.items():
        done = fresh.run(node, ["sh", "-c", command])
        assert done.returncode == 0 or "not supported" in done.stderr, done
    yield fresh
    fresh.run("n3", ["chattr", "-i", CONFIG])
    fresh.run("n4", ["chattr", "-a", "/etc/containerd"])
    fresh.reset(*NODES)


def test_what_cannot_be_replaced_is_said_before_anything_is_written(held, play):
    before = {node: files(held, node) for node in NODES}
    run = play("--check")
    for node, (_command, text) in HELD.items():
        assert text in run.of(node)["msg"], run.of(node)["msg"]
    assert play("--limit=n3").rc != 0
    assert {node: files(held, node) for node in NODES} == before
