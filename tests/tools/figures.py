# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add up pytest suites from their JUnit reports; the last line is ``N passed, N failed``.

Usage: python3 tests/tools/figures.py REPORT.xml ...

One line per report goes before it. Ends with status 1 when a report is missing, holds no test, or holds a failure.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree


def count(report: str) -> dict[str, int]:
    """Figures of one JUnit document: passed, failed (an error counts as a failure) and skipped."""
    figures = {"passed": 0, "failed": 0, "skipped": 0}
    # One test can appear twice: once for its failure, once more for an error while it is torn down.
    outcomes: dict[tuple[str | None, str | None], str] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        test = (case.get("classname"), case.get("name"))
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes[test] = "failed"
        elif case.find("skipped") is not None:
            outcomes.setdefault(test, "skipped")
        else:
            outcomes.setdefault(test, "passed")
    for outcome in outcomes.values():
        figures[outcome] += 1
    return figures


def describe(figures: dict[str, int]) -> str:
    """Figures as a sentence, skipped tests only where there are some."""
    line = f"{figures['passed']} passed, {figures['failed']} failed"
    return f"{line}, {figures['skipped']} skipped" if figures["skipped"] else line


def main(reports: list[Path]) -> int:
    """Print the lines, and return the exit status."""
    passed = failed = 0
    complete = True
    for report in reports:
        if not report.is_file():
            print(f"{report.stem}: did not run")
            complete = False
            continue
        figures = count(report.read_text(encoding="utf-8"))
        print(f"{report.stem}: {describe(figures)}")
        passed += figures["passed"]
        failed += figures["failed"]
        complete = complete and any(figures.values())
    print(f"{passed} passed, {failed} failed")
    return 0 if complete and not failed else 1


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
