# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole fleet pulls: the document behind the page and the JSON file, and the table for the terminal.

Nodes are not trusted: what they say is data of bounded size, of printable characters, and nothing else.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import reply
from ansible_collections.airgap.containerd.plugins.plugin_utils.verification import GOOD

FORMAT = 1
WIDTH = 110
_NAMES = 4  # nodes that a line of the table names
_MAX_TEXT = 400
_MAX_ITEMS = 50
_PORTS = re.compile(r":[0-9]{4,5}->")
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
"""What a document keeps of an outcome; the rest differs from node to node and tells nobody anything."""


def document(results: Mapping[str, Any], created: str, harbor: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the results of `containerd_pull`, keyed by host, as one document (docs/verify.md has its schema).

    Equal outcomes stand in it once, and nodes point to them. Nodes with failures come first. `harbor` is the result of
    `containerd_harbor`, if it was asked.
    """
    outcomes: dict[str, int] = {}
    nodes = [_node(str(name), result, outcomes) for name, result in results.items()]
    nodes.sort(key=lambda node: node["ok"])
    wrong = None if not harbor or harbor.get("skipped") else clean(_lacks(harbor))
    return {
        "format": FORMAT,
        "created": created,
        "ok": not wrong and all(node["ok"] for node in nodes),
        "harbor": wrong,
        "nodes": nodes,
        "outcomes": [json.loads(text) for text in outcomes],
    }


def _lacks(harbor: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with Harbor; without projects in the result it could not be asked at all."""
    if "projects" not in harbor:
        return [harbor.get("msg") or "no answer"]
    return list(dict.fromkeys(text for each in harbor["projects"] for text in each["problems"]))


def _node(name: str, result: Any, outcomes: dict[str, int]) -> dict[str, Any]:
    result = result if isinstance(result, Mapping) else {}
    images = result.get("images")
    found = []
    for each in images if isinstance(images, list) else []:
        text = json.dumps(_outcome(each), sort_keys=True)
        found.append({"outcome": outcomes.setdefault(text, len(outcomes)), "seconds": each.get("seconds")})
    error = None if found else clean(result.get("msg") or "no answer")
    good = bool(found) and all(each["state"] in GOOD for each in images)
    return {"name": clean(name), "version": clean(result.get("version")), "ok": good, "error": error, "results": found}


def _outcome(each: Mapping[str, Any]) -> dict[str, Any]:
    kept = clean({key: each.get(key) for key in _KEPT})
    if kept["error"]:  # the same failure has another port each time
        kept["error"]["message"] = _PORTS.sub(":…->", kept["error"]["message"])
    return kept


def clean(data: Any) -> Any:
    """Return data with bounded text of printable characters and bounded lists."""
    if isinstance(data, Mapping):
        return {clean(str(key)): clean(value) for key, value in list(data.items())[:_MAX_ITEMS]}
    if isinstance(data, (list, tuple)):
        return [clean(item) for item in data[:_MAX_ITEMS]]
    if data is None or isinstance(data, (bool, int, float)):
        return data
    text = reply.line(str(data))
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + " …"


def table(found: Mapping[str, Any]) -> list[str]:
    """Return the lines for the terminal: what is equal on several nodes once, failures first, a plain line last."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for node in found["nodes"]:
        if node["error"]:
            groups.setdefault(_told(None, node["error"]), []).append({"node": node["name"]})
        for each in node["results"]:
            told = _told(found["outcomes"][each["outcome"]], "")
            groups.setdefault(told, []).append({"node": node["name"], "seconds": each["seconds"]})
    lines = []
    for text in found["harbor"] or []:
        lines.extend(textwrap.wrap(text, WIDTH, initial_indent="HARBOR    ", subsequent_indent=" " * 10))
    total = len(found["nodes"])
    for told, members in sorted(groups.items(), key=lambda item: item[0][:3]):
        lines.extend(_group(told, members, total))
    return [*lines, "", closing(found)]


def _told(outcome: Mapping[str, Any] | None, error: str) -> tuple[Any, ...]:
    """Return what people are told of an outcome; outcomes that differ in other things are one group."""
    if outcome is None:
        return (0, "NO ANSWER", "", error, "", "")
    wrong = outcome["diagnosis"] or {}
    state = outcome["state"]
    served = (outcome["served_by"] or {}).get("endpoint") or ""
    rank = 3 if state in GOOD else 2 if state == "bypassed" else 1
    label = state if state in GOOD else state.upper()
    return (rank, label, outcome["image"], wrong.get("seen", ""), wrong.get("fix", ""), served)


def _group(told: tuple[Any, ...], members: list[Mapping[str, Any]], total: int) -> Iterator[str]:
    dummy, label, image, seen, fix, served = told
    names = sorted({member["node"] for member in members}, key=_natural)
    where = nodes(names, total)
    times = sorted(member["seconds"] for member in members if member.get("seconds") is not None)
    took = f"{times[0]:.2f} s" if len(set(times)) == 1 else f"{times[0]:.2f}-{times[-1]:.2f} s" if times else ""
    words = [f"{label:<10}{image}", f"from {served}" if served else "", took, where]
    yield "  ".join(word for word in words if word)
    for text in (seen, f"-> {fix}" if fix else ""):
        yield from textwrap.wrap(text, WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10)


def _natural(name: str) -> list[Any]:
    """Return what sorts n2 before n10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split("([0-9]+)", name)]


def nodes(names: list[str], total: int) -> str:
    """Return names for a line: all of them where they are few."""
    if len(names) == total > _NAMES:
        return f"all {total} nodes"
    if len(names) <= _NAMES + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMES])} and {len(names) - _NAMES} more"


def closing(found: Mapping[str, Any]) -> str:
    """Return the last line: how many nodes are well."""
    total, good = len(found["nodes"]), sum(node["ok"] for node in found["nodes"])
    images = len({each["image"] for each in found["outcomes"]})
    what = f"{images} image{'' if images == 1 else 's'}"
    verdict = "ok" if found["ok"] else "FAILED"
    asked = (
        "" if found["harbor"] is None else f", Harbor {'lacks something' if found['harbor'] else 'has what they need'}"
    )
    return f"{good} of {total} nodes get {what} from where they should{asked}: {verdict}"
