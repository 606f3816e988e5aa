# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures next to their targets, for people and for programs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """A row of the table: `values` of repeated runs, and the `limit` that the median has to keep.

    `limit` is None for what is only reported; a `floor` has to be reached instead of kept.
    """

    what: str
    values: tuple[float, ...]
    unit: str = "×"
    limit: float | None = None
    floor: bool = False

    @property
    def median(self) -> float:
        """The median of the values."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.limit is None:
            return None
        return self.median >= self.limit if self.floor else self.median <= self.limit

    def as_data(self) -> dict[str, object]:
        """The figure as JSON has it."""
        return {**asdict(self), "median": self.median, "met": self.met}


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float], **target) -> Figure:
    """`ours` ÷ `theirs`, each of our runs against the one of the same round."""
    return Figure(what, tuple(a / b for a, b in zip(ours, theirs, strict=True)), **target)


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text."""
    rows = [("what", "median", "spread", "target", "")]
    for each in figures:
        spread = f"{min(each.values):.2f} – {max(each.values):.2f}" if len(each.values) > 1 else ""
        target = "" if each.limit is None else f"{'≥' if each.floor else '≤'} {each.limit:g}"
        verdict = {None: "", True: "met", False: "MISSED"}[each.met]
        rows.append((each.what, f"{each.median:.2f} {each.unit}", spread, target, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)
