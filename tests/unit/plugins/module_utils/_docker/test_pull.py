# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls through Docker Engine's API, from an engine that is made up."""

import time

import docker_engine
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._docker import engine, pull
from ansible_collections.airgap.containerd.plugins.module_utils._docker.engine import EngineError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

REQUEST = {"images": [], "parallel": 2, "timeout": 5, "keep": False, "login": None}


@pytest.fixture
def docker(monkeypatch):
    yield from docker_engine.running(monkeypatch)


def pulled(*images, **changes):
    return pull.pull(dict(REQUEST, images=images, **changes))


def test_what_is_pulled_is_removed_again_and_what_was_there_stays(docker):
    docker.images["a/b:1"] = {"RepoDigests": ["a/b@sha256:2"], "Size": 7}
    there, new = pulled("a/b:1", "docker.io/library/busybox:1")
    assert there["present"] and there["digest"] == "sha256:2" and there["bytes"] is None and not there["removed"]
    assert new["digest"] == "sha256:1" and new["bytes"] == 5 and new["removed"] and new["error"] is None
    assert list(docker.images) == ["a/b:1"]
    assert docker.asked == [("docker.io/library/busybox", "1", None)]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("busybox", ("busybox", "latest")),
        ("registry.lan:5000/busybox", ("registry.lan:5000/busybox", "latest")),
        ("registry.lan:5000/busybox:1", ("registry.lan:5000/busybox", "1")),
        ("quay.io/a/b@sha256:ab", ("quay.io/a/b", "sha256:ab")),
        ("quay.io/a/b:1@sha256:ab", ("quay.io/a/b:1", "sha256:ab")),
    ],
)
def test_one_tag_or_digest_is_asked_for(docker, name, asked):
    pulled(name)
    assert docker.asked[0][:2] == asked


def test_what_stays_is_told_with_the_reason(docker):
    docker.used.add("a/b:1")
    (used,) = pulled("a/b:1")
    assert used["kept"] == "a container uses it" and not used["removed"]
    (kept,) = pulled("c/d:1", keep=True)
    assert not kept["removed"] and kept["kept"] is None and "c/d:1" in docker.images


def test_an_error_may_come_as_a_status_or_in_the_stream(docker):
    docker.errors = {
        "a": (404, '{"message": "not found"}'),
        "b": (200, '{"status": "x"}\nnonsense\n{"errorDetail": {"message": "no"}, "error": "unauthorized"}\n'),
        "c": (500, "<html>"),
    }
    found = [each["error"] for each in pulled("a:1", "b:1", "c:1")]
    assert found == [
        {"code": "NOT_FOUND", "message": "not found"},
        {"code": "UNKNOWN", "message": "unauthorized"},
        {"code": "UNKNOWN", "message": "<html>"},
    ]


def test_a_pull_secret_is_sent_and_never_told(docker):
    (found,) = pulled("a:1", login=("user", "Secr3t"))
    assert docker.asked[0][2] and "Secr3t" not in repr(found)


def test_a_pull_that_does_not_end_is_given_up(docker):
    docker.errors = {"slow": None}
    start = time.monotonic()
    (found,) = pulled("slow:1", timeout=1)
    assert found["error"] == {"code": "DEADLINE_EXCEEDED", "message": "no answer in 1 s"}
    assert time.monotonic() - start < 4


def test_an_engine_that_does_not_answer_is_unavailable(docker, monkeypatch):
    monkeypatch.setattr(places, "DOCKER", places.DOCKER + "-none")
    (found,) = pulled("a:1")
    assert found["error"]["code"] == "UNAVAILABLE" and "No such file" in found["error"]["message"]


@pytest.mark.parametrize("info", ["nonsense", "3", '"text"', "[" * 100000])
def test_an_answer_that_is_none_is_an_error(docker, info):
    docker.answers["/info"] = info
    with pytest.raises(EngineError, match="the answer is not"):
        engine.asked("GET", "/info", 5)
