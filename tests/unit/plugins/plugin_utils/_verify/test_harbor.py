# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of what Harbor says of its projects."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Project
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import harbor

NOT_THERE = Manifest(status=404, message="not found")
NO_PROJECT = Manifest(status=401, message="project P not found")
TWICE = Manifest(status=401, message="project p not found: project p not found")
TOKEN = Manifest(failure="credentials", status=401)
REFUSED = Manifest(status=401, message="unauthorized")


def judge(upstream="quay.io", answer=None, status=200, registry_id=None, url=None, has_reader=False):
    return harbor.judge(upstream, Project("p", status, registry_id, url, answer or NOT_THERE), has_reader)


@pytest.mark.parametrize(
    ("options", "expected", "problem"),
    [
        ({}, (True, "", True), None),
        ({"registry_id": 1, "url": "https://quay.io"}, (True, "https://quay.io", True), None),
        ({"registry_id": 1}, (True, None, True), None),
        (
            {"registry_id": 1, "url": "https://ghcr.io"},
            (True, "https://ghcr.io", True),
            "proxy cache of https://ghcr.io",
        ),
        ({"upstream": "*", "registry_id": 1, "url": "https://ghcr.io"}, (True, "https://ghcr.io", True), None),
        ({"upstream": "docker.io", "registry_id": 1, "url": "https://hub.docker.com"}, None, None),
        ({"upstream": "docker.io", "registry_id": 1, "url": "https://registry-1.docker.io"}, None, None),
        ({"status": 403}, (True, None, True), None),
        ({"status": 404, "answer": NO_PROJECT}, (False, None, None), "has no project p for quay.io"),
        ({"status": 403, "answer": NO_PROJECT}, (False, None, None), "has no project p for quay.io"),
        ({"status": 403, "answer": REFUSED._replace(anonymous=401)}, (None, None, False), "may not pull"),
        ({"answer": REFUSED._replace(status=502)}, (True, "", None), "answers with status 502"),
        ({"status": None, "answer": Manifest(status=502)}, (None, None, None), "answers with status 502"),
        (
            {"answer": Manifest(status=301, location="https://h")},
            (True, "", None),
            "301 and redirects the node to https://h",
        ),
        ({"status": 403, "answer": TWICE}, (False, None, None), "has no project p for quay.io"),
        (
            {"status": 401, "answer": REFUSED._replace(login=False, anonymous=401), "has_reader": True},
            (None, None, False),
            "refuses the username and password",
        ),
        (
            {"status": 403, "answer": REFUSED._replace(login=True, anonymous=401)},
            (None, None, False),
            "credentials are correct",
        ),
        ({"status": 401, "has_reader": True}, (True, None, True), "API refuses these credentials"),
        ({"status": 401}, (True, None, True), None),
        (
            {
                "status": 401,
                "has_reader": True,
                "answer": TOKEN._replace(message="its token service refuses the credentials"),
            },
            (None, None, False),
            "refuses the username and password (status 401)",
        ),
        (
            {"status": 401, "answer": TOKEN._replace(message="its token service refuses anonymous requests")},
            (None, None, False),
            "requires credentials",
        ),
        ({"answer": REFUSED}, (True, "", False), "requires credentials"),
        ({"answer": Manifest(status=412)}, (True, "", True), None),
        ({"registry_id": 1, "url": "http://["}, (True, "http://[", True), "proxy cache of http://["),
        (
            {"status": None, "answer": Manifest(message="m", failure="dns")},
            (None, None, None),
            "queried about",
        ),
    ],
)
def test_judgement(options, expected, problem):
    found = judge(**options)
    if expected:
        assert (found.exists, found.proxy_cache_of, found.may_pull) == expected
    assert [problem in text for text in found.problems] == ([True] if problem else [])
