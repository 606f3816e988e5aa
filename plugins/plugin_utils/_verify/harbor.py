# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Harbor has what the mirrors need: judged from what it says of its projects.

Harbor tells whether a project exists only to those who may see it: others are refused (403) in both cases. Its
registry tells more: without the project it answers 401 and names the project (v2auth middleware).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Project

_DOCKER_HUB = ("docker.io", "hub.docker.com", "index.docker.io", "registry-1.docker.io")


def judge(upstream: str, seen: Project) -> dict[str, Any]:
    """Return what is known of the project that serves an upstream.

    `{upstream, project, exists, proxy_cache_of, may_pull, problems}`; None stands for "this account may not know", ""
    in `proxy_cache_of` for a project that is no proxy cache. `seen` is one project of the node half's answer.
    """
    answer, name = seen.answer, seen.name
    message = (answer.message or "").lower()
    missing = seen.status == 404 or (answer.status == 401 and message == f"project {name.lower()} not found")
    told = answer.status is not None and answer.status < 500
    may_pull = answer.status in (200, 404) if told and not missing else None
    exists = False if missing else True if seen.status == 200 or may_pull else None
    proxy = None if seen.status != 200 else seen.upstream if seen.registry_id else ""
    found = {"upstream": upstream, "project": name, "exists": exists, "proxy_cache_of": proxy, "may_pull": may_pull}
    return {**found, "problems": list(_problems(found, answer))}


def _problems(found: Mapping[str, Any], answer: Manifest) -> Iterator[str]:
    upstream, name = found["upstream"], found["project"]
    if answer.failure:
        yield f"Harbor cannot be asked about {name}: {answer.message}."
    if found["exists"] is False:
        yield f"Harbor has no project {name} for {upstream}: create it, or correct containerd_registry_projects."
    if found["proxy_cache_of"] and upstream != "*" and not _same(found["proxy_cache_of"], upstream):
        yield (
            f"Harbor's project {name} is a proxy cache of {found['proxy_cache_of']}, not of {upstream}: name another "
            f"project in containerd_registry_projects, or give this one another registry endpoint."
        )
    if found["may_pull"] is False:
        yield (
            f"The account may not pull from Harbor's project {name} (status {answer.status}): correct the login, or "
            f"give the account the right to pull from it."
        )


def _same(url: str, upstream: str) -> bool:
    host = urlsplit(url if "://" in url else f"//{url}").netloc.lower()
    return host == upstream.lower() or (host in _DOCKER_HUB and upstream == "docker.io")
