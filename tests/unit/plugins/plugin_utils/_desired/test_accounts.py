# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials and headers of a project or an endpoint of a mirror: they override those of `endpoints`, only there."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint

URL = "http://harbor.lan"
SYSTEM = {"username": "robot$all", "password": "p"}
QUAY = {"username": "robot$quay+puller", "password": "q"}
HUB = {"username": "robot$hub+puller", "password": "h"}


def access(upstream: str, **options) -> Access:
    """What requests to the endpoint of an upstream contain."""
    wanted = desired.desired({"url": URL, **options})
    return wanted.access_to(wanted.mirrors[upstream].endpoints[0])


PROJECTS = {"docker.io": "hub", "quay.io": {"project": "quay", **QUAY}, "*": "rest"}


def test_a_project_with_an_account_of_its_own():
    for upstream, expected in {"quay.io": QUAY, "docker.io": SYSTEM, "*": SYSTEM, "harbor.lan": SYSTEM}.items():
        assert access(upstream, projects=PROJECTS, **SYSTEM).auth == expected, upstream
    assert access("quay.io", projects=PROJECTS, **SYSTEM).option == "projects[quay.io]"


def test_the_project_of_every_other_upstream_gives_them_its_account():
    options = {"projects": {"*": {"project": "rest", **QUAY}}, "upstreams": ["ghcr.io"]}
    assert access("ghcr.io", **options).auth == access("*", **options).auth == QUAY


def test_an_endpoint_of_a_mirror_with_an_account_of_its_own():
    mirrors = {"quay.io": [{"url": URL, "project": "quay", **QUAY}, {"url": URL, "project": "more"}]}
    wanted = desired.desired({"url": URL, "mirrors": mirrors, **SYSTEM})
    first, second = wanted.mirrors["quay.io"].endpoints
    assert (wanted.access_to(first).auth, wanted.access_to(second).auth) == (QUAY, SYSTEM)
    assert wanted.access_to(first).option == "mirrors[quay.io].endpoints[0]"


@pytest.mark.parametrize(
    ("own", "auth", "headers"),
    [
        ({}, {}, {"X-A": "1", "x-b": "2", "Authorization": "Bearer t"}),
        ({"headers": {"x-a": "3"}}, {}, {"x-b": "2", "Authorization": "Bearer t", "x-a": "3"}),
        (QUAY, QUAY, {"X-A": "1", "x-b": "2"}),
        ({"auth": "Bearer u"}, {}, {"X-A": "1", "x-b": "2", "Authorization": "Bearer u"}),
    ],
)
def test_a_login_replaces_the_other_one_and_a_header_that_of_its_name(own, auth, headers):
    endpoints = {"harbor.lan": {"auth": "Bearer t", "headers": {"X-A": "1", "x-b": "2"}}}
    found = access("quay.io", endpoints=endpoints, projects={"quay.io": {"project": "quay", **own}})
    assert (found.auth, found.headers) == (auth, headers)


def test_tls_settings_stay_those_of_the_host():
    endpoints = {"harbor.lan": {"skip_verify": True}}
    wanted = desired.desired({"url": "https://harbor.lan", "endpoints": endpoints, "projects": PROJECTS})
    found = wanted.access_to(wanted.mirrors["quay.io"].endpoints[0])
    assert found.skip_verify and found.auth == QUAY


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"projects": PROJECTS}, QUAY),
        ({"projects": {**PROJECTS, "gcr.io": {"project": "g", **QUAY}}}, QUAY),
        ({"projects": {**PROJECTS, "gcr.io": {"project": "g", **HUB}}}, {}),
        ({"projects": PROJECTS, **SYSTEM}, SYSTEM),
        ({"projects": PROJECTS, "mirrors": {"harbor.lan": [URL]}}, {}),
        ({"mirrors": {"quay.io": [{"url": URL, **QUAY}]}}, QUAY),
    ],
)
def test_a_registrys_own_images_take_the_only_login_that_is_known(options, expected):
    assert access("harbor.lan", **options).auth == expected


@pytest.mark.parametrize(
    ("base", "other"),
    [
        ("http://h", "http://h:80"),
        ("http://h:80", "http://h"),
        ("https://h", "https://h:443"),
        ("https://h:443", "https://h"),
        ("http://h:443", None),
        ("http://[fd00::1]", "http://[fd00::1]:80"),
    ],
)
def test_another_spelling_of_a_host(base, other):
    assert Endpoint(base).other_spelling == other


def test_a_login_comes_from_a_variable_of_its_own():
    options = {"url": URL, "mirrors": {}, "endpoints": {}, "projects": {"quay.io": "quay", "docker.io": "hub"}}
    options.update({name: [] for name in ("upstreams", "extra_upstreams", "direct")})
    variables = {"pre_projects_vault": {"quay.io": QUAY}, "pre_projects_z": {"docker.io": "other"}}
    merged = desired.merged(options, "pre_", variables)
    assert merged["projects"] == {"quay.io": {"project": "quay", **QUAY}, "docker.io": "other"}
    assert desired.desired(merged, "pre_").mirrors["quay.io"].endpoints[0].access.auth == QUAY
