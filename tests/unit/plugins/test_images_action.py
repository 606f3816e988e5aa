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
VARIABLES = {
    "containerd_registry_url": "http://r.lan",
    "containerd_registry_username": "x",
    "containerd_registry_password": "CaN4ry",
    "containerd_registry_upstreams": ["quay.io"],
    "containerd_registry_catch_all": False,
    "containerd_registry_auth_method": "header",
}
THERE = (There("quay.io/there:1", True), There("quay.io/gone:1", False))


def answers(lists) -> tuple[tuple[Manifest, ...], ...]:
    return tuple(tuple(Manifest(status=200 if "/there/" in e.url else 404) for e in each) for each in lists)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The requests of a test; the registry has what is called `there`."""
    seen = []
    hosts = nodes.tree({"quay.io/hosts.toml": HOSTS})
    observed = nodes.node(text=CONFIG, effective=Effective(config_path="/etc/containerd/certs.d"), hosts=hosts)

    def answer(action, request, task_vars, kind):
        seen.append(request)
        if isinstance(request, Probe):
            return Probed(answers(request.images))
        there = THERE if request.images else None
        mine = [number for number, each in enumerate(request.foretold) if each.since <= (1, 7, 24)]
        lists = request.foretold[mine[-1]].images if mine else []
        return Surveyed(observed, "x86_64", None, there, None, mine[-1] if mine else None, answers(lists))

    monkeypatch.setattr(execute, "execute", answer)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return seen


def go(host: str = "n1", variables: dict | None = None, **options):
    return run(containerd_images, {}, {"inventory_hostname": host, **(variables or {})}, **options)


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


def test_one_execution_where_the_variables_foretell_the_requests(asked):
    wanted = [f"quay.io/{name}:{number}" for name in ("there", "gone") for number in range(500)]
    result = go(variables=VARIABLES, images=wanted)
    (request,) = asked
    assert len(request.foretold[-1].images) == 1000 and result["msg"].startswith("500 of 1000 images will not")
    assert result == go(images=wanted) and [type(each).__name__ for each in asked] == ["Survey", "Survey", "Probe"]


@pytest.mark.parametrize(
    "variables",
    [
        {**VARIABLES, "containerd_registry_password": "another"},
        {**VARIABLES, "containerd_registry_url": "http://other.lan"},
        {**VARIABLES, "containerd_registry_password": "{{ not_set }}"},
        {**VARIABLES, "containerd_registry_password": 1},
        {**VARIABLES, "containerd_registry_url": "ftp://r.lan"},
        {},
    ],
    ids=["password", "url", "undefined", "number", "no url", "none"],
)
def test_a_node_that_is_not_as_its_variables_say_is_asked_again(asked, variables):
    result = go(variables=variables, images=["quay.io/there:1"])
    assert [type(each).__name__ for each in asked] == ["Survey", "Probe"] and not result["failed"]
    assert asked[1].images[0][0].headers == {"Authorization": "Basic eDpDYU40cnk="}, "with what the node has"


def test_nodes_with_the_same_variables_query_once_and_have_one_execution_each(asked):
    wanted = {"variables": VARIABLES, "images": ["quay.io/there:1"], "once_per_group": True}
    results = [go(f"n{number}", **wanted) for number in range(12)]
    assert [each["asked_by"] for each in results] == [None, *["n0"] * 11] and len(asked) == 12
    mine = [[bool(each.images) for each in request.foretold if each.since <= (1, 7, 24)][-1:] for request in asked]
    assert mine == [[True], *[[False]] * 9, [], []], "what one has queried, no other does"
    assert any(each.images for each in asked[9].foretold), "other releases may come"


@pytest.mark.parametrize("number", [-1, 0, 99])
def test_what_a_node_says_that_it_was_foretold_is_not_trusted(asked, monkeypatch, number):
    real = execute.execute

    def lie(action, request, task_vars, kind):
        found = real(action, request, task_vars, kind)
        return found._replace(foretold=number, answers=()) if isinstance(found, Surveyed) else found

    monkeypatch.setattr(execute, "execute", lie)
    result = go(variables=VARIABLES, images=["quay.io/there:1"])
    assert result.get("images") or "returned results for images that were not requested" in result["msg"]


def test_more_is_foretold_than_fits_into_one_request(asked, monkeypatch):
    real = execute.execute

    def refuse(action, request, task_vars, kind):
        if getattr(request, "foretold", ()):
            raise WireError("too much")
        return real(action, request, task_vars, kind)

    monkeypatch.setattr(execute, "execute", refuse)
    assert not go(variables=VARIABLES, images=["quay.io/there:1"])["failed"] and len(asked) == 2
