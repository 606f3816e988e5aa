# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with existing settings: what worked still works, is reported, and is restored by state=absent.

The variables name second.lan; registry.lan is what the nodes used before, over TLS with a private CA too.
"""

from __future__ import annotations

import base64

import pytest
from airgap_lab import LabError
from support import CONFIG_PATH, FROM_2, LEGACY_TLS, NEWEST, NODES, SITE, assert_served, files

PLAYBOOK = SITE

CONFIG = "/etc/containerd/config.toml"
CERTS = "/etc/containerd/certs.d"
HAND = "/etc/containerd/hand.d"
OLD = "/etc/old-certs"
LOGIN = "robot$puller", "S3cret+/p$ss"
BASIC = base64.b64encode(":".join(LOGIN).encode()).decode()
URL = "http://second.lan"
R = 'plugins."io.containerd.grpc.v1.cri".registry'
LEGACY_CONFIG = f"""\
version = 2
# kept
[{R}.mirrors]
  [{R}.mirrors."docker.io"]
    endpoint = ["http://registry.lan:5000"]
  [{R}.mirrors."private.example.org"]
    endpoint = ["https://registry.lan/v2/team"]
  [{R}.mirrors."registry.lan:5000"]
    endpoint = ["http://registry.lan:5000"]
[{R}.configs."registry.lan".auth]
  username = '{LOGIN[0]}'
  password = '{LOGIN[1]}'
[{R}.configs."registry.lan".tls]
  ca_file = "{OLD}/ca.crt"
[{R}.configs."registry.lan:8443".auth]
  auth = "{BASIC}"
[{R}.configs."registry.lan:8443".tls]
  ca_file = "{OLD}/ca.crt"
  cert_file = "{OLD}/client.crt"
  key_file = "{OLD}/client.key"
[{R}.auths."http://registry.lan:5000"]
  username = '{LOGIN[0]}'
  password = '{LOGIN[1]}'
"""
HAND_CONFIG = f"""\
version = 2
[{R}]
  config_path = "%s"
[{R}.configs."registry.lan:8443".auth]
  username = '{LOGIN[0]}'
  password = '{LOGIN[1]}'
"""
PRIVATE_HOSTS = f"""\
# by hand
[host."https://registry.lan/v2/team"]
  capabilities = ["pull", "resolve"]
  override_path = true
  ca = "%s"
[host."https://registry.lan/v2/team".header]
  Authorization = "Basic {BASIC}"
