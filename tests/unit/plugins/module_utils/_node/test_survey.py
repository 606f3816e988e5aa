# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node reports in addition to its configuration: the platform of its containerd, and its images."""

import json
import sys

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import CriError
from ansible_collections.airgap.containerd.plugins.module_utils._docker.engine import EngineError
from ansible_collections.airgap.containerd.plugins.module_utils._node import observe, survey
from ansible_collections.airgap.containerd.plugins.module_utils._registry import probe

X86 = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\x00\x3e\x00"
S390 = b"\x7fELF\x02\x02\x01" + b"\0" * 9 + b"\x00\x02\x00\x16"


class Client:
    """A node with three images, one of them in use."""

    def __init__(self, socket, timeout):
        assert socket == "/x.sock"

    def used_images(self):
        return {"sha256:1"}

    def images(self):
        return [
            {"id": "sha256:1", "tags": ["docker.io/a:1", "docker.io/a:2"], "digests": ["docker.io/a@sha256:9"]},
            {"id": "sha256:2", "tags": [], "digests": ["quay.io/b@sha256:8", "quay.io/c@sha256:8"]},
            {"id": "sha256:3", "tags": [], "digests": []},
        ]


@pytest.fixture
def node(monkeypatch):
    monkeypatch.setattr(observe, "observe", lambda request: {"binary": request["binary"], "socket": "/x.sock"})
    monkeypatch.setattr(survey, "Client", Client)


@pytest.mark.parametrize(
    ("content", "program"),
    [
        (X86, {"machine": 62, "little": True}),
        (S390, {"machine": 22, "little": False}),
        (b"#!/bin/sh\nexec containerd\n", None),
        (X86[:10], None),
        (None, None),
    ],
)
def test_programs(node, tmp_path, content, program):
    path = tmp_path / "containerd"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o755)
    found = survey.survey({"node": {"binary": str(path)}, "images": False})
    assert (found["program"], found["images"], found["images_error"]) == (program, None, None) and found["machine"]


def test_this_python_is_a_program(node):
    assert survey.survey({"node": {"binary": sys.executable}, "images": False})["program"]["machine"]


def test_images(node):
    found = json.loads(json.dumps(survey.survey({"node": {"binary": "x"}, "images": True})))
    assert [(each["name"], each["used"]) for each in found["images"]] == [
        ("docker.io/a:1", True),
        ("docker.io/a:2", True),
        ("quay.io/b@sha256:8", False),
    ]


def test_cri_that_does_not_answer(node, monkeypatch):
    def fail(self):
        raise CriError("UNAVAILABLE", "/x.sock: gone")

    monkeypatch.setattr(Client, "images", fail)
    found = survey.survey({"node": {"binary": "x"}, "images": True})
    assert found["images"] is None and found["images_error"] == "UNAVAILABLE: /x.sock: gone"


ENGINE = {"version": "Docker version 28.5.2", "version_error": None}
DOWN = {"version": None, "version_error": "it does not run"}
OF_CRI = ["docker.io/a:1", "docker.io/a:2", "quay.io/b@sha256:8"]


@pytest.fixture
def docker(monkeypatch):
    """A Docker with three images, and what a node is where it is meant."""
    images = [
        {"id": "sha256:4", "tags": ["a:1"], "digests": ["a@sha256:9"]},
        {"id": "sha256:5", "tags": ["quay.io/d:1"], "digests": []},
        {"id": "sha256:6", "tags": [], "digests": []},
    ]
    monkeypatch.setattr(survey.docker, "images", lambda timeout: images)
    monkeypatch.setattr(survey.docker, "used_images", lambda timeout: {"quay.io/d:1"})

    def told(**more):
        monkeypatch.setattr(observe, "observe", lambda request: dict({"binary": "x", "socket": "/x.sock"}, **more))
        return survey.survey({"node": {"binary": "x"}, "images": True})

    return told


def test_images_of_docker(node, docker):
    alone = docker(engine={"store": []}, **ENGINE)["images"]
    assert alone == [{"name": "a:1", "used": False}, {"name": "quay.io/d:1", "used": True}]
    both = docker(docker=ENGINE)["images"]
    assert [each["name"] for each in both] == ["a:1", *OF_CRI, "quay.io/d:1"]
    assert [each["name"] for each in docker(engine=None, docker=None)["images"]] == OF_CRI, "not meant"


@pytest.mark.parametrize("more", [{"engine": {"store": []}, **DOWN}, {"docker": DOWN}])
def test_a_docker_that_does_not_run_is_not_started_by_the_question(node, docker, monkeypatch, more):
    monkeypatch.setattr(survey.docker, "images", lambda timeout: pytest.fail("asked"))
    found = docker(**more)
    assert found["images"] is None, "half a list would be taken for all of it"
    assert found["images_error"] == "Docker does not list its images: it does not run"


def test_a_docker_that_does_not_answer(node, docker, monkeypatch):
    def fail(timeout):
        raise EngineError(500, "layer does not exist")

    monkeypatch.setattr(survey.docker, "images", fail)
    found = docker(docker=ENGINE)
    assert (found["images"], found["images_error"]) == (None, "Docker does not list its images: layer does not exist")


OLD, NEW, KNOWN = (
    {"since": [1, minor, 0], "images": images} for minor, images in ((4, ["old"]), (5, ["new"]), (7, []))
)


@pytest.mark.parametrize(
    ("version", "foretold", "number"),
    [
        ("x y v1.4.13~ds1 z", [OLD, NEW], 0),
        ("x y 1.5.0 z", [OLD, NEW], 1),
        ("x y v2.1.4 z", [OLD, NEW], 1),
        ("x y v2.1.4 z", [OLD, NEW, KNOWN], 2),
        ("x y v1.4.13 z", [NEW], None),
        ("x y v1.4.13 z", [], None),
        ("no version", [OLD, NEW], None),
        (None, [OLD, NEW], None),
    ],
)
def test_what_was_foretold_for_its_release_is_queried_at_once(monkeypatch, version, foretold, number):
    asked = []
    monkeypatch.setattr(observe, "observe", lambda request: {"binary": "x", "version": version})
    monkeypatch.setattr(probe, "probe", lambda request: asked.append(request) or {"images": [["answer"]]})
    found = survey.survey({"node": {}, "images": False, "foretold": foretold})
    queried = [] if number is None else foretold[number]["images"]
    assert found["foretold"] == number and found["answers"] == ([["answer"]] if queried else [])
    assert [each["images"] for each in asked] == ([queried] if queried else [])


def test_docker_has_nothing_foretold(monkeypatch):
    observed = {"binary": "x", "engine": True, "version": "Docker version 28.5.2, build x"}
    monkeypatch.setattr(observe, "observe", lambda request: observed)
    assert survey.survey({"node": {}, "images": False, "foretold": [OLD]})["foretold"] is None
