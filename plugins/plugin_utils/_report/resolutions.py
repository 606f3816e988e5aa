# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images come from on many nodes: one table for each distinct answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import distributions
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document, names


def lines(results: Mapping[str, Any]) -> list[str]:
    """Return the lines of one table for each distinct answer, for `{node: what info or the filter returned}`.

    Nodes that gave no answer come last, each with its message. Docker beside a node's containerd is shown as a node.
    """
    results = document.with_docker(results)
    groups: dict[str, dict[str, Any]] = {}
    silent: dict[str, list[str]] = {}
    for name, result in results.items():
        found = _answers(result)
        if found is None:
            silent.setdefault(str(result.get("msg") or "unreachable"), []).append(name)
        for answer in found or []:
            key = json.dumps({field: value for field, value in answer.items() if field != "version"}, sort_keys=True)
            group = groups.setdefault(key, {"answer": answer, "nodes": {}})
            group["nodes"].setdefault(_containerd(result, answer["version"]), []).append(name)
    images = list(dict.fromkeys(group["answer"]["image"] for group in groups.values()))
    ordered = sorted(groups.values(), key=lambda group: images.index(group["answer"]["image"]))
    shown = [line for group in ordered for line in _table(group["answer"], group["nodes"], len(results))]
    without = [f"{names.several(who, len(results))}: no answer: {message}" for message, who in silent.items()]
    return [*shown, *without] if without else shown[:-1]


def _answers(result: Any) -> list[Mapping[str, Any]] | None:
    """Return the answers in a result of containerd_info, or what the filter returns: one answer or a list of them."""
    if not isinstance(result, Mapping):
        return list(result)
    return [result] if "requests" in result else result.get("resolved")


def _containerd(result: Any, version: str) -> str:
    """Return what people call the containerd that answered: its release, and whose it is where not the node's own."""
    told = result.get("containerd") if isinstance(result, Mapping) else None
    own = distributions.named(told.get("distribution")) if isinstance(told, Mapping) else None
    return version if version.startswith("Docker ") else f"containerd {version}{f' of {own.title}' if own else ''}"


def _table(answer: Mapping[str, Any], nodes: Mapping[str, list[str]], total: int) -> Iterator[str]:
    same = answer["reference"] in (None, answer["image"])
    yield answer["image"] if same else f"{answer['image']} is {answer['reference']}"
    yield "  on " + "; ".join(f"{names.several(who, total)} ({containerd})" for containerd, who in nodes.items())
    if answer["why"]:
        yield f"  configured by: {answer['why']}"
    for candidate in answer["candidates"]:
        yield f"    {candidate['state']:9} {candidate['path']}"
    if answer["error"]:
        yield f"  ERROR: {answer['error']}"
    else:
        yield from _rows(answer)
        yield f"  fallback: {answer['last']}"
    for endpoint in answer["endpoints"]:
        if endpoint["skipped"]:
            yield f"  never tried: {endpoint['url']}: {endpoint['skipped']}"
        elif not endpoint["resolve"]:
            what = "pull" if answer["digest"] or not endpoint["pull"] else "resolve"
            yield f"  not used to resolve: {endpoint['url']} lacks the capability {what}"
    for line in answer["log"]:
        yield f"  containerd logs: {line}"
    for note in answer["notes"]:
        yield f"  note: {note}"
    yield ""


def _rows(answer: Mapping[str, Any]) -> Iterator[str]:
    rows = [("", "step", "request", "TLS", "credentials")]
    for request in answer["requests"]:
        if "/blobs/" in request["url"]:
            continue
        line = f"{request['method']} {request['url']}"
        rows.append((str(len(rows)), request["step"], line, request["tls"], request["credentials"]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
