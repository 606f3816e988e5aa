# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a whole fleet, as one document: behind all formats of a report and the terminal's lines (pulls).

Nodes are not trusted: what they say is data of bounded size, of printable characters, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import reasons
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import MAX_NUMBER, ShapeError
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.outcome import GOOD

FORMAT = 1
STATES = ("unreachable", "error", "failed", "bypassed", "drift")
"""Of problems, the worst first: no node, no answer of the node, no image, an image past the mirror, other settings."""

HEALTHY = (*GOOD, "configured")
"""States of what is as it should be; the last one is that of an upstream whose settings are those of the variables."""

DOCKER = " (Docker)"
"""What the name of a node ends with where it stands for the Docker in addition to its containerd."""

_NOT_ASKED = "Harbor could not be queried"
_MAX_TEXT = 400
_MAX_ITEMS = 50
_OWN_ADDRESS = re.compile(r"(?:[0-9.]{7,15}|\[[0-9a-fA-F:.]+\]):[0-9]{4,5}->")
_REACH = "Fix the SSH connection (test with: ansible NODE -m ping), then run this again."
_KEPT = (
    "image",
    "upstream",
    "state",
    "served_by",
    "diagnosis",
    "error",
    "mode",
    "directory",
    "why",
    "endpoints",
    "log",
    "notes",
)
"""What a document keeps of an outcome; the rest differs from node to node and has no meaning."""

_KEPT_OF_IMAGES = ("certain", "used_by", "put")
"""What containerd_images adds to that."""

_KEPT_OF_PROJECTS = ("upstream", "project", "harbor", "exists", "proxy_cache_of", "may_pull", "problems")
_KEPT_OF_ROBOTS = ("name", "harbor", "expires_at", "never_expires", "disabled")

_OUTCOME: Mapping[Any, Any] = {
    "image": (str, None), "state": str, "log?": [str], "notes?": [str], "endpoints?": [{str: object}],
    "served_by?": ({"endpoint?": (str, None), str: object}, None),
    "diagnosis?": ({"kind": str, "seen": str, "fix": str}, None),
    "error?": ({"code": str, "message": str}, None),
    **{f"{name}?": (str, None) for name in ("upstream", "mode", "directory", "why")},
    "certain?": bool, "used_by?": [str],
    "put?": ({"registry": str, "repository": str, "project": (str, None), "name": str, "source": str,
              "plain_http": bool, "verified": bool}, None),
    str: object,
}  # fmt: skip


def document(
    results: Mapping[str, Any],
    created: str,
    harbor: Mapping[str, Any] | None = None,
    about: str = "verify",
    seconds: float | None = None,
) -> dict[str, Any]:
    """Return the results of `containerd_pull`, keyed by host, as one document (docs/report.schema.json).

    Equal outcomes are in it once, and nodes point to them. Nodes with failures come first. `harbor` is the result of
    `containerd_harbor`, if it was queried. `seconds` is how long the run took.
    """
    outcomes: dict[str, int] = {}
    named = [(_node(str(name), result, outcomes), result) for name, result in results.items()]
    named.sort(key=lambda each: each[0]["ok"])
    nodes = [node for node, dummy in named]
    found = [json.loads(text) for text in outcomes]
    wrong = None if not harbor else clean(_lacks(harbor))
    return {
        "format": FORMAT,
        "about": about,
        "created": created,
        "seconds": _seconds(seconds),
        "collection": None,
        "inventory": [],
        "ok": not wrong and all(node["ok"] for node in nodes),
        "harbor": wrong,
        "projects": _of_harbor(harbor or {}, "projects", _KEPT_OF_PROJECTS),
        "robots": _of_harbor(harbor or {}, "robots", _KEPT_OF_ROBOTS),
        "problems": _problems(nodes, found),
        "nodes": nodes,
        "outcomes": found,
    }


def origin(version: str | None, sources: Iterable[Any]) -> dict[str, Any]:
    """Return what a document has of the run: the version of this collection, and where the inventory is."""
    return {"collection": version and clean(version), "inventory": clean(list(map(str, sources)))}


def _is_unreachable(result: Any) -> bool:
    return isinstance(result, Mapping) and bool(result.get("unreachable"))


