# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node checks at the registries before anything is written, and what follows from their answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings

_MAX_PROJECTS = 5
_EVERY_RELEASE = (99,)


class Question(NamedTuple):
    """What is checked at one endpoint (see the node half's `probe`)."""

    url: str
    authorization: str | None  # the header
    identity_token: str | None
    headers: Mapping[str, str | list[str]]
    tls: Mapping[str, Any]
    repositories: Sequence[str]  # the projects that are pulled from, where that is done without credentials
    challenge_below: Sequence[int]  # releases below this one wait for a challenge before they send the credentials
    digest: str = ""  # identifies the endpoint with credentials and TLS settings in the record, without holding them


def questions(wanted: Desired, mode: str, auth_method: str) -> list[Question]:
    """Return what to ask: every endpoint once with each access to it, the upstreams themselves never.

    `mode` and `auth_method` tell where the credentials will be, as far as that is known before the node is.
    """
    return [each.question for each in _accounts(wanted, mode, auth_method)]


class _Account(NamedTuple):
    """One access to an endpoint, and what it is for."""

    question: Question
    access: Access
    projects: set[str]
    upstreams: set[str]  # those that it serves, its own images left aside


def _accounts(wanted: Desired, mode: str, auth_method: str) -> list[_Account]:
    endpoints = [each for mirror in wanted.mirrors.values() for each in mirror.endpoints]
    below = _challenge_below(endpoints, mode, auth_method)
    found: dict[str, _Account] = {}
    for name, mirror in wanted.mirrors.items():
        for each in mirror.endpoints:
            access = wanted.access_to(each)
            question = _question(each, access, below)
            account = found.setdefault(_digest(question), _Account(question, access, set(), set()))
            account.projects.add(each.path[len(each.root.path) :].strip("/"))
            account.upstreams.update(() if mirror.is_own(name) else (name,))
    return [_with_projects(each) for each in found.values() if not _is_spared(each, found.values())]


def _is_spared(account: _Account, others: Iterable[_Account]) -> bool:
    """Whether anonymous requests need no check: others of this registry have credentials, and all its projects."""
    logins = [each for each in others if each.question.url == account.question.url and each.access.has_login]
    have_projects = any("" not in each.projects for each in logins)
    flat = account.projects == {""}
    return bool(logins and not account.access.has_login and flat and (have_projects or not account.upstreams))


def _with_projects(account: _Account) -> _Account:
    """Return an account whose question is complete: projects are checked where there are no credentials."""
    projects = [] if account.access.has_login else sorted(account.projects)[:_MAX_PROJECTS]
    question = account.question._replace(repositories=projects)
    return account._replace(question=question._replace(digest=_digest(question)))


def _challenge_below(endpoints: Iterable[Endpoint], mode: str, auth_method: str) -> Sequence[int]:
    """Return the first release without the credentials in config.toml, which are sent on a challenge."""
    if mode == "legacy" or auth_method == "config":
        return _EVERY_RELEASE
    if mode == "config_path":
        return ()
    any_project = any(each.overrides_path for each in endpoints)
    return releases.first(lambda rel: rel.config_path and (rel.override_path or not any_project))


def _question(endpoint: Endpoint, access: Access, below: Sequence[int]) -> Question:
    return Question(
        url=endpoint.api,
        authorization=access.authorization,
        identity_token=access.auth.get("identitytoken"),
        headers={name: value for name, value in access.headers.items() if name != "Authorization"},
        tls=access.tls if endpoint.is_tls else {},
        repositories=[],
        challenge_below=below if access.authorization else (),
    )


def _digest(question: Question) -> str:
    return hashlib.sha256(json.dumps(question._replace(digest=""), sort_keys=True).encode()).hexdigest()


def judge(wanted: Desired, answers: Sequence[Answer], settings: Settings) -> tuple[dict[str, Answer], list[str]]:
    """Return what to remember of the endpoints that answer, by the question's digest, and warnings.

    Raises Refusal where the node must not continue.

    An endpoint that is out of reach is what others are listed for: it is a warning if every mirror that lists it has
    another one that answers. Refused credentials or certificates are not temporary, and stop the node in any case.
    """
    good = {each.digest: each for each in answers if not each.error}
    bad = [each for each in answers if each.error]
    reached = {each.url for each in good.values()}
    fatal = [each for each in bad if each.reachable or not _is_spare(each.url, wanted, reached)]
    names = _names(wanted, settings) if bad else {}
    told = {each.digest: f"{each.url}{names.get(each.digest.partition('+')[0], '')}: {each.error}" for each in bad}
    if fatal:
        failed = "; ".join(told[each.digest] for each in fatal)
        raise Refusal(f"the registry cannot be used from this node: {failed}. Nothing was changed")
    return good, [f"{told[each.digest]}; the other endpoints answer" for each in bad]


def _names(wanted: Desired, settings: Settings) -> dict[str, str]:
    """Return what tells the accounts at one endpoint apart, by the question's digest."""
    accounts = _accounts(wanted, settings.mode, settings.auth_method)
    urls = [each.question.url for each in accounts]
    return {
        each.question.digest: f" with the credentials of {settings.prefix}{each.access.option or 'username'}"
        if each.access.has_login
        else f" without credentials, for {', '.join(sorted(each.upstreams))}"
        for each in accounts
        if urls.count(each.question.url) > 1
    }


def _is_spare(api: str, wanted: Desired, reached: Container[str]) -> bool:
    """Whether every mirror with this endpoint has one that answers, its own name left aside."""
    served = [
        any(each.api in reached for each in mirror.endpoints)
        for name, mirror in wanted.mirrors.items()
        if api in [each.api for each in mirror.endpoints] and not mirror.is_own(name)
    ]
    return bool(served) and all(served)
