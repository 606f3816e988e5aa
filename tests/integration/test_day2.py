# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of four nodes after the first run, one day after the other; they pull through CRI before and after each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airgap_lab import Lab, LabError
from support import CONFIG_PATH, HARBOR, LEGACY, NODES, RELEASES, assert_served, pid

CONFIG = "/etc/containerd/config.toml"
NEW_PASSWORD = """N3w '#"\\ p@ss"""
IMAGE = "docker.io/library/busybox:1"
UNLISTED = "registry.example.org/team/tool:1"
BY_AGE = sorted(NODES, key=lambda name: RELEASES[name].version)
# From the oldest containerd to the newest, one line of releases after the other, and so on from each.
UPGRADES = {node: BY_AGE[number + 1 :] for number, node in enumerate(BY_AGE[:-1])}
harbor = {name.removeprefix("containerd_registry_"): value for name, value in HARBOR.items()}


def pids(lab: Lab) -> dict[str, str]:
    return {node: pid(lab, node) for node in NODES}


def config(lab: Lab, node: str) -> str:
    """A node's config.toml, "" where there is none: containerd's own releases bring none."""
    return lab.run(node, ["cat", CONFIG]).stdout


def assert_not_pulled(lab: Lab, image: str, requests: bool) -> None:
    """Check that no node gets an image; ``requests`` says whether a registry receives requests for it."""
    mark = lab.mark()
    for node in NODES:
        with pytest.raises(LabError):
            lab.pull(node, image)
    assert {entry["node"] for entry in lab.requests(mark)} == (set(NODES) if requests else set())


@pytest.fixture(scope="module")
def life(lab, play) -> Iterator[dict[str, str]]:
    """Nodes after the first run, and the config.toml that each had before it."""
    lab.reset(*NODES)
    before = {node: config(lab, node) for node in NODES}
    play().ok()
    assert_served(lab, NODES, IMAGE, "registry.lan", "library/busybox")
    yield before
    lab.registry_password()
    lab.reset(*NODES)


def test_the_password_changes(life, lab, play):
    lab.registry_password(NEW_PASSWORD)
    assert_not_pulled(lab, IMAGE, requests=True)
    before = pids(lab)
    run = play("--diff", password=NEW_PASSWORD).ok()
    assert NEW_PASSWORD not in run.output
    assert_served(lab, NODES, IMAGE, "registry.lan", "library/busybox")
    after = pids(lab)
    assert [node for node in NODES if before[node] != after[node]] == list(LEGACY), "only 1.4 has to restart"


def test_the_registry_moves_to_another_address(life, lab, play):
    before = pids(lab)
    play(**harbor, catch_all=False).ok()
    assert_served(lab, NODES, IMAGE, "harbor.lan", "dockerhub/library/busybox")
    assert {node: pid(lab, node) for node in CONFIG_PATH} == {node: before[node] for node in CONFIG_PATH}


def test_an_upstream_comes_and_goes(life, lab, play):
    assert_not_pulled(lab, UNLISTED, requests=False)
    before = pids(lab)
    play(**harbor, catch_all=False, extra_upstreams=["registry.example.org"]).ok()
    assert_served(lab, NODES, UNLISTED, "harbor.lan", "mirror/team/tool")
    play(**harbor, catch_all=False).ok()
    assert_not_pulled(lab, UNLISTED, requests=False)
    assert_served(lab, NODES, IMAGE, "harbor.lan", "dockerhub/library/busybox")
    assert {node: pid(lab, node) for node in CONFIG_PATH} == {node: before[node] for node in CONFIG_PATH}


def test_containerd_is_upgraded_under_a_configured_node(life, lab, play):
    for node, newer in UPGRADES.items():
        for other in newer:
            lab.swap(node, other)
            assert_served(lab, node, IMAGE, "harbor.lan", "dockerhub/library/busybox")
            assert_served(lab, node, "harbor.lan/lab/app:1", "harbor.lan", "lab/app")
    run = play(**harbor, catch_all=False).ok()
    assert {run.of(node)["version"] for node in NODES} == {run.of(BY_AGE[-1])["version"]}
    assert {node: run.of(node)["mode"] for node in NODES} == dict.fromkeys(NODES, "config_path")
    changed = {node: int(node in LEGACY) for node in NODES}
    assert run.changed() == changed, "what 1.6 was given is right for all that follow too"
    assert_served(lab, NODES, IMAGE, "harbor.lan", "dockerhub/library/busybox")
    assert play(**harbor, catch_all=False).ok().changed() == dict.fromkeys(NODES, 0)


def test_uninstall(life, lab, play):
    run = play(playbook="playbooks/uninstall.yml").ok()
    assert run.changed() == dict.fromkeys(NODES, 1)
    assert {node: config(lab, node) for node in NODES} == life
    for node in NODES:
        left = lab.run(node, ["find", "/etc/containerd/certs.d", "/var/lib/airgap-containerd"]).stdout.split()
        assert left in ([], ["/etc/containerd/certs.d"]), left
    assert_not_pulled(lab, IMAGE, requests=False)
    before = pids(lab)
    again = play(playbook="playbooks/uninstall.yml").ok()
    assert again.changed() == dict.fromkeys(NODES, 0) and pids(lab) == before
    assert all("nothing to remove" in again.of(node)["msg"] for node in NODES)
