# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document as JUnit XML: a node is a suite, and each upstream on it a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import cases
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.cases import Case


def junit(found: Mapping[str, Any]) -> str:
    """Return the text of the file."""
    suites: dict[str, list[Case]] = {}
    for case in cases.cases(found):
        suites.setdefault(case.node, []).append(case)
    if found["harbor"] is not None:
        suites["Harbor"] = [*suites.get("Harbor", []), *_of_harbor(found)]
    root = ElementTree.Element("testsuites", name=f"airgap.containerd.{found['about']}")
    totals = [_suite(root, found, name, listed) for name, listed in suites.items()]
    for key, values in zip(("tests", "failures", "errors"), zip(*totals, strict=True), strict=False):
        root.set(key, str(sum(values)))
    if found["seconds"] is not None:
        root.set("time", f"{found['seconds']:.3f}")
    ElementTree.indent(root, " ")
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _of_harbor(found: Mapping[str, Any]) -> Iterable[Case]:
    """Yield a case for each project, and one for each problem that does not belong to a project."""
    empty = Case("Harbor", "", "", "ok", "", "", "", None, "")
    told: set[str] = set()
    for each in found["projects"]:
        problems = each["problems"] or []
        told.update(problems)
        name = f"{each['upstream']} from {each['project']}"
        yield empty._replace(upstream=name, state="failed" if problems else "ok", seen=" ".join(problems))
    for text in found["harbor"]:
        if text not in told:
            yield empty._replace(state="error", seen=text)


def _suite(root: ElementTree.Element, found: Mapping[str, Any], name: str, listed: list[Case]) -> tuple[int, int, int]:
    """Add a suite; return how many cases it has, how many failed, and how many could not be looked at."""
    errors = sum(case.state in ("error", "unreachable") for case in listed)
    failures = sum(not case.is_ok for case in listed) - errors
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(listed)),
        failures=str(failures),
        errors=str(errors),
        skipped="0",
        timestamp=found["created"].partition("+")[0],
        hostname=name,
        time=f"{sum(case.seconds or 0 for case in listed):.3f}",
    )
    for case in listed:
        _case(suite, found, case)
    return len(listed), failures, errors


def _case(suite: ElementTree.Element, found: Mapping[str, Any], case: Case) -> None:
    name = case.upstream or "the node"
    element = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{found['about']}.{case.node}",
        name=name,
        time=f"{case.seconds or 0:.3f}",
    )
    if case.is_ok:
        return
    is_error = case.state in ("error", "unreachable")
    told = ElementTree.SubElement(
        element, "error" if is_error else "failure", type=case.kind or case.state, message=case.seen or case.state
    )
    told.text = "\n".join(filter(None, (case.seen, case.fix, f"Endpoint: {case.endpoint}" if case.endpoint else "")))
