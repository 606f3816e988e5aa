# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd_images from its options to its result, with a node that is made up."""

from __future__ import annotations

import json

import nodes
import pytest
from ansible import constants
from fake_node import run

from ansible_collections.airgap.containerd.plugins.action import containerd_images
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Probed, Surveyed, There
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Probe

CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
HOSTS = 'server = "http://r.lan"\n[host."http://r.lan".header]\nAuthorization = "Basic eDpDYU40cnk="\n'
THERE = (There("quay.io/there:1", True), There("quay.io/gone:1", False))


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The requests of a test; the registry has what is called `there`."""
    seen = []
    hosts = nodes.tree({"quay.io/hosts.toml": HOSTS})
    observed = nodes.node(text=CONFIG, effective=Effective(config_path="/etc/containerd/certs.d"), hosts=hosts)

    def answer(action, request, task_vars, kind):
        seen.append(request)
        if isinstance(request, Probe):
            return Probed(
                tuple(
                    tuple(Manifest(status=200 if "/there/" in e.url else 404) for e in each) for each in request.images
                )
            )
        there = THERE if request.images else None
        return Surveyed(observed, "x86_64", None, there, None)

    monkeypatch.setattr(execute, "execute", answer)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return seen


def go(host: str = "n1", **options):
    return run(containerd_images, {}, {"inventory_hostname": host}, **options)


def test_two_executions_for_all_images(asked):
    result = go(images=["quay.io/there:1", *[f"quay.io/gone:{number}" for number in range(1000)]])
    assert len(asked) == 2 and len(asked[1].images) == 1001 and asked[1].platforms
    assert result["failed"] and result["msg"].startswith("1000 of 1001 images will not be pulled")
    assert "and 995 more" in result["msg"] and "CaN4ry" not in json.dumps(result) and "eDpDYU" not in json.dumps(result)
    assert (result["version"], result["platform"], result["asked_by"]) == ("1.7.24", "linux/amd64", None)


def test_manifests_and_lists_are_read_on_the_controller(asked, tmp_path):
    manifest = tmp_path / "a.yaml"
    manifest.write_text(
        "kind: Pod\napiVersion: v1\nspec: {containers: [{image: 'quay.io/there:1', args: [quay.io/a/b:1]}]}\n"
    )
    read = go(manifests=[str(manifest)], ask=False)
    assert not asked and read["msg"] == "1 images, 1 more names may be images"
    assert read["names"][0] == {"image": "quay.io/there:1", "certain": True, "used_by": ["a.yaml: Pod, container"]}
    result = go(images=read["names"])
    assert not result["failed"] and [each["image"] for each in result["doubtful"]] == ["quay.io/a/b:1"]
    assert result["images"][0]["used_by"] == ["a.yaml: Pod, container"]


def test_without_names_those_of_the_node(asked):
    assert [each["image"] for each in go()["images"]] == ["quay.io/there:1", "quay.io/gone:1"]
    del asked[:]
    names = go(ask=False)["names"]
    assert len(asked) == 1 and names[0] == {
        "image": "quay.io/there:1",
        "certain": True,
        "used_by": ["used by a container"],
    }


def test_an_image_by_the_name_that_cri_gives_it_and_by_dockers_is_one(asked, monkeypatch):
    monkeypatch.setattr(f"{__name__}.THERE", (There("docker.io/library/a:1", False), There("a:1", True)))
    (name,) = go(ask=False)["names"]
    assert name == {"image": "docker.io/library/a:1", "certain": True, "used_by": ["used by a container"]}


def test_one_node_asks_for_all_that_are_alike(asked):
    wanted = {"images": ["quay.io/there:1"], "once_per_group": True}
    first, second = go("n1", **wanted), go("n2", **wanted)
    assert (first["asked_by"], second["asked_by"], len(asked)) == (None, "n1", 3)
    assert "images" not in second and first["group"] == second["group"] and not second.get("failed")
    assert go("n1", **wanted)["asked_by"] is None, "it may try again"
    assert go("n2", **{**wanted, "images": ["quay.io/gone:1"]})["images"]


def test_more_than_fits_into_one_request(asked, monkeypatch):
    real = execute.execute

    def refuse(action, request, task_vars, kind):
        if isinstance(request, Probe):
            raise WireError("the data to send is 9.0 MiB, more than the limit of 8 MiB")
        return real(action, request, task_vars, kind)

    monkeypatch.setattr(execute, "execute", refuse)
    message = "images: the data to send is 9.0 MiB, more than the limit of 8 MiB: check fewer at a time"
    assert go(images=["quay.io/there:1"])["msg"] == message


def test_nothing_to_ask_is_no_execution(asked):
    result = go(images=["ghcr.io/a/b:1", "A/B"])
    assert len(asked) == 1 and [each["diagnosis"]["kind"] for each in result["images"]] == ["public", "name"]
