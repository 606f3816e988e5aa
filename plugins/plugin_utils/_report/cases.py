# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document as one row for each node and upstream: what all formats for other programs are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._report.document import HEALTHY, STATES

_REFUSED = ("unauthorized", "unauthorized_anonymous", "forbidden", "pull_secret")
_PAST = (
    "hosts_toml_broken",
    "config_path_list",
    "wrong_table",
    "config_path_unknown",
    "shadowed",
    "no_mirror",
    "public",
)


class Case(NamedTuple):
    """One upstream on one node; without an upstream, a node that gave no answer."""

    node: str
    upstream: str
    endpoint: str  # that served it, or is tried first; "": none is known
    state: str  # "ok", or one of STATES
    kind: str  # of the diagnosis
    seen: str
    fix: str
    seconds: float | None
    version: str  # of containerd

    @property
    def is_ok(self) -> bool:
        """Whether all images of this upstream come from the intended registry."""
        return self.state == "ok"

    @property
    def is_bypassed(self) -> bool:
        """Whether containerd ignores the mirror, whatever becomes of that."""
        return self.state == "bypassed" or self.kind in _PAST

    @property
    def is_refused(self) -> bool:
        """Whether the registry refuses the credentials, or the lack of them."""
        return self.kind in _REFUSED


def cases(found: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the cases of a document; a row that stands for many nodes is one for each of them."""
    for node in found["nodes"]:
        for name in node.get("hosts") or [node["name"]]:
            yield from _of_node(found, node, name)


def _of_node(found: Mapping[str, Any], node: Mapping[str, Any], name: str) -> Iterator[Case]:
    version = node["version"] or ""
    if node["error"]:
        state = "error" if node["reached"] else "unreachable"
        yield Case(name, "", "", state, "", node["error"], "", None, version)
    worst: dict[str, Case] = {}
    for result in node["results"]:
        each = found["outcomes"][result["outcome"]]
        upstream = each["upstream"] or each["image"] or ""
        wrong = each["diagnosis"] or {}
        case = Case(
            node=name,
            upstream=upstream,
            endpoint=_endpoint(each),
            state="ok" if each["state"] in HEALTHY else each["state"],
            kind=wrong.get("kind") or "",
            seen=wrong.get("seen") or "",
            fix=wrong.get("fix") or "",
            seconds=result["seconds"],
            version=version,
        )
        known = worst.get(upstream)
        if known:
            spent = [seconds for seconds in (known.seconds, case.seconds) if seconds is not None]
            case = min(known, case, key=_rank)._replace(seconds=sum(spent) if spent else None)
        worst[upstream] = case
    yield from worst.values()


def _rank(case: Case) -> int:
    return len(STATES) if case.is_ok else STATES.index(case.state)


def _endpoint(outcome: Mapping[str, Any]) -> str:
    served = (outcome["served_by"] or {}).get("endpoint")
    tried = next((each.get("url") for each in outcome["endpoints"] or ()), None)
    return str(served or str(tried or "").removesuffix("/v2"))
