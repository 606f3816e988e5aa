# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From variables to mirrors."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

LOGIN = {"username": "robot$puller", "password": "S3cret+/p$ss"}


def urls(wanted: Desired) -> dict[str, list[str]]:
    return {name: [each.url for each in mirror.endpoints] for name, mirror in wanted.mirrors.items()}


def test_flat_registry():
    wanted = desired.desired({"url": "http://registry.lan", "upstreams": ["docker.io"], **LOGIN})
    assert urls(wanted) == dict.fromkeys(("*", "docker.io", "registry.lan"), ["http://registry.lan"])
    assert wanted.access == {"registry.lan:80": Access(auth=LOGIN)}


def test_projects():
    projects = {"docker.io": "dockerhub", "quay.io": "/quay/", "*": "mirror"}
    wanted = desired.desired({"url": "http://harbor.lan:8080/", "upstreams": ["ghcr.io"], "projects": projects})
    assert urls(wanted) == {
        "*": ["http://harbor.lan:8080/v2/mirror"],
        "docker.io": ["http://harbor.lan:8080/v2/dockerhub"],
        "ghcr.io": ["http://harbor.lan:8080/v2/mirror"],
        "harbor.lan:8080": ["http://harbor.lan:8080"],
        "quay.io": ["http://harbor.lan:8080/v2/quay"],
    }
    assert {mirror.endpoints[0].api for mirror in wanted.mirrors.values()} == {"http://harbor.lan:8080/v2/"}


def test_a_path_before_v2():
    wanted = desired.desired({"url": "https://nexus.lan/repository/docker", "projects": {"quay.io": "q"}})
    assert urls(wanted)["nexus.lan"] == ["https://nexus.lan/repository/docker"]
    assert urls(wanted)["quay.io"] == ["https://nexus.lan/repository/docker/v2/q"]
    assert wanted.mirrors["quay.io"].endpoints[0].api == "https://nexus.lan/repository/docker/v2/"


def test_direct_registries_and_no_catch_all():
    wanted = desired.desired(
        {"url": "http://r.lan", "upstreams": ["docker.io"], "direct": ["docker.io", "own.lan:5000"], "catch_all": False}
    )
    assert urls(wanted) == {
        "docker.io": [],
        "own.lan:5000": [],
        "r.lan": ["http://r.lan"],
        "r.lan:80": ["http://r.lan"],
    }
    assert wanted.mirrors["docker.io"].fallback == "upstream"


def test_what_was_set_by_hand_is_remembered():
    assert desired.desired({"url": "http://r.lan"}).explicit == frozenset()
    assert desired.desired({"url": "http://r.lan", "fallback": "none", "catch_all": True}).explicit == {
        "fallback",
        "catch_all",
    }


def test_projects_without_a_default_are_warned_about():
    (warning,) = desired.desired({"url": "http://r.lan", "upstreams": ["a.io"], "projects": {"b.io": "b"}}).warnings
    assert "projects has no '*'" in warning


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": None}, "pre_url: not set"),
        ({"url": "registry.lan:5000"}, "pre_url: 'registry.lan:5000' does not begin with http:// or https://"),
        ({"url": "HTTP://registry.lan"}, "write http://registry.lan"),
        ({"url": "ftp://registry.lan"}, "write http://registry.lan or https://registry.lan"),
        ({"url": "http://user:pass@registry.lan"}, "set them as pre_username and pre_password"),
        ({"url": "http://registry.lan?x=1"}, "is not a registry URL"),
        ({"url": "http://"}, "is not a registry URL"),
        ({"username": "u"}, "pre_password: missing or empty"),
        ({"password": "p"}, "pre_username: missing or empty"),
        ({"username": "a:b", "password": "p"}, "pre_username: a username cannot contain ':'"),
        ({"username": "u", "password": "secret\n"}, "pre_password: contains a line break"),
        ({"upstreams": ["https://quay.io/"]}, r"pre_upstreams: 'https://quay.io/' .* \(quay.io\)"),
        ({"upstreams": ["../x"]}, "pre_upstreams: '../x' is not a registry name"),
        ({"upstreams": ["a/b"]}, "pre_upstreams: 'a/b'"),
        ({"upstreams": [5]}, "pre_upstreams: 5"),
        ({"extra_upstreams": ["index.docker.io"]}, "write docker.io"),
        ({"projects": {"quay.io": "Bad Name"}}, r"pre_projects\[quay.io\]: 'Bad Name'"),
        ({"projects": {"quay.io": None}}, r"pre_projects\[quay.io\]: None"),
        ({"projects": {"quay.io": "q"}, "direct": ["quay.io"]}, "pre_direct: 'quay.io' is also mirrored"),
        ({"projects": {"registry.lan": "x"}}, "pre_projects: 'registry.lan' is the internal registry itself"),
        ({"direct": ["registry.lan"]}, "pre_direct: 'registry.lan' is also mirrored"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(Refusal, match=message) as error:
        desired.desired({"url": "http://registry.lan", **options}, "pre_")
    assert "secret" not in str(error.value) and "pass@" not in str(error.value)