def _lacks(harbor: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with Harbor; without projects in the result it could not be queried at all.

    As nodes may need different projects, there may be several results, in `results` as those of a loop are.
    """
    if harbor.get("results"):
        return list(dict.fromkeys(text for each in harbor["results"] for text in _lacks(each)))
    if "projects" not in harbor:
        return [f"{_NOT_ASKED}: {harbor.get('msg') or 'no answer'}"]
    return list(dict.fromkeys(text for each in harbor["projects"] for text in each["problems"]))


def _of_harbor(harbor: Mapping[str, Any], option: str, kept: Iterable[str]) -> list[dict[str, Any]]:
    """Return what is known of Harbor's projects or robot accounts, each once."""
    results = [each for each in harbor.get("results") or [harbor] if isinstance(each, Mapping)]
    found = [{key: each.get(key) for key in kept} for result in results for each in result.get(option) or ()]
    return [each for index, each in enumerate(map(clean, found)) if each not in found[:index]]


def with_docker(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return results of nodes with those of the Docker in addition to their containerd as of nodes of their own."""
    found: dict[str, Any] = {}
    for name, result in results.items():
        found[name] = result
        beside = result.get("docker") if isinstance(result, Mapping) else None
        if isinstance(beside, Mapping):
            found[f"{name}{DOCKER}"] = beside
    return found


def _node(name: str, result: Any, outcomes: dict[str, int]) -> dict[str, Any]:
    result = result if isinstance(result, Mapping) else {}
    images = _outcomes(result)
    found = []
    for each in images:
        text = json.dumps(_outcome(each), sort_keys=True)
        found.append({"outcome": outcomes.setdefault(text, len(outcomes)), "seconds": _seconds(each.get("seconds"))})
    error = None if found else clean(str(result.get("msg") or "no answer"))
    good = bool(found) and all(each["state"] in HEALTHY for each in images)
    version = result.get("version") and clean(str(result["version"]))
    return {
        "name": clean(name),
        "version": version or None,
        "reached": not _is_unreachable(result),
        "ok": good,
        "error": error,
        "public_fallback": any(map(_falls_back, images)),
        "results": found,
    }


def _falls_back(outcome: Mapping[str, Any]) -> bool:
    """Return whether containerd tries the upstream itself if the mirror fails.

    Of settings that were not tried no endpoints are known: there it is what legacy mirrors do in any case.
    """
    tried = [each.get("origin") for each in outcome.get("endpoints") or () if not each.get("skipped")]
    if tried:
        return "upstream" in tried[1:]
    return outcome.get("mode") == "legacy" and bool((outcome.get("served_by") or {}).get("endpoint"))


def _outcomes(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the outcomes in a result; none where one of them is of another kind."""
    images = result.get("images")
    try:
        _shape.checked(images, [_OUTCOME])
    except ShapeError:
        return []
    return list(images or []) if all(each["state"] in (*HEALTHY, *STATES) for each in images or []) else []


def _seconds(value: Any) -> Any:
    return clean(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _outcome(each: Mapping[str, Any]) -> dict[str, Any]:
    more = [key for key in _KEPT_OF_IMAGES if key in each]
    kept: dict[str, Any] = clean({key: each.get(key) for key in (*_KEPT, *more)})
    kept.update({key: kept[key] or [] for key in ("endpoints", "log", "notes")})
    if kept["error"]:  # the same failure has another address on each node, and another port each time
        kept["error"]["message"] = _OWN_ADDRESS.sub("…->", kept["error"]["message"])
    return kept


def _problems(nodes: list[dict[str, Any]], outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is wrong, each reason once, with all nodes and images that it is wrong with."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for index, node in enumerate(nodes):
        for told, image in _complaints(node, outcomes):
            names = ("state", "kind", "seen", "fix")
            problem = found.setdefault(told, {**dict(zip(names, told, strict=True)), "images": {}, "nodes": {}})
            problem["nodes"][index] = problem["images"][image] = True
    listed = [
        {**each, "images": sorted(filter(None, each["images"])), "nodes": list(each["nodes"])}
        for each in found.values()
    ]
    return sorted(listed, key=lambda each: (STATES.index(each["state"]), -len(each["nodes"]), -len(each["images"])))


def _complaints(node: Mapping[str, Any], outcomes: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield (state, kind, seen, fix) and the image, for all that is wrong with a node."""
    if node["error"]:
        text = reasons.plain(node["name"], node["error"])
        away = not node["reached"]
        yield ("unreachable" if away else "error", None, text, _REACH if away else None), None
    for each in (outcomes[result["outcome"]] for result in node["results"]):
        if each["state"] not in HEALTHY:
            wrong = each["diagnosis"] or {}
            yield (each["state"], wrong.get("kind"), wrong.get("seen") or "", wrong.get("fix")), each["image"]


def clean(data: Any) -> Any:
    """Return data with bounded text of printable characters and bounded lists."""
    if isinstance(data, Mapping):
        return {clean(str(key)): clean(value) for key, value in list(data.items())[:_MAX_ITEMS]}
    if isinstance(data, (list, tuple)):
        return [clean(item) for item in data[:_MAX_ITEMS]]
    if isinstance(data, (int, float)):
        return data if abs(data) <= MAX_NUMBER else None  # comparisons with NaN are false
    if data is None:
        return data
    text = _text.line(str(data))
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + " …"
