# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Harbor has what the mirrors need: judged from what it says of its projects.

Harbor shows whether a project exists only to those who can see it: others are refused (403) in both cases. Its
registry shows more: without the project it answers 401 and names the project (v2auth middleware), and credentials that
it accepts elsewhere are correct. Its API answers 401 to wrong credentials, 403 to an account without permission.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import go_url
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.go_url import UrlError
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Project

_DOCKER_HUB = ("docker.io", "hub.docker.com", "index.docker.io", "registry-1.docker.io")
_NO_PROJECT = re.compile(r"(project \S+ not found)(: \1)?", re.I)


class Judgement(NamedTuple):
    """What is known of the project that serves an upstream; None stands for "this account may not know"."""

    upstream: str
    project: str
    exists: bool | None
    proxy_cache_of: str | None  # "" for a project that is not a proxy cache
    may_pull: bool | None
    problems: list[str]


class Asked(NamedTuple):
    """A Harbor with the projects of one account, as `(upstream, project)`."""

    endpoint: Endpoint  # without a project
    access: Access
    projects: list[tuple[str, str]]


def harbors(wanted: Desired) -> list[Asked]:
    """Return every place where mirrors have projects, once for each account; raises Refusal where none has one."""
    found: dict[tuple[str, str | None], Asked] = {}
    for upstream, mirror in wanted.mirrors.items():
        for each in mirror.endpoints:
            project = each.path[len(each.root.path) :].strip("/").partition("/")[0]
            if project:
                access = wanted.access_to(each)
                asked = found.setdefault((each.root.api, access.authorization), Asked(each.root, access, []))
                asked.projects.append((upstream, project))
    if not found:
        raise Refusal("no mirror has a project, so there is nothing to check in Harbor: set projects")
    return list(found.values())


def has_no_project(answer: Manifest) -> bool:
    """Whether Harbor says that there is no such project."""
    return answer.status == 401 and bool(_NO_PROJECT.fullmatch(answer.message or ""))


def judge(upstream: str, seen: Project, has_reader: bool = False, gone: str | None = None) -> Judgement:
    """Return what is known of a project from the node half's answer.

    `has_reader`: the API was queried with credentials; `gone`: why the robot account that pulls does not any more.
    """
    answer, name = seen.answer, seen.name
    missing = seen.status == 404 or has_no_project(answer)
    may_pull = None
    if answer.status in (200, 404, 412):
        may_pull = None if missing else True
    elif answer.status in (401, 403):
        may_pull = None if missing else False
    exists = False if missing else True if seen.status == 200 or may_pull else None
    proxy = None if seen.status != 200 else seen.upstream if seen.registry_id else ""
    found = Judgement(upstream, name, exists, proxy, may_pull, [])
    return found._replace(problems=list(_problems(found, seen, has_reader, gone)))


def _problems(found: Judgement, seen: Project, has_reader: bool, gone: str | None) -> Iterator[str]:
    upstream, name, answer = found.upstream, found.project, seen.answer
    if gone:
        yield gone
    elif answer.failure == "credentials":  # of its token service
        yield _refused(name, answer._replace(login=False if "the credentials" in (answer.message or "") else None))
    elif answer.failure:
        yield f"Harbor cannot be queried about {name}: {answer.message}."
    elif found.exists is False:
        yield f"Harbor has no project {name} for {upstream}: create it, or correct containerd_registry_projects."
    elif found.may_pull is False:
        yield _refused(name, answer)
    elif found.may_pull is None:
        place = f" and redirects the node to {answer.location}" if answer.location else ""
        yield (
            f"Harbor answers with status {answer.status}{place} to the query about {name}, which shows nothing: check "
            "its log, and that of any proxy in front of it."
        )
    if seen.status == 401 and has_reader and answer.login is not False and not answer.failure:
        yield (
            "Harbor's API refuses these credentials (status 401): correct the username and password, or leave them out."
        )
    if found.proxy_cache_of and upstream != "*" and not _same(found.proxy_cache_of, upstream):
        yield (
            f"Harbor's project {name} is a proxy cache of {found.proxy_cache_of}, not of {upstream}: name another "
            f"project in containerd_registry_projects, or give this one another registry endpoint."
        )


def _refused(name: str, answer: Manifest) -> str:
    if answer.login is False:
        return (
            f"Harbor refuses the username and password (status {answer.status}): correct them. A robot account expires "
            "after 30 days by default; then even its correct secret is refused."
        )
    if answer.login:
        return (
            f"The account may not pull from Harbor's project {name} (status {answer.status}): its credentials are "
            "correct, give it the right to pull from that project."
        )
    if answer.anonymous is None:
        return f"Harbor's project {name} requires credentials (status {answer.status}): set username and password."
    return (
        f"The account may not pull from Harbor's project {name} (status {answer.status}): correct the credentials, or "
        "give the account the right to pull from it."
    )


def _same(url: str, upstream: str) -> bool:
    try:
        host = go_url.parse(url if "://" in url else f"//{url}").host.lower()
    except UrlError:
        return False
    return host == upstream.lower() or (host in _DOCKER_HUB and upstream == "docker.io")
