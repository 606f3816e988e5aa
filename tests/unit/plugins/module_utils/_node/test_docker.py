# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Docker is configured on a node, and what is reported about it."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._docker import engine
from ansible_collections.airgap.containerd.plugins.module_utils._node import docker, process, service
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

DOCKERS = {"files": {"/etc/docker/certs.d/docker.io/hosts.toml": {}}}
INFO = {
    "ServerVersion": "28.5.2+dfsg4",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
    "HttpProxy": "http://user:S3cret@proxy.lan:3128",
    "NoProxy": ".lan",
    "RegistryConfig": {
        "Mirrors": ["http://m.lan/"],
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {"docker.io": {"Secure": True}, "h.lan": {"Secure": False}},
    },
}


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Make it a node with or without Docker, and a kubelet."""

    def make(is_docker, is_kubernetes, runs=True):
        monkeypatch.setattr(docker, "_runs", lambda: runs)
        here, gone = tmp_path / "here", tmp_path / "gone"
        here.write_text("")
        monkeypatch.setattr(places, "DOCKER", str(here if is_docker else gone))
        monkeypatch.setattr(places, "DOCKER_PROGRAMS", (str(gone),))
        monkeypatch.setattr(places, "KUBERNETES", (str(here if is_kubernetes else gone),))

    return make


@pytest.mark.parametrize(
    ("is_docker", "is_kubernetes", "asked", "may_be", "record", "alone", "beside"),
    [
        (True, False, None, True, {}, True, False),
        (True, False, True, True, {}, True, True),
        (True, False, False, True, {}, False, False),
        (True, False, None, False, {}, False, False),  # the user has said which containerd
        (True, False, True, False, {}, False, True),
        (True, False, None, True, {"config": {}}, True, False),
        (True, False, None, True, {"config": {"sha256": "x"}}, False, False),  # it is in the role's care
        (True, True, None, True, {}, False, False),
        (True, True, True, True, {}, False, True),
        (True, True, None, True, DOCKERS, False, True),  # an earlier run gave it some
        (True, True, False, True, DOCKERS, False, False),
        (False, False, None, True, {}, False, False),
        (False, True, True, True, {}, False, False),
    ],
)
def test_which_docker_is_meant(node, is_docker, is_kubernetes, asked, may_be, record, alone, beside):
    node(is_docker, is_kubernetes)
    request = {"docker": asked, "may_be_docker": may_be}
    assert docker.is_alone(request, record) is alone
    assert docker.is_wanted(request, record) is beside


def test_docker_that_does_not_run_is_not_meant_by_itself(node):
    node(True, False, runs=False)
    request = {"docker": None, "may_be_docker": True}
    assert not docker.is_alone(request, {}), "as a socket that nobody took away"
    assert docker.is_alone(request, DOCKERS), "what it has is not taken away from it"


def told(monkeypatch, info, runs=True):
    def asked(method, path, timeout):
        if isinstance(info, Exception):
            raise info
        return info

    monkeypatch.setattr(process, "below_our_root", lambda: ["1"])
    monkeypatch.setattr(process, "link", lambda pid, name: "/usr/sbin/dockerd (deleted)" if runs else "/usr/bin/runc")
    monkeypatch.setattr(service, "daemon", lambda path: None)
    monkeypatch.setattr(engine, "asked", asked)
    return docker.changes()


def test_what_it_tells(monkeypatch):
    found = told(monkeypatch, INFO)
    assert found["version"] == "Docker version 28.5.2+dfsg4" and found["version_error"] is None
    assert found["engine"]["store"] == ["io.containerd.snapshotter.v1"]
    assert found["engine"]["registries"] == {"mirrors": ["http://m.lan/"], "insecure": ["127.0.0.0/8", "h.lan"]}
    proxies = found["started_with"]["running"]
    assert proxies == {"http": "http://proxy.lan:3128", "https": None, "no": ".lan"}


@pytest.mark.parametrize(
    ("info", "runs", "error"),
    [
        (INFO, False, "it does not run"),
        (engine.EngineError(0, "no answer in 10 s"), True, "it does not answer on"),
        ({}, True, "it does not report its version"),
        ({"DriverStatus": None, "RegistryConfig": None}, True, "it does not report its version"),
    ],
)
def test_why_it_tells_nothing(monkeypatch, info, runs, error):
    found = told(monkeypatch, info, runs)
    assert found["version"] is None and found["version_error"].startswith(error)
    assert found["engine"]["store"] == [] and found["engine"]["registries"] == {"mirrors": [], "insecure": []}


@pytest.mark.parametrize(
    "info",
    [
        {"ServerVersion": "28.0.0", "DriverStatus": "x", "RegistryConfig": []},
        {"ServerVersion": "28.0.0", "DriverStatus": [[], 3, ["driver-type"]], "RegistryConfig": {"Mirrors": 3}},
        {"ServerVersion": "28.0.0", "RegistryConfig": {"IndexConfigs": {"a": None}, "InsecureRegistryCIDRs": "x"}},
    ],
)
def test_what_is_of_another_shape_counts_for_nothing(monkeypatch, info):
    assert told(monkeypatch, info)["engine"]["store"] == []
