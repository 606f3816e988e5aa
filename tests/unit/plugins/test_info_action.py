# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd_info where Docker is beside the node's containerd, with a node that is made up."""

from __future__ import annotations

import json

import nodes
import pytest
from fake_node import run

from ansible_collections.airgap.containerd.plugins.action import containerd_info
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    SNAPSHOTTER,
    Engine,
    EngineRegistries,
    Observation,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Record, Written
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place

OURS, DOCKERS = Place("/etc/containerd/certs.d"), Place("/etc/docker/certs.d")
HOSTS = {"docker.io/hosts.toml": 'server = "http://u:S3cret@harbor.lan"\n[host]\n'}
FILES = {f"{folder}/docker.io/hosts.toml": Written("x", None) for folder in (OURS, DOCKERS)}


def both(version: str | None = "28.5.2", store: str = SNAPSHOTTER) -> Observation:
    node = nodes.node("2.1.9", hosts=nodes.tree(HOSTS), effective=Effective(config_path=OURS))
    node = node._replace(record=Record(1, files=FILES))
    docker = node._replace(
        version=version and f"Docker version {version}+dfsg4",
        version_error="it does not run",
        distribution="docker",
        hosts_dir=DOCKERS,
        effective=Effective(config_path=DOCKERS),
        engine=Engine((store,), EngineRegistries(("http://u:S3cret@m.lan/",), ("127.0.0.0/8",))),
    )
    return node._replace(docker=docker)


@pytest.fixture
def told(monkeypatch):
    """Run the module on a node; return its result and what the node was asked for."""

    def go(observed: Observation, **options):
        seen = []

        def answer(action, request, task_vars, kind):
            seen.append(request)
            return observed

        monkeypatch.setattr(execute, "execute", answer)
        return run(containerd_info, {}, **options), seen[0]

    return go


def test_both_are_shown(told):
    result, request = told(both(), resolve=["busybox"])
    assert request.docker is True, "whoever has configured it"
    shown, docker = result["containerd"], result["docker"]
    assert (shown["version"], shown["engine"], shown["managed"]) == ("2.1.9", None, [f"{OURS}/docker.io/hosts.toml"])
    assert (docker["version"], docker["distribution"], docker["hosts_dir"]) == ("28.5.2", "docker", DOCKERS)
    assert docker["managed"] == [f"{DOCKERS}/docker.io/hosts.toml"] and docker["registry"]["config_path"] == DOCKERS
    assert docker["engine"]["reads_hosts"] and docker["engine"]["insecure_registries"] == ["127.0.0.0/8"]
    assert [each["version"] for each in (*result["resolved"], *docker["resolved"])] == ["2.1.9", "Docker 28.5.2"]
    assert "S3cret" not in json.dumps(result)


def test_docker_that_is_left_alone_is_not_asked_for(told):
    assert told(both()._replace(docker=None), docker=False)[1].docker is False


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (both(None), "Docker is installed on this node, but it does not run: start it"),
        (both(store="overlayfs"), "Docker 28.5.2 uses its classic image store and does not read hosts.toml files"),
        (both("26.1.5"), "Docker 26.1.5 does not read hosts.toml files; Docker 28 and later do"),
    ],
)
def test_docker_that_cannot_be_resolved_fails_where_it_is_meant(told, observed, message):
    result, _request = told(observed, resolve=["busybox"])
    assert message in result["docker"]["msg"] and result["resolved"] and not result.get("failed")
    result, _request = told(observed, resolve=["busybox"], docker=True)
    assert result["failed"] and result["msg"].startswith(f"Docker: {message}") and result["resolved"]
    assert "msg" not in told(observed)[0]["docker"]
