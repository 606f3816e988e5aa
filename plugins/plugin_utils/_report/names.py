# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many nodes on one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

FEW = 5
"""Nodes, or runs of nodes, that a line names."""

_NUMBERED = re.compile("(.*?)([0-9]+)([^0-9]*)")


def counted(number: int, total: int) -> str:
    """Return how many nodes."""
    return f"all {total} nodes" if number == total else f"{number} of {total} nodes"


def count(number: int, what: str) -> str:
    """Return a number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def several(names: Iterable[str], total: int) -> str:
    """Return names for a line, runs of numbers in one: all of them where they are few."""
    names = sorted(names, key=_natural)
    if len(names) <= FEW:
        return ", ".join(names)
    if len(names) == total:
        return counted(total, total)
    runs = list(_runs(names))
    if len(runs) <= FEW:
        return f"{', '.join(text for text, dummy in runs)} ({len(names)} nodes)"
    more = sum(size for dummy, size in runs[FEW - 1 :])
    return f"{', '.join(text for text, dummy in runs[: FEW - 1])} and {more} more"


def _runs(names: list[str]) -> Iterator[tuple[str, int]]:
    """Yield n1 for a name, n[1:7] for neighbours in a row, as inventories have it, and how many that are."""
    begin = 0
    for index, name in enumerate(names):
        if index + 1 < len(names) and _next(name) == names[index + 1]:
            continue
        size = index + 1 - begin
        if size < 3:
            yield from ((each, 1) for each in names[begin : index + 1])
        else:
            yield _range(names[begin], name), size
        begin = index + 1


def _range(first: str, last: str) -> str:
    """Return the names from one to another, which differ in their last number alone."""
    here, there = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    return f"{here[1]}[{here[2]}:{there[2]}]{here[3]}" if here and there else f"{first}..{last}"


def _next(name: str) -> str | None:
    match = _NUMBERED.fullmatch(name)
    if not match:
        return None
    before, number, after = match.groups()
    return f"{before}{int(number) + 1:0{len(number)}}{after}"


def _natural(name: str) -> list[Any]:
    """Return what sorts n2 before n10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split("([0-9]+)", name)]
