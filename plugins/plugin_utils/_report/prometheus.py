# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document as metrics, in the text that node_exporter's textfile collector reads.

What each kind of check tells has the label `check`, so that their files can be beside each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import cases
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.cases import Case

PREFIX = "airgap_containerd_"
METRICS = {
    "check_timestamp_seconds": "When this check last ended.",
    "check_duration_seconds": "How long it took.",
    "check_ok": "Whether it found nothing wrong.",
    "node_answered": "Whether the node could be checked.",
    "release_info": "The containerd release that the node runs.",
    "release_end_of_life_timestamp_seconds": "When the support of this release line ends.",
    "upstream_ok": "Whether images of this upstream come from the intended registry.",
    "last_success_timestamp_seconds": "When they last did.",
    "bypassed": "Whether containerd ignores the mirror of this upstream.",
    "credentials_refused": "Whether the registry refuses the credentials for this upstream.",
    "up_to_date": "Whether the node is configured as the variables describe.",
    "drift": "Whether a run of the site playbook would change the node.",
    "drift_cause": "Why it would: one series for each cause.",
    "harbor_project_ok": "Whether the project of Harbor is what this upstream needs.",
    "account_expires_timestamp_seconds": "When the first robot account that pulls from this Harbor expires.",
}
"""Every metric, without PREFIX, and its help; all of them are gauges."""

_LAST = f"{PREFIX}last_success_timestamp_seconds"
_SERIES = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} ([0-9]{1,15}(?:\.[0-9]{1,9})?)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_DAY = 86400
_MAX_BEFORE = 64 * 2**20  # characters of an earlier file that are looked at

Labels = dict[str, str]


class Sample(NamedTuple):
    """One value."""

    metric: str  # without PREFIX
    labels: Labels
    value: float


def prometheus(found: Mapping[str, Any], before: str = "") -> str:
    """Return the text of the file; `before` is that of the file that it replaces, for when something last worked."""
    return _text(samples(found, before))


