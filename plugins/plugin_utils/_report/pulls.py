# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal's table of what a fleet pulls: what is wrong first, nodes and images with equal results on one line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.outcome import GOOD

WIDTH = 110
LABELS = {"unreachable": "UNREACHABLE", "error": "ERROR", "failed": "FAILED", "bypassed": "BYPASSED"}
INDENT = " " * 13  # the width of the first column
_IMAGES = 8  # images with one result that are named
_PROBLEMS = 12
_COLUMNS = (48, 40)  # an image and an endpoint may be longer, and then move the rest of their line

Row = tuple[str, str, str, str, str]
HEADS: Row = ("RESULT", "IMAGE", "FROM", "SECONDS", "NODES")


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the lines for the terminal; `found` is document.document's."""
    shown = []
    for text in found["harbor"] or []:
        shown.extend(wrapped("HARBOR", text))
    for problem in found["problems"][:_PROBLEMS]:
        shown.extend(_problem(problem, found["nodes"]))
    if len(found["problems"]) > _PROBLEMS:
        shown.extend(more_problems(len(found["problems"]) - _PROBLEMS))
    rows = list(_good(found))
    if rows:
        shown.extend([*([""] if shown else []), *aligned([HEADS, *rows])])
    return [*shown, "", closing(found)]


def _problem(problem: Mapping[str, Any], everybody: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines for a problem: its images, its nodes, what was seen, what to change."""
    images = problem["images"][:_IMAGES]
    more = len(problem["images"]) - len(images)
    which = names.several([everybody[index]["name"] for index in problem["nodes"]], len(everybody))
    what = ", ".join(images) + (f" and {names.count(more, 'more image')}" if more else "")
    yield from wrapped(LABELS[problem["state"]], f"{what} on {which}" if what else which)
    yield from wrapped("", problem["seen"])
    if problem["fix"]:
        yield from wrapped("-> ".rjust(len(INDENT)), problem["fix"])


def wrapped(first: str, text: str) -> list[str]:
    """Return text in lines behind the first column."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first.ljust(len(INDENT)), subsequent_indent=INDENT, break_on_hyphens=False
    )


def more_problems(number: int) -> list[str]:
    """Return the line in place of problems that the terminal has no room for."""
    return wrapped("AND", f"{names.count(number, 'more problem')}, listed in the report")


def aligned(rows: list[Row]) -> Iterator[str]:
    """Yield rows as the lines of a table."""
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    widths = [len(INDENT) - 2, min(widths[1], _COLUMNS[0]), min(widths[2], _COLUMNS[1]), widths[3]]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _good(found: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each image that comes from the intended registry, or for many with the same result."""
    total = len(found["nodes"])
    served: dict[tuple[str, str, str], dict[str, list[Any]]] = {}  # state, image and endpoint, and who has it
    for node in found["nodes"]:
        for result in node["results"]:
            each = found["outcomes"][result["outcome"]]
            if each["state"] in GOOD:
                endpoint = (each["served_by"] or {}).get("endpoint") or "unknown"
                image = each["image"] or "unknown"
                group = served.setdefault((each["state"], image, endpoint), {"names": [], "seconds": []})
                group["names"].append(node["name"])
                group["seconds"].append(result["seconds"])
    alike: dict[tuple[Any, ...], list[str]] = {}
    for (state, image, endpoint), group in served.items():
        alike.setdefault((GOOD.index(state), endpoint, tuple(group["names"])), []).append(image)
    for (rank, endpoint, who), images in sorted(
        alike.items(), key=lambda each: (each[0][0], -len(each[0][2]), each[1])
    ):
        for several in [images] if len(images) > _IMAGES else [[image] for image in sorted(images)]:
            seconds = [s for image in several for s in served[GOOD[rank], image, endpoint]["seconds"] if s is not None]
            what = several[0] if len(several) == 1 else f"{len(several)} images"
            where = names.several(who, total) if len(who) <= names.FEW else names.counted(len(who), total)
            yield (GOOD[rank], what, endpoint, _span(seconds), where)


def _span(seconds: list[float]) -> str:
    """Return the shortest and the longest time."""
    if not seconds:
        return ""
    low, high = f"{min(seconds):.2f}", f"{max(seconds):.2f}"
    return low if low == high else f"{low}-{high}"


def closing(found: Mapping[str, Any]) -> str:
    """Return the last line: how many nodes are healthy."""
    total, good = len(found["nodes"]), sum(node["ok"] for node in found["nodes"])
    verdict = "ok" if found["ok"] else "FAILED"
    harbor = "does not provide what they need" if found["harbor"] else "provides what they need"
    asked = "" if found["harbor"] is None else f"; Harbor {harbor}"
    return f"{good} of {total} nodes pull every image from the intended registry{asked}: {verdict}"
