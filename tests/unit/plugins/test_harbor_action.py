# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of containerd_harbor, and the account that it uses."""

from __future__ import annotations

import json
import re
import time

import pytest
from fake_node import replying, run

from ansible_collections.airgap.containerd.plugins.action import containerd_harbor
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Project, Projects, Robot

PREFIX = "containerd_registry_"
ROBOTS = {"robot$soon": Robot(int(time.time()) + 7 * 86400 + 60, False), "robot$gone": Robot(1, False)}
READER = {"reader_username": "admin", "reader_password": "CaN4ry-reader"}
BASE = {"url": "http://harbor.lan", "projects": {"docker.io": "hub", "*": "mirror/deep"}}


@pytest.fixture
def asked(monkeypatch):
    """The request of the last run, to which every project is there."""
    seen = []

    def answer(action, request, task_vars, kind):
        seen.append(request)
        there = Manifest(status=404)
        return Projects(
            tuple(tuple(Project(n, 403, None, None, there) for n in each.projects) for each in request.harbors),
            tuple(ROBOTS.get(each.robot) for each in request.harbors),
        )

    monkeypatch.setattr(execute, "execute", answer)
    return seen


def test_options_name_one_harbor(asked):
    result = run(containerd_harbor, {}, **BASE, username="u", password="p")
    (harbor,) = asked[0].harbors
    assert (harbor.url, harbor.projects, harbor.tls) == ("http://harbor.lan", ["hub", "mirror"], {})
    assert harbor.login == harbor.reader == _secrets.basic_authorization("u", "p")
    assert not result["failed"] and [each["upstream"] for each in result["projects"]] == ["docker.io", "*"]


def test_variables_name_every_project_with_its_own_login(asked):
    variables = {
        **{PREFIX + name: value for name, value in BASE.items()},
        PREFIX + "username": "u",
        PREFIX + "password": "p",
        PREFIX + "projects_more": {"ghcr.io": "hub"},
        PREFIX + "mirrors": {"quay.io": [{"url": "http://quay.lan", "project": "quay"}], "gcr.io": ["http://flat.lan"]},
        PREFIX + "endpoints": {"quay.lan": {"username": "q", "password": "CaN4ry-quay"}},
    }
    result = run(containerd_harbor, {}, variables, from_variables=PREFIX, **READER)
    first, second = sorted(asked[0].harbors, key=lambda each: each.url)
    assert (first.url, sorted(first.projects)) == ("http://harbor.lan", ["hub", "mirror"])
    assert (second.url, second.projects) == ("http://quay.lan", ["quay"])
    reader = _secrets.basic_authorization("admin", "CaN4ry-reader")
    assert (first.login, first.reader) == (_secrets.basic_authorization("u", "p"), reader)
    assert second.login == second.reader == _secrets.basic_authorization("q", "CaN4ry-quay")
    upstreams = {each["upstream"]: each["project"] for each in result["projects"]}
    assert upstreams.items() >= {"docker.io": "hub", "ghcr.io": "hub", "*": "mirror", "quay.io": "quay"}.items()
    assert "gcr.io" not in upstreams and "CaN4ry" not in json.dumps(result)


ROBOT = {"username": "robot$hub+puller", "password": "CaN4ry-hub"}


@pytest.mark.parametrize("from_variables", [True, False])
def test_each_project_is_asked_about_with_its_own_account(asked, from_variables):
    given = {**BASE, "projects": {"docker.io": {"project": "hub", **ROBOT}, "*": "mirror/deep"}}
    given.update(username="u", password="p")
    variables = {PREFIX + name: value for name, value in given.items()}
    options = {"from_variables": PREFIX} if from_variables else given
    result = run(containerd_harbor, {}, variables if from_variables else None, **options)
    found = {tuple(each.projects): each.login for each in asked[0].harbors}
    robot, user = _secrets.basic_authorization(**ROBOT), _secrets.basic_authorization("u", "p")
    assert found == {("hub",): robot, ("mirror",): user}, result
    assert "CaN4ry" not in json.dumps(result)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"projects": {"docker.io": {"username": "a"}}}, "projects[docker.io].password: missing or empty"),
        ({"projects": {"docker": "hub"}}, "projects: 'docker' has no dot and no port"),
        ({"url": "http://u:CaN4ry@harbor.lan"}, "url: the URL contains a username or password"),
        ({"url": "harbor.lan"}, "url: 'harbor.lan' does not begin with http://"),
        ({"url": "http://["}, "url: 'http://[' is not a registry URL"),
        ({"username": "a:b", "password": "CaN4ry"}, "username: a username cannot contain ':'"),
        ({"reader_username": "a:b", "reader_password": "CaN4ry"}, "reader_username: a username cannot contain ':'"),
        ({"reader_username": "a"}, "reader_password: missing or empty"),
        ({"username": "a", "password": "CaN4ry\n"}, "password: contains a line break"),
    ],
)
def test_what_is_refused(options, message):
    result = run(containerd_harbor, {}, **{**BASE, **options})
    assert message in result["msg"] and "CaN4ry" not in json.dumps(result)


def test_variables_without_a_project_are_refused():
    result = run(containerd_harbor, {}, {PREFIX + "url": "http://registry.lan"}, from_variables=PREFIX)
    assert result["failed"] and "no mirror has a project" in result["msg"]


@pytest.mark.parametrize("names", [[], ["hub"], ["hub", "other"], ["mirror", "hub"]])
def test_a_node_that_answers_for_other_projects(names):
    answer = dict.fromkeys(Manifest._fields)
    told = [{"name": name, "status": 200, "registry_id": None, "upstream": None, "answer": answer} for name in names]
    result = run(containerd_harbor, replying({"harbors": [told], "robots": [None]}), **BASE)
    assert "results for projects that were not requested" in result["msg"]


def test_a_robot_that_soon_expires_is_a_warning_that_names_no_node(asked):
    node = {"inventory_hostname": "n1"}
    result = run(containerd_harbor, {}, node, **BASE, username="robot$soon", password="p")
    assert not result["failed"] and result["robots"][0]["never_expires"] is False
    (warning,) = result["warnings"]
    assert "robot account robot$soon (http://harbor.lan) expires on" in warning and re.search(r"in [67] days", warning)
    assert not warning.startswith("n1")
    result = run(containerd_harbor, {}, **BASE, username="robot$puller", password="p")
    unseen = {"expires_at": None, "never_expires": None, "disabled": None}
    assert result["robots"] == [{"name": "robot$puller", "harbor": "http://harbor.lan", **unseen}]
    assert "warnings" not in result and run(containerd_harbor, {}, **BASE, username="u", password="p")["robots"] == []


def test_a_robot_that_has_expired_is_the_reason(asked):
    result = run(containerd_harbor, {}, **BASE, username="robot$gone", password="p")
    assert result["failed"] and result["msg"].startswith("Harbor's robot account robot$gone expired on 1970-01-01")


@pytest.mark.parametrize("robots", [[], [None, None]])
def test_a_node_that_answers_for_other_accounts(robots):
    answer = dict.fromkeys(Manifest._fields)
    told = [
        {"name": n, "status": 200, "registry_id": None, "upstream": None, "answer": answer} for n in ("hub", "mirror")
    ]
    result = run(containerd_harbor, replying({"harbors": [told], "robots": robots}), **BASE)
    assert "results for accounts that were not requested" in result["msg"]