def by_node(found: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return the text of a file for each node that was reached: what is about this one and about the check itself."""
    nodes: dict[str, list[Sample]] = {
        name: [] for node in found["nodes"] if node["reached"] for name in node.get("hosts") or [node["name"]]
    }
    check = []
    for sample in samples(found, before):
        if sample.labels.get("node") in nodes:
            nodes[sample.labels["node"]].append(sample)
        elif "node" not in sample.labels and "check" in sample.labels:
            check.append(sample)
    return {node: _text([*check, *several]) for node, several in nodes.items()}


def _text(several: Iterable[Sample]) -> str:
    by_metric: dict[str, list[Sample]] = {}
    for sample in several:
        by_metric.setdefault(sample.metric, []).append(sample)
    return "".join(_family(name, by_metric[name]) for name in METRICS if name in by_metric)


def samples(found: Mapping[str, Any], before: str = "") -> Iterator[Sample]:
    """Yield every sample of a document."""
    check = {"check": str(found["about"])}
    now = _seconds(found["created"]) or 0
    yield Sample("check_timestamp_seconds", check, now)
    if found["seconds"] is not None:
        yield Sample("check_duration_seconds", check, found["seconds"])
    yield Sample("check_ok", check, found["ok"])
    yield from _of_nodes(found["nodes"], check)
    listed = list(cases.cases(found))
    if found["about"] == "site":
        yield from _of_settings(found["nodes"])
    else:
        yield from _of_upstreams(listed, check, now, _last(before))
    yield from _of_harbor(found)


def _of_nodes(nodes: Iterable[Mapping[str, Any]], check: Labels) -> Iterator[Sample]:
    for node in nodes:
        for name in node.get("hosts") or [node["name"]]:
            labels = {**check, "node": name}
            yield Sample("node_answered", labels, not node["error"])
            version = node["version"] or ""
            if version and "," not in version:  # a row of nodes with several versions does not say which is whose
                release = {**labels, "version": version}
                yield Sample("release_info", release, 1)
                ends = _end_of_life(version)
                if ends:
                    yield Sample("release_end_of_life_timestamp_seconds", release, ends)


def _end_of_life(version: str) -> float | None:
    """Return when the day is over on which the support of a release ends; None: unknown."""
    try:
        day = releases.release(releases.parse(version)).end_of_life
    except Refusal:
        return None
    midnight = _seconds(day)
    return None if midnight is None else midnight + _DAY


def _of_upstreams(
    listed: Iterable[Case], check: Labels, now: float, last: Mapping[str, Mapping[str, tuple[str, float]]]
) -> Iterator[Sample]:
    for case in listed:
        labels = {**check, "node": case.node, "upstream": case.upstream, "endpoint": case.endpoint}
        if case.upstream:
            yield Sample("upstream_ok", labels, case.is_ok)
            yield Sample("bypassed", labels, case.is_bypassed)
            yield Sample("credentials_refused", labels, case.is_refused)
        if case.is_ok:
            yield Sample("last_success_timestamp_seconds", labels, now)
            continue
        known = last.get(case.node, {})
        for upstream in [case.upstream] if case.upstream else known:  # of a node without an answer, all that it had
            if upstream in known:
                endpoint, value = known[upstream]
                labels = {**check, "node": case.node, "upstream": upstream, "endpoint": endpoint}
                yield Sample("last_success_timestamp_seconds", labels, value)


def _of_settings(nodes: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    for node in nodes:
        labels = {"node": node["name"]}
        yield Sample("up_to_date", labels, node["ok"])
        if node["error"]:
            continue
        yield Sample("drift", labels, not node["ok"])
        for cause in dict.fromkeys(each["cause"] for each in node.get("changes") or ()):
            yield Sample("drift_cause", {**labels, "cause": cause}, 1)


def _of_harbor(found: Mapping[str, Any]) -> Iterator[Sample]:
    good: dict[tuple[str, str], bool] = {}
    for each in found["projects"]:
        key = (each["upstream"] or "", each["harbor"] or "")
        good[key] = good.get(key, True) and not each["problems"]
    for (upstream, harbor), is_good in good.items():
        yield Sample("harbor_project_ok", {"upstream": upstream, "endpoint": harbor}, is_good)
    expires: dict[str, float] = {}
    for each in found["robots"]:
        harbor, when = each["harbor"] or "", _seconds(each["expires_at"])
        if when is not None:
            expires[harbor] = min(when, expires.get(harbor, when))
    for harbor, when in expires.items():
        yield Sample("account_expires_timestamp_seconds", {"endpoint": harbor}, when)


def _last(before: str) -> dict[str, dict[str, tuple[str, float]]]:
    """Return when each upstream of each node last worked, and where it came from then, as an earlier file has it."""
    found: dict[str, dict[str, tuple[str, float]]] = {}
    for line in before[:_MAX_BEFORE].splitlines():
        match = _SERIES.fullmatch(line) if line.startswith(f"{_LAST}{{") else None
        if match:
            labels = {name: _unescaped(value) for name, value in _LABEL.findall(match[2])}
            of_node = found.setdefault(labels.get("node", ""), {})
            of_node[labels.get("upstream", "")] = (labels.get("endpoint", ""), float(match[3]))
    return found


def _family(name: str, several: Iterable[Sample]) -> str:
    head = f"# HELP {PREFIX}{name} {METRICS[name]}\n# TYPE {PREFIX}{name} gauge\n"
    told = {f"{PREFIX}{name}{_labels(each.labels)}": each.value for each in several}  # each series once
    return head + "".join(f"{series} {_number(value)}\n" for series, value in told.items())


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def _number(value: float) -> str:
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def _seconds(value: Any) -> float | None:
    """Return a moment as seconds since the epoch; None where it is none."""
    if isinstance(value, (int, float)):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
