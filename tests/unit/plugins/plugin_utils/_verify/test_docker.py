# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls with Docker on a node that also has its own containerd, reported as those of a separate node."""

from __future__ import annotations

import nodes

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Engine, Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Probed, Pulled, PullError, Pulls
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Observe, Probe, Pull
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import pull

IMAGE = "docker.io/library/busybox:1"
HOSTS = {"docker.io/hosts.toml": 'server = "http://harbor.lan/v2/hub"\noverride_path = true\n\n[host]\n'}
CERTS = Place("/etc/docker/certs.d")
DONE = Pulled(IMAGE, False, "sha256:1", 5, 0.1, None, True, None)


def both(version: str | None = "28.5.2") -> Observation:
    docker = nodes.node(
        hosts=nodes.tree(HOSTS),
        hosts_dir=CERTS,
        effective=Effective(config_path=CERTS),
        engine=Engine(("io.containerd.snapshotter.v1",)),
    )
    docker = docker._replace(version=version and f"Docker version {version}", version_error="it does not run")
    mine = Effective(config_path="/etc/containerd/certs.d")
    return nodes.node("1.7.24", hosts=nodes.tree(HOSTS), effective=mine, docker=docker)


def told(observed: Observation, *dockers: Pulled) -> dict:
    def ask(request, kind):
        if isinstance(request, Probe):
            return Probed(((),) * len(request.images))
        return Pulls(observed, (DONE,), dockers)

    return pull.pull(ask, Pull(Observe(), [IMAGE]))


def test_docker_is_told_beside_the_containerd_of_the_node():
    found = told(both(), DONE)
    assert not found["failed"] and found["version"] == "1.7.24" and found["docker"]["version"] == "Docker 28.5.2"
    assert found["docker"]["images"][0]["served_by"] == {
        "endpoint": "http://harbor.lan/v2/hub",
        "known_by": "only_endpoint",
    }


def test_what_fails_there_fails_the_node():
    bad = DONE._replace(error=PullError("UNKNOWN", "no"), digest=None, removed=False)
    found = told(both(), bad)
    assert found["failed"] and found["images"][0]["state"] == "pulled"
    assert found["docker"]["images"][0]["state"] == "failed"


def test_one_that_does_not_run_is_told_as_well():
    found = told(both(version=None), DONE)
    assert found["failed"] and "it does not run: start it" in found["docker"]["msg"]
    assert "images that were not requested" in told(both())["docker"]["msg"]


def test_a_report_shows_it_as_a_node():
    results = document.with_docker({"n1": told(both(), DONE), "n2": None, "n3": {"msg": "x", "docker": "y"}})
    assert list(results) == ["n1", "n1 (Docker)", "n2", "n3"]
    found = document.document({name: results[name] for name in ("n1", "n1 (Docker)")}, "2026-11-28T08:00:00Z")
    assert [node["name"] for node in found["nodes"]] == ["n1", "n1 (Docker)"] and found["ok"]
