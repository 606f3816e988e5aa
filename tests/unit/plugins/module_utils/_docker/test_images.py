# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that Docker Engine has, from an engine that is made up."""

import json

import docker_engine
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._docker import images
from ansible_collections.airgap.containerd.plugins.module_utils._docker.engine import EngineError

LIST, USED = "/images/json", "/containers/json?all=1"


@pytest.fixture
def docker(monkeypatch):
    yield from docker_engine.running(monkeypatch)


def test_images_with_the_names_that_they_can_be_pulled_by(docker):
    docker.answers[LIST] = json.dumps(
        [
            {"Id": "sha256:1", "RepoTags": ["busybox:1", "quay.io/a:1"], "RepoDigests": ["busybox@sha256:1"]},
            {"Id": "sha256:2", "RepoTags": None, "RepoDigests": ["quay.io/b@sha256:2"]},
            {"Id": "sha256:3", "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]},
            {"Id": "sha256:4", "RepoTags": [], "RepoDigests": ["moby-dangling@sha256:4"]},
        ]
    )
    assert images.images(5) == [
        {"id": "sha256:1", "tags": ["busybox:1", "quay.io/a:1"], "digests": ["busybox@sha256:1"]},
        {"id": "sha256:2", "tags": [], "digests": ["quay.io/b@sha256:2"]},
        {"id": "sha256:3", "tags": [], "digests": []},
        {"id": "sha256:4", "tags": [], "digests": []},
    ]


def test_images_of_containers_count_as_used_whether_they_run_or_not(docker):
    docker.answers[USED] = '[{"Image": "busybox", "ImageID": "sha256:1", "State": "exited"}]'
    assert images.used_images(5) == {"busybox", "sha256:1"}


@pytest.mark.parametrize("answer", ["nonsense", "{}", "[3]", "[" * 100000])
def test_an_answer_that_is_none_is_an_error(docker, answer):
    docker.answers[LIST] = answer
    with pytest.raises(EngineError, match="the answer is not a JSON list of objects"):
        images.images(5)
