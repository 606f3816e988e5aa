# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What will become of many nodes and what became of them, each distinct plan and each reason once."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names, reasons
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import keys

_GROUPS = 6
"""Distinct plans, or reasons of one kind, that are shown; the others are only counted."""

_KEYS = 4
"""Keys of config.toml of which one plan shows the values; --diff shows all."""

_CAUSES = 4
"""Reasons for one change that are shown; the report has all."""

_PLANNED = ("new_node", "variables")
"""Causes of a change that are the operator's own."""

PROCEED = "containerd_registry_proceed"
NODES = "containerd_registry_nodes"
_BYSTANDER = (
    "this host runs Docker but no kubelet, so it does not look like a Kubernetes node, and it is not named explicitly: "
    f"exclude it with --limit or -e {NODES}=PATTERN; or, to configure it, name it in {NODES} or set "
    "containerd_registry_docker to true"
)
_KINDS = ("unreachable", "refused", "failed")
_TITLES = {"unreachable": "could not be reached", "refused": "cannot be changed", "failed": "failed"}


def plan(
    results: Mapping[str, Mapping[str, Any]],
    *,
    named: bool = True,
    proceed: bool = False,
    check: bool = True,
    fail_on_drift: bool = False,
) -> tuple[list[str], dict[str, Any]]:
    """Return the lines for `{node: result of containerd_registry with fleet=plan}`, and the plan for all nodes.

    Unless `named`, hosts that look like no Kubernetes node are refused. A node that is refused stops the change of all
    others, but with `proceed`. With `fail_on_drift`, a check fails on the nodes that a run would change.
    """
    sorted_out: dict[str, dict[str, str]] = {kind: {} for kind in _KINDS}
    change: list[str] = []
    right: list[str] = []
    for name, result in results.items():
        kind, reason = _judged(result, named)
        if kind in _KINDS:
            sorted_out[kind][name] = reason
        else:
            (change if kind == "change" else right).append(name)
    stopped = bool(sorted_out["refused"]) and not proceed
    fleet: dict[str, Any] = {
        "total": len(results),
        "names": list(results),
        "steps": _steps([] if stopped or check else change),
        "right": right,
        "notes": {name: list(result.get("notes") or []) for name, result in results.items() if result.get("notes")},
        "drift": {
            name: _drift(results[name]) for name in change if check and fail_on_drift and _changes(results[name])
        },
        **sorted_out,
    }
    fleet.update(_problems(fleet), titles=[names.several(step, 0) for step in fleet["steps"]])
    shown = [_heading(fleet, [(len(change), "to change"), (len(right), "up to date")])]
    shown += _groups({name: "\n".join(_plan(results[name])) for name in change}, "to change", len(results))
    shown += _groups({name: _text(results[name]) for name in right}, "up to date", len(results))
    shown += [*_reasons(fleet), *_notes(fleet["notes"], len(results)), *_support(results)]
    return [*shown, *_after_plan(fleet, change, stopped, check)], fleet


def outcome(
    fleet: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], dict[str, Any], bool]:
    """Return the lines for `{node: result of the change}`, the plan with all outcomes, and whether it is over.

    Nodes that have no result yet were not touched. While it is not over there are no lines.
    """
    after = {**fleet, "unreachable": {**fleet["unreachable"]}, "failed": {}}
    for name, result in results.items():
        if result.get("unreachable"):
            after["unreachable"][name] = _text(result)
        elif result.get("failed"):
            after["failed"][name] = _text(result)
    after.update(_problems(after))
    untouched = [name for step in fleet["steps"] for name in step if name not in results]
    over = bool(after["failed"]) or not untouched
    if over:
        after["steps"] = _steps([])
    return _closing(after, results, untouched) if over else [], after, over


def _steps(nodes: list[str]) -> list[list[str]]:
    """Return one node, a tenth of them all (of fewer than ten, none), and the rest."""
    tenth = 1 + len(nodes) // 10
    return [nodes[:1], nodes[1:tenth], nodes[tenth:]]


def _judged(result: Mapping[str, Any], named: bool) -> tuple[str, str]:
    """Return what is to become of a node, and why where it is nothing."""
    if result.get("unreachable"):
        return "unreachable", _text(result)
    if "pending" not in result:
        return "refused", _text(result)
    if result.get("bystander") and result["pending"] and not named:
        return "refused", _BYSTANDER
    return "change" if result["pending"] else "right", ""


def _changes(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in result.get("changes") or () if isinstance(each, Mapping)]


def _drift(result: Mapping[str, Any]) -> str:
    """Say why a run would change a node."""
    seen = "; ".join(dict.fromkeys(str(each.get("seen")) for each in _changes(result)))
    return f"not configured as the variables say: {seen}"


def _text(result: Mapping[str, Any]) -> str:
    return str(result.get("msg") or "no answer").strip()


