# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each promise of SECURITY.md names tests that hold it, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| (?P<promise>[^|*]+\.) \| (?P<tests>[^|]*) \|$", re.M)
_TEST = re.compile(r"`(test_\w+)::(test_\w+)`")


def promises() -> dict[str, list[tuple[str, str]]]:
    """The tests of each promise, as (file without suffix, function)."""
    section = (
        (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## What is promised")[2].partition("\n## ")[0]
    )
    return {row["promise"]: _TEST.findall(row["tests"]) for row in _ROW.finditer(section)}


def functions(name: str) -> set[str]:
    """The tests in the files of this name."""
    found = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob(f"{name}.py")]
    return {each.name for tree in found for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_there_is_a_line_for_every_row():
    section = (
        (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## What is promised")[2].partition("\n## ")[0]
    )
    rows = [line for line in section.splitlines() if line.startswith("|") and not line.startswith(("| **", "|---"))]
    assert len(promises()) == len(rows) - 1 > 20, "but for the head"


@pytest.mark.parametrize("promise", list(promises()))
def test_what_is_promised_is_held_by_a_test(promise):
    named = promises()[promise]
    assert named, "no test holds it"
    for file, function in named:
        assert function in functions(file), f"there is no {function} in {file}.py"
