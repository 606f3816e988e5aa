# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project for each upstream, in Harbor and in a registry that insists on Bearer tokens."""

from __future__ import annotations

import pytest
from support import ENDS, HARBOR, IMAGES, NODES, assert_served

PROJECTS = {"docker.io": "dockerhub", "quay.io": "quay"}
VARIABLES = {name.removeprefix("containerd_registry_"): value for name, value in HARBOR.items()}


def _repository(image: str) -> str:
    return f"{PROJECTS.get(image.split('/')[0], 'mirror')}/{IMAGES[image]}"


@pytest.mark.parametrize(
    "registry",
    [
        pytest.param("harbor.lan", marks=pytest.mark.nodes(*NODES)),
        pytest.param("bearer.lan", marks=pytest.mark.nodes(*ENDS)),
    ],
)
def test_every_image_from_its_project(fresh, play, registry, its_nodes):
    variables = {**VARIABLES, "url": f"http://{registry}"}
    fresh.reset_counters()
    play(**variables).ok()
    for node in its_nodes:
        for image in IMAGES:
            assert_served(fresh, node, image, registry, _repository(image))
        assert_served(fresh, node, f"{registry}/lab/app:1", registry, "lab/app")
    for node, counted in fresh.counters().items():
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0), node
    assert play(**variables).ok().changed() == dict.fromkeys(its_nodes, 0)


def test_newer_harbors_send_nodes_to_the_host_that_they_ask(lab, play):
    """From 2.14 on, only the scheme is that of external_url: https there does not go with nodes on plain HTTP."""
    lab.reset("n1")  # 1.4 sends its credentials to the token service
    try:
        lab.harbor_newer(True)
        lab.external_url("https://elsewhere.example.org")
        run = play("--limit=n1", **VARIABLES)
        assert run.rc != 0 and "its token service https://harbor.lan cannot be reached" in run.failed()
        assert "in Harbor, external_url sets it" in run.failed()
        lab.external_url("http://elsewhere.example.org")
        play("--limit=n1", **VARIABLES).ok()
        assert_served(lab, "n1", "quay.io/coreos/etcd:1", "harbor.lan", "quay/coreos/etcd")
    finally:
        lab.external_url(None)
        lab.harbor_newer(False)


def test_projects_without_a_catch_all_project_are_warned_about(fresh, play):
    run = play("--check", **{**VARIABLES, "projects": PROJECTS}).ok()
    assert "projects has no '*'" in run.output
