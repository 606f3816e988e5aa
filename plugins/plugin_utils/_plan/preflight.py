# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node asks the registries before anything is written, and what follows from their answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer

_MAX_PROJECTS = 5
_EVERY_RELEASE = (99,)


class Question(NamedTuple):
    """What one endpoint is asked (see the node half's `probe`)."""

    url: str
    authorization: str | None  # the header
    identity_token: str | None
    headers: Mapping[str, str | list[str]]
    tls: Mapping[str, Any]
    repositories: Sequence[str]  # the projects that are pulled from, where that is done without a login
    challenge_below: Sequence[int]  # releases below this one wait for a challenge before they send the login
    digest: str  # identifies the endpoint with its login and TLS settings in the record, without holding them


def questions(wanted: Desired, mode: str, auth_method: str) -> list[Question]:
    """Return what to ask: every endpoint once, the upstreams themselves never.

    `mode` and `auth_method` tell where the login will be, as far as that is known before the node is.
    """
    endpoints = [each for mirror in wanted.mirrors.values() for each in mirror.endpoints]
    below = _challenge_below(endpoints, mode, auth_method)
    projects: dict[str, set[str]] = {}
    for each in endpoints:
        projects.setdefault(each.api, set()).add(each.path[len(each.root.path) :].strip("/"))
    return [
        _question(each, wanted.access_to(each), sorted(projects[each.api])[:_MAX_PROJECTS], below)
        for each in {each.api: each for each in endpoints}.values()
    ]


def _challenge_below(endpoints: Iterable[Endpoint], mode: str, auth_method: str) -> Sequence[int]:
    """Return the first release that does not have the login in config.toml, from where it is sent when asked for."""
    if mode == "legacy" or auth_method == "config":
        return _EVERY_RELEASE
    if mode == "config_path":
        return ()
    any_project = any(each.overrides_path for each in endpoints)
    return releases.first(lambda rel: rel.config_path and (rel.override_path or not any_project))


def _question(endpoint: Endpoint, access: Access, projects: list[str], below: Sequence[int]) -> Question:
    headers = {name: value for name, value in access.headers.items() if name != "Authorization"}
    question: dict[str, Any] = {
        "url": endpoint.api,
        "authorization": access.authorization,
        "identity_token": access.auth.get("identitytoken"),
        "headers": headers,
        "tls": access.tls if endpoint.is_tls else {},
        "repositories": [] if access.has_login else projects,
        "challenge_below": below if access.authorization else (),
    }
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    return Question(**question, digest=digest)


def judge(wanted: Desired, answers: Iterable[Answer]) -> tuple[dict[str, Answer], list[str]]:
    """Return what to remember of the endpoints that answer, by API URL, and warnings.

    Raises Refusal where the node must not go on.

    An endpoint that is out of reach is what others are listed for: it is a warning if every mirror that lists it has
    another one that answers. A refused login or certificate does not mend itself, and stops the node in any case.
    """
    good = {each.url: each for each in answers if not each.error}
    bad = [each for each in answers if each.error]
    fatal = [each for each in bad if each.reachable or not _is_spare(each.url, wanted, good)]
    if fatal:
        failed = "; ".join(f"{each.url}: {each.error}" for each in fatal)
        raise Refusal(f"the registry cannot be used from this node: {failed}. Nothing was changed")
    return good, [f"{each.url}: {each.error}; the other endpoints answer" for each in bad]


def _is_spare(api: str, wanted: Desired, good: Mapping[str, Any]) -> bool:
    """Whether every mirror with this endpoint has one that answers, its own name left aside."""
    served = [
        any(each.api in good for each in mirror.endpoints)
        for name, mirror in wanted.mirrors.items()
        if api in [each.api for each in mirror.endpoints] and not mirror.is_own(name)
    ]
    return bool(served) and all(served)