def _problems(fleet: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return why each node is not as the variables ask, and with which words they fail: where many do, one for all."""
    problems = {name: f"{_TITLES[kind]}: {text}" for kind in _KINDS for name, text in fleet[kind].items()}
    problems.update(fleet["drift"])
    failing = problems
    if len(problems) > names.FEW:
        text = f"not configured as the variables say: {names.several(problems, 0)}, see the summary above"
        failing = {next(iter(problems)): text}
    return {"problems": problems, "failing": failing}


def _heading(fleet: Mapping[str, Any], counts: Iterable[tuple[int, str]]) -> str:
    counts = [*counts, *((len(fleet[kind]), _TITLES[kind]) for kind in reversed(_KINDS))]
    told = ", ".join(f"{number} {what}" for number, what in counts if number)
    return f"{names.count(fleet['total'], 'node')}: {told}"


def _groups(texts: Mapping[str, str], what: str, total: int) -> list[str]:
    groups = _largest(texts)
    shown = []
    for text, who in groups[:_GROUPS]:
        shown += ["", f"{names.several(who, total)}: {what}", *(f"  {line}" for line in text.splitlines())]
    more = [name for dummy, who in groups[_GROUPS:] for name in who]
    if more:
        shown += ["", f"{names.several(more, total)}: {what}, not shown in detail here: run with --check --limit=NODE"]
    return shown


def _largest(texts: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return the groups of `reasons`, those of most nodes first."""
    return sorted(reasons.grouped(texts), key=lambda group: -len(group[1]))


def _reasons(fleet: Mapping[str, Any]) -> Iterator[str]:
    for kind in reversed(_KINDS):
        yield from _groups(fleet[kind], _TITLES[kind], fleet["total"])


def _notes(notes: Mapping[str, Iterable[str]], total: int) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for number in range(max((len(list(each)) for each in notes.values()), default=0)):
        several = {name: list(texts)[number] for name, texts in notes.items() if len(list(texts)) > number}
        for text, who in reasons.grouped(several):
            found.setdefault(text, []).extend(who)
    yield from _with_nodes("Warnings", "other warning", found, total)


def _support(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is to be said of releases, each once, with its nodes."""
    found: dict[str, list[str]] = {}
    for name, result in results.items():
        for text in result.get("support") or []:
            found.setdefault(text, []).append(name)
    yield from _with_nodes("Releases", "other notice", found, len(results))


def _with_nodes(title: str, other: str, found: Mapping[str, list[str]], total: int) -> Iterator[str]:
    """Yield texts below a title, those of most nodes first, each with its nodes; `other` is what one more is called."""
    groups = sorted(found.items(), key=lambda group: -len(group[1]))
    if groups:
        yield from ("", f"{title}:")
    yield from (f"  {text} ({names.several(who, total)})" for text, who in groups[:_GROUPS])
    if len(groups) > _GROUPS:
        yield f"  and {names.count(len(groups) - _GROUPS, other)}, which --check --limit=NODE shows"


def _after_plan(fleet: Mapping[str, Any], change: list[str], stopped: bool, check: bool) -> list[str]:
    if stopped and not check:
        left = " or exclude them with --limit"
        if change:
            left = f", exclude them with --limit, or continue without them with -e {PROCEED}=true"
        return ["", f"Nothing was changed. Fix the nodes that cannot be changed{left}."]
    if not change:
        return ["", "Nothing to change." if fleet["right"] else "Nothing was changed."]
    return ["", "Nothing was changed: this was a check."] if check else []


def _closing(fleet: Mapping[str, Any], done: Mapping[str, Mapping[str, Any]], untouched: list[str]) -> list[str]:
    good = [name for name in done if name not in fleet["problems"]]
    changed = [name for name in good if done[name].get("changed")]
    restarted = [name for name in good if done[name].get("restarted")]
    due = [name for name in good if done[name].get("restart_due")]
    longest = max((done[name].get("seconds_without_cri") or 0 for name in restarted), default=0)
    restarts = (
        f"changed, {len(restarted)} of them restarted (at most {longest} s without CRI)" if restarted else "changed"
    )
    right = len(fleet["right"]) + len(good) - len(changed)  # with those that had images to pull, or a record to write
    counts = [(len(changed), restarts), (right, "up to date"), (len(untouched), "not touched")]
    shown = [_heading(fleet, counts), *_reasons(fleet)]
    for who, what in ((untouched, "not touched because the run stopped"), (due, "containerd needs a restart")):
        if who:
            shown += ["", f"{names.several(who, fleet['total'])}: {what}"]
    told = {name: {reasons.plain(name, text) for text in texts} for name, texts in fleet["notes"].items()}
    fresh = {
        name: [text for text in done[name].get("notes") or [] if reasons.plain(name, text) not in told.get(name, ())]
        for name in good
    }
    shown += _notes({name: texts for name, texts in fresh.items() if texts}, fleet["total"])
    if fleet["problems"]:
        return [*shown, "", "Fix this and run the playbook again. Nodes that are up to date are left as they are."]
    if any(result.get("mode") for result in done.values()):
        shown += ["", "Next: airgap.containerd.verify pulls on every node and shows which registry served each image."]
    return shown


def _plan(result: Mapping[str, Any]) -> Iterator[str]:
    yield _text(result)
    causes = [str(each.get("seen")) for each in _changes(result) if each.get("cause") not in _PLANNED]
    yield from (f"because {text}" for text in list(dict.fromkeys(causes))[:_CAUSES])
    yield from (f"carried over: {text}" for text in result.get("migrated") or [])
    changes = result.get("config_changes") or []
    altered = [change for change in changes if "before" in change]
    for change in altered[:_KEYS]:
        after = f"becomes {json.dumps(change['after'])}" if "after" in change else "is removed"
        yield f"config.toml: {keys.show(change['path'])} = {json.dumps(change['before'])} {after}"
    if len(altered) > _KEYS:
        yield f"config.toml: {names.count(len(altered) - _KEYS, 'more key')} changed or removed"
    added = len(changes) - len(altered)
    if added:
        yield f"config.toml: {names.count(added, 'key')} added"
    for verb, key in (("writes", "written"), ("removes", "removed")):
        places = Counter(map(_hosts_dir, result.get(key) or []))
        yield from (f"{verb} {names.count(number, 'file')} in {place}" for place, number in places.items() if place)
        yield from (f"{verb} {path}" for path in result.get(key) or [] if not _hosts_dir(path))


def _hosts_dir(path: str) -> str | None:
    """Return the directory that the directory of a hosts.toml is in, None for other files."""
    folder, name = posixpath.split(path)
    return posixpath.dirname(folder) if name == "hosts.toml" else None