"""
TLS = {"private.example.org/tool:1": "team/tool", "registry.lan:8443/lab/app:1": "lab/app"}
ITSELF = {"registry.lan/lab/app:1": "lab/app"}
PLAIN = {"registry.lan:5000/lab/app:1": "lab/app"}


def pulls(lab, nodes, images) -> None:
    for image, repository in images.items():
        assert_served(lab, nodes, image, "registry.lan", repository)


def _certificates(lab, node: str, folder: str, client: str = "client.crt") -> None:
    for name, copy in (("ca.crt", "ca.crt"), ("client.crt", client), ("client.key", "client.key")):
        lab.write(node, f"{folder}/{copy}", (lab.config.tls / name).read_text(), "0600")


def assert_no_secret(run) -> None:
    assert LOGIN[1] not in run.output and BASIC not in run.output


@pytest.fixture(scope="module")
def legacy(lab, play):
    """Nodes with legacy settings, what the plan said of them, and the first run."""
    lab.reset(*NODES)
    for node in NODES:
        _certificates(lab, node, OLD)
        lab.write(node, CONFIG, LEGACY_CONFIG, "0600")
        lab.run(node, ["systemctl", "restart", "containerd"])
    pulls(lab, NODES, PLAIN)
    pulls(lab, LEGACY_TLS, TLS | ITSELF)
    with pytest.raises(LabError, match="x509"):  # containerd 2 does not support TLS settings in config.toml
        lab.pull(NEWEST, "registry.lan:8443/lab/app:1")
    before = {node: files(lab, node) for node in NODES}
    refused = play(f"--limit={','.join(CONFIG_PATH)}", "--check", url=URL, migrate=False)
    assert refused.rc == 2 and {node: files(lab, node) for node in NODES} == before
    plan = play("--check", url=URL).ok()
    assert {node: files(lab, node) for node in NODES} == before
    return refused, play("--diff", url=URL).ok(), plan


def test_the_plan_of_the_fleet_is_what_is_done(legacy):
    dummy, run, plan = legacy
    for node in NODES:
        assert plan.of(node)["changed"] and plan.of(node)["migrated"] == run.of(node)["migrated"], node
        assert sorted(plan.of(node)["written"]) == sorted(run.of(node)["written"]), node
    (shown,) = [each["result"]["lines"] for each in plan.results if each["task"].endswith("containerd_report")]
    assert "the mirror of private.example.org (https://registry.lan/v2/team) moves" in str(shown)
    assert_no_secret(plan)


def test_migrate_false_refuses(legacy):
    refused = legacy[0]
    for node in CONFIG_PATH:
        assert "containerd_registry_migrate is false" in refused.of(node)["msg"]
        assert "the mirror of private.example.org (https://registry.lan/v2/team) moves" in refused.of(node)["msg"]
    assert_no_secret(refused)


def test_what_worked_still_works(legacy, lab):
    assert_served(lab, NODES, "docker.io/library/busybox:1", "second.lan", "library/busybox")
    pulls(lab, NODES, PLAIN)
    pulls(lab, LEGACY_TLS, TLS | ITSELF)
    pulls(lab, FROM_2, TLS | ITSELF)  # containerd 2 reads the CA only from hosts.toml


def test_each_item_is_told(legacy, lab):
    run = legacy[1]
    for node in CONFIG_PATH:
        assert run.of(node)["mode"] == "config_path"
        text = "\n".join(run.of(node)["migrated"])
        for item in (
            "the mirror of private.example.org (https://registry.lan/v2/team) moves",
            "the mirror of registry.lan:5000 (http://registry.lan:5000) moves",
            "registry.lan:8443 has settings of its own in config.toml: images are pulled from it directly",
            "TLS settings of registry.lan (ca) move",
            "TLS settings of registry.lan:8443 (ca, client) move",
            "the credentials for registry.lan stay",
            "the credentials for http://registry.lan:5000 stay",
        ):
            assert item in text, text
        assert "the mirror of docker.io in config.toml (http://registry.lan:5000) is replaced" in str(
            run.of(node)["warnings"]
        )
        assert "mirrors" not in lab.read(node, CONFIG)
    assert_no_secret(run)
    assert "carried over" in run.output


def test_then_nothing_changes_and_absent_brings_it_back(legacy, lab, play):
    again = play(url=URL, migrate=False).ok()
    assert again.changed() == dict.fromkeys(NODES, 0) and not any(again.of(node)["migrated"] for node in NODES)
    play(playbook="playbooks/uninstall.yml").ok()
    for node in NODES:
        assert lab.read(node, CONFIG) == LEGACY_CONFIG
    pulls(lab, NODES, PLAIN)
    pulls(lab, LEGACY_TLS, TLS | ITSELF)


@pytest.fixture(scope="module")
def by_hand(lab, play, tmp_path_factory):
    """Nodes with hosts.toml files by hand: in a list of directories, for legacy mode, and in another directory."""
    roots = {"n2": f"{CERTS}:{HAND}", "n3": HAND, "n4": HAND}
    lab.reset(*roots)
    for node, root in roots.items():
        lab.write(node, f"{HAND}/private.example.org/hosts.toml", PRIVATE_HOSTS % "../registry.lan_8443_/ca.crt")
        _certificates(lab, node, f"{HAND}/registry.lan_8443_", "client.cert")
        lab.write(node, f"{CERTS if node == 'n2' else HAND}/docker.io/hosts.toml", PRIVATE_HOSTS % "/none")
        lab.write(node, CONFIG, HAND_CONFIG % root, "0600")
        lab.run(node, ["systemctl", "restart", "containerd"])
    pulls(lab, roots, TLS)
    before = {node: files(lab, node) for node in roots}
    inventory = tmp_path_factory.mktemp("hosts") / "modes.yml"
    inventory.write_text(
        "all: {hosts: {n3: {containerd_registry_mode: legacy}, "
        f"n4: {{containerd_registry_hosts_dir: {CERTS}}}, n2: {{containerd_registry_hosts_dir: {CERTS}}}}}}}\n"
    )

    def run(**arguments):
        return play("--limit=n2,n3,n4", url=URL, inventory=(str(inventory),), **arguments)

    return before, run, run().ok()


def test_other_directories_are_carried_over(by_hand, lab):
    dummy, dummy, first = by_hand
    assert {node: first.of(node)["mode"] for node in ("n2", "n3", "n4")} == {
        "n2": "config_path", "n3": "legacy", "n4": "config_path",
    }  # fmt: skip
    assert_served(lab, ("n2", "n3", "n4"), "docker.io/library/busybox:1", "second.lan", "library/busybox")
    pulls(lab, ("n2", "n3", "n4"), TLS)
    for node in ("n2", "n4"):
        for name in ("private.example.org", "registry.lan_8443_"):
            assert f"{HAND}/{name} is copied to {CERTS}" in "\n".join(first.of(node)["migrated"])
        assert f"is only {CERTS} now" in str(first.of(node)["warnings"])
    assert f"{HAND}/private.example.org moves to the legacy settings" in "\n".join(first.of("n3")["migrated"])
    assert "images of docker.io came from https://registry.lan/v2/team, with credentials" in str(
        first.of("n2")["warnings"]
    )
    assert "config_path" not in lab.read("n3", CONFIG)
    assert_no_secret(first)


def test_they_stay_so_and_absent_brings_them_back(by_hand, lab, play):
    before, run, dummy = by_hand
    again = run().ok()
    assert again.changed() == dict.fromkeys(before, 0) and not any(again.of(node)["migrated"] for node in before)
    run(playbook="playbooks/uninstall.yml").ok()
    assert {node: files(lab, node) for node in before} == before
    pulls(lab, before, TLS)
