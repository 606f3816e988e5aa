# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document as Markdown, for a merge request or the summary of a job: what is wrong, then a row for each upstream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import cases, names, view
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.cases import Case

_PROBLEMS = 50
_IMAGES = 5
_SPECIAL = re.compile(r"([\\`*_\[\]<>#!|~$&@:]|(?<=www)\.)")


def markdown(found: Mapping[str, Any], closing: str) -> str:
    """Return the text of the file; `closing` is the sentence that sums up."""
    sign = "✅" if found["ok"] else "❌"
    lines = [f"## {view.HEADINGS[found['about']]}", "", f"{sign} {_plain(closing)}"]
    lines += list(_problems(found))
    lines += list(_upstreams(list(cases.cases(found))))
    took = "" if found["seconds"] is None else f", took {found['seconds']:.0f} s"
    made = ", ".join([f"airgap.containerd {found['collection'] or ''}".strip(), *map(_plain, found["inventory"])])
    return "\n".join([*lines, "", f"<sub>{made}, {found['created']}{took}</sub>"]) + "\n"


def _problems(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [("Harbor", "", text, "") for text in found["harbor"] or ()]
    total = sum(len(node.get("hosts") or [0]) for node in found["nodes"])
    for each in found["problems"]:
        who = [name for index in each["nodes"] for name in _hosts(found["nodes"][index])]
        more = len(each["images"]) - _IMAGES
        images = ", ".join(each["images"][:_IMAGES]) + (f" and {more} more" if more > 0 else "")
        what = f"{images} on {names.several(who, total)}" if images else names.several(who, total)
        rows.append((view.label(found["about"], each["state"]), what, each["seen"], each["fix"] or ""))
    if not rows:
        return
    yield from ("", "### What needs attention", "", "| | Where | Problem | Fix |", "|---|---|---|---|")
    for row in rows[:_PROBLEMS]:
        yield _row(*row)
    if len(rows) > _PROBLEMS:
        yield _row("", "", f"{names.count(len(rows) - _PROBLEMS, 'more problem')}: see {found['about']}.json.", "")


def _hosts(node: Mapping[str, Any]) -> list[str]:
    return list(node.get("hosts") or [node["name"]])


def _upstreams(listed: list[Case]) -> Iterator[str]:
    """Yield a table of upstreams: which endpoint serves them, on how many nodes, and where it does not."""
    found: dict[str, list[Case]] = {}
    for case in listed:
        if case.upstream:
            found.setdefault(case.upstream, []).append(case)
    if not found:
        return
    yield from ("", "### Upstreams", "", "| | Upstream | Endpoint | Nodes | Not on |", "|---|---|---|--:|---|")
    for upstream, several in sorted(found.items()):
        bad = [case.node for case in several if not case.is_ok]
        places = list(dict.fromkeys(case.endpoint for case in several if case.is_ok and case.endpoint))
        more = f" and {len(places) - 2} more" if len(places) > 2 else ""
        count = f"{len(several) - len(bad)} of {len(several)}"
        where = names.several(bad, 0) if bad else ""
        yield _row("❌" if bad else "✅", upstream, ", ".join(places[:2]) + more, count, where)


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """Return text that no Markdown makes anything of: no link, no mention, no markup."""
    return _SPECIAL.sub(r"\\\1", text)
