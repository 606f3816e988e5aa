# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node asks the registries before anything is written, and what follows from their answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer


class Question(NamedTuple):
    """What one endpoint is asked (see the node half's `probe`)."""

    url: str
    authorization: str | None  # the header
    identity_token: str | None
    headers: Mapping[str, str | list[str]]
    tls: Mapping[str, Any]
    digest: str  # identifies the endpoint with its login and TLS settings in the record, without holding them


def questions(wanted: Desired) -> list[Question]:
    """Return what to ask: every endpoint once, the upstreams themselves never."""
    found = {}
    for mirror in wanted.mirrors.values():
        for endpoint in mirror.endpoints:
            found[endpoint.api] = _question(endpoint, wanted.access_to(endpoint))
    return list(found.values())


def _question(endpoint: Endpoint, access: Access) -> Question:
    headers = {name: value for name, value in access.headers.items() if name != "Authorization"}
    question: dict[str, Any] = {
        "url": endpoint.api,
        "authorization": access.authorization,
        "identity_token": access.auth.get("identitytoken"),
        "headers": headers,
        "tls": _tls(access) if endpoint.is_tls else {},
    }
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    return Question(**question, digest=digest)


def _tls(access: Access) -> dict[str, Any]:
    pems = {kind: getattr(access, kind) for kind in ("ca", "client_cert", "client_key")}
    return {
        "skip_verify": access.skip_verify,
        **{kind: {"text": pem.text, "path": pem.path} for kind, pem in pems.items() if pem},
    }


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
        if api in [each.api for each in mirror.endpoints] and [each.host for each in mirror.endpoints] != [name]
    ]
    return bool(served) and all(served)
