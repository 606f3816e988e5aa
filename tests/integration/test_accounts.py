# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two robots of two projects at one host name: each upstream is pulled with its own account, or refused in time."""

from __future__ import annotations

import json

import pytest
from support import BOTH_LINES, ENDS, HARBOR, LAB_VARIABLES, NODES, SITE, files, pid

PREFIX = "containerd_registry_"
PASSWORD = LAB_VARIABLES["containerd_registry_password"]
ROBOTS = {"docker.io": "dockerhub", "quay.io": "quay"}
IMAGES = {"docker.io/library/busybox:1": "dockerhub/library/busybox", "quay.io/coreos/etcd:1": "quay/coreos/etcd"}
HARBOR_URL = HARBOR["containerd_registry_url"]
REFUSED = (
    "supports one set of credentials per host, but for {host} containerd_registry_projects[quay.io] differs from "
    "containerd_registry_projects[docker.io]. Remove containerd_registry_projects[quay.io] from this node's variables, "
    "or write its URL in containerd_registry_mirrors as http://{host}:80, which containerd treats as another host"
)


def robot(project: str, **changes) -> dict[str, str]:
    return {"project": project, "username": f"robot${project}+puller", "password": PASSWORD, **changes}


def variables(url: str = HARBOR_URL, **changes) -> dict:
    """Only two project robots: images without their own project are requested without credentials."""
    projects = {upstream: robot(project) for upstream, project in ROBOTS.items()}
    return {"url": url, "username": "", "password": "", "projects": {**projects, "*": "open"}, **changes}


def assert_served(lab, nodes) -> None:
    for image, repository in IMAGES.items():
        for node in nodes:
            lab.run(node, ["ctr", "-n", "k8s.io", "images", "rm", image])
        mark = lab.mark()
        for node in nodes:
            lab.pull(node, image)
        for node in nodes:
            seen = [each for each in lab.requests(mark) if each["node"] == node]
            served = [e for e in seen if e["status"] == 200 and f"/v2/{repository}/manifests/" in e["path"]]
            assert {each["user"] for each in served} == {f"robot${repository.partition('/')[0]}+puller"}, (node, seen)


@pytest.mark.nodes(*BOTH_LINES)
def test_each_project_is_pulled_from_with_its_own_robot(fresh, play):
    run = play("--diff", **variables()).ok()
    assert PASSWORD not in run.output
    assert_served(fresh, BOTH_LINES)
    for node in BOTH_LINES:
        fresh.pull(node, "registry.example.org/team/tool:1")
    assert play(**variables()).ok().changed() == dict.fromkeys(BOTH_LINES, 0)


@pytest.mark.nodes(*BOTH_LINES)
def test_a_robot_is_replaced_without_a_restart(lab, play):
    before = {node: pid(lab, node) for node in BOTH_LINES}
    quay = {"quay.io": robot("quay", username="robot$puller")}
    for changes in {"projects_new": quay}, {}:
        run = play(**variables(**changes)).ok()
        for node in BOTH_LINES:
            assert run.of(node)["written"] == ["/etc/containerd/certs.d/quay.io/hosts.toml"]
    assert {node: pid(lab, node) for node in BOTH_LINES} == before
    assert_served(lab, BOTH_LINES)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"password": "wrong"},
            "with the credentials of containerd_registry_projects[quay.io]: it refuses the username and",
        ),
        ({"username": None, "password": None}, "without credentials, for quay.io: it requires a username and password"),
    ],
)
def test_a_login_that_does_not_open_its_project_stops_the_node(lab, play, changed, message):
    before = files(lab, "n3")
    new = {"quay.io": robot("quay", **changed), "*": robot("quay")}
    run = play("--limit=n3", **variables(projects_new=new))
    assert run.rc != 0 and message in run.failed() and PASSWORD not in run.output, run.output
    assert files(lab, "n3") == before


def test_harbor_is_asked_with_the_robot_of_each_project(lab, play, task):
    told = {f"containerd_registry_{name}": value for name, value in variables().items()}
    swapped = {"quay.io": robot("quay", username="robot$dockerhub+puller")}
    for changed, failed in ({}, False), ({"containerd_registry_projects_new": swapped}, True):
        run, of = task("containerd_harbor", "--limit=n3", "-e", json.dumps({**told, **changed}), from_variables=PREFIX)
        assert (run.rc != 0) == failed, run.output
        problem = "The account may not pull from Harbor's project quay (status 401): its credentials are correct"
        assert (problem in run.output) == failed and PASSWORD not in run.output


@pytest.mark.nodes(*BOTH_LINES)
def test_the_diagnosis_asks_with_the_login_of_the_mirror(lab, play, task):
    missing = "quay.io/coreos/none:1"
    run, of = task("containerd_pull", images=[missing])
    assert run.rc != 0
    for node in BOTH_LINES:
        (image,) = of(node)["images"]
        assert image["diagnosis"]["kind"] == "upstream_lacks_it", image


def test_a_release_with_logins_by_host_refuses_two_before_anything_is_written(fresh, play):
    before = {node: files(fresh, node) for node in NODES}
    run = play(playbook=SITE, **variables())
    assert run.rc != 0 and REFUSED.format(host="harbor.lan") in run.failed(), run.output
    assert {node: files(fresh, node) for node in NODES} == before


@pytest.mark.nodes(*ENDS)
def test_two_spellings_of_one_host_are_two_hosts_everywhere(fresh, play):
    """The solution that the refusal names works: on 1.4, and with tokens."""
    for url in (HARBOR_URL, "http://bearer.lan"):
        quay = {"quay.io": [{"url": f"{url}:80", **robot("quay")}]}
        run = variables(url, mirrors=quay, projects={"docker.io": robot("dockerhub")}, upstreams=[], catch_all=False)
        play(**run).ok()
        assert_served(fresh, ENDS)


def test_a_registry_that_insists_on_tokens_takes_two_robots_where_headers_reach_its_token_service(fresh, play):
    wanted = variables("http://bearer.lan", projects={up: robot(project) for up, project in ROBOTS.items()})
    play("--limit=n4", **wanted).ok()
    assert_served(fresh, ["n4"])
    for node in ("n2", "n3"):
        before = files(fresh, node)
        run = play(f"--limit={node}", **wanted)
        assert run.rc != 0 and REFUSED.format(host="bearer.lan") in run.failed(), run.output
        assert files(fresh, node) == before
