# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML file that needs nothing else: markup and style, and a script that no content depends on."""

from __future__ import annotations

import base64
import hashlib
import html
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names, view
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.details import Details, callout, panel, sign
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.markup import Markup, element, together
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.view import GOOD, Group

MAX_PROBLEMS = 50
_MAX_TEXT = 200
_IMAGES = 6
_NODES = 4
_FEW = 6
"""Columns that are wide even where there is room for more."""

_WIDTHS = {"names": 13.5, "few": 9.5, "many": 5.3}
"""In rem, of the names of nodes and of one of few or many upstreams, as in verify.css."""


FILES = os.path.join(os.path.dirname(__file__), "..", "..", "..", "playbooks", "files")


def page(found: Mapping[str, Any]) -> str:
    """Return the HTML report for a document (see document.document).

    All of the document becomes escaped text. The policy lets the browser run this script, and load nothing.
    """
    columns = view.columns(found)
    width = _WIDTHS["few" if len(columns) <= _FEW else "many"]
    dense = f"{_WIDTHS['names'] + width * len(columns):.0f}"
    style, script = _read("verify.css").replace("@@DENSE@@", dense), _read("verify.js")
    parts = {
        "POLICY": html.escape(f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"),
        "TITLE": html.escape(f"{'✓' if found['ok'] else '✕'} {view.HEADINGS[found['about']]}"),
        "STYLE": style,
        "BODY": together(_head(found), element("main", *_main(found, columns))),
        "SCRIPT": script,
    }
    before, *rest = _read("verify.html").split("@@")
    return before + "".join(parts[name] if index % 2 == 0 else name for index, name in enumerate(rest))


def _head(found: Mapping[str, Any]) -> Markup:
    short, long = view.headline(found)
    facts = (element("div", element("dt", name), element("dd", value)) for name, value in view.facts(found))
    bad = [node for node in found["nodes"] if not node["ok"]]
    return element(
        "header",
        element("h1", view.HEADINGS[found["about"]]),
        element("p", sign(GOOD if found["ok"] else "failed"), element("strong", short), id="headline"),
        element("p", long, id="summary"),
        element("dl", *facts, id="facts"),
        _bar(found),
        element("p", *_copying(bad, f"Copy {_these(view.size(bad))} as --limit"), class_="what") if bad else None,
    )


def _bar(found: Mapping[str, Any]) -> Markup:
    """Return how many nodes there are of each kind, in a picture."""
    rects, place = [], 0
    for kind, width in reversed(view.counts(found).items()):
        rects.append(element("rect", x=place, width=width, height=1, class_=kind))
        place += width
    shape = {"viewBox": f"0 0 {place} 1", "preserveAspectRatio": "none"}
    return element("svg", *rects, id="bar", aria_hidden="true", **shape)


def _chips(found: Mapping[str, Any]) -> Iterator[Markup]:
    """Yield what narrows the matrix to the nodes of one kind, without a script."""
    counts = view.counts(found)
    listed = [("all", f"All {names.count(sum(counts.values()), 'node')}")]
    listed += [(kind, f"{counts[kind]} {view.label(found['about'], kind)}") for kind in reversed(counts)]
    for kind, text in listed if len(counts) > 1 else ():
        yield element("input", type="radio", name="show", id=f"show-{kind}", checked=kind == "all", autocomplete="off")
        yield element("label", None if kind == "all" else sign(kind), text, for_=f"show-{kind}")


def _main(found: Mapping[str, Any], columns: list[str]) -> Iterator[Markup]:
    cards = list(_cards(found))
    if cards:
        title = element("h2", "Worth knowing" if found["ok"] else "What needs attention")
        yield element("section", title, element("ol", *cards, id="problems"), id="wrong")
    details = Details(found)
    table = element(
        "table",
        _columns(found, columns),
        *_groups(found, columns, details),
        id="matrix",
        class_="few" if len(columns) <= _FEW else None,
    )
    yield element(
        "section",
        element("h2", "Nodes and upstreams"),
        element("div", *_chips(found), id="kinds", role="radiogroup", aria_label="Show only nodes that are"),
        _legend(found),
        element("div", table, id="around"),
        id="all",
    )
    yield from _of_nodes(found)
    yield from details.elements()


def _cards(found: Mapping[str, Any]) -> Iterator[Markup]:
    """Yield a card for each problem, and one for what is not a problem of a node."""
    for text in found["harbor"] or ():
        yield _card("failed", element("p", text, class_="reason"))
    for number, problem in enumerate(found["problems"][:MAX_PROBLEMS]):
        nodes = [found["nodes"][index] for index in problem["nodes"]]
        images = [element("code", image) for image in problem["images"][:_IMAGES]]
        if len(problem["images"]) > _IMAGES:
            images.append(element("span", f"and {names.count(len(problem['images']) - _IMAGES, 'more image')}"))
        yield _card(
            problem["state"],
            element("p", problem["seen"], class_="reason"),
            element("p", problem["fix"], class_="fix") if problem["fix"] else None,
            element("p", *images, class_="what") if images else None,
            element("p", *_named(found, nodes), *_copying(nodes), class_="what"),
            name=f"p{number}",
        )
    more = len(found["problems"]) - MAX_PROBLEMS
    if more > 0:
        yield _card("failed", element("p", f"{names.count(more, 'more problem')}: see {found['about']}.json."))
    nodes, told = view.fallback(found)
    if nodes:
        title = f"{names.count(view.size(nodes), 'node')} may still pull from public registries"
        yield _card(
            "bypassed",
            element("p", title, class_="reason"),
            element("p", told),
            element("p", *_named(found, nodes), *_copying(nodes), class_="what"),
            name="fallback",
        )


def _card(kind: str, *children: Markup | None, name: str | None = None) -> Markup:
    return element("li", sign(kind), element("div", *children), id=name)


def _named(found: Mapping[str, Any], nodes: list[Mapping[str, Any]]) -> Iterator[Markup]:
    """Yield who it is, for a card: a few names."""
    if len(nodes) > 1:
        yield element("b", f"{names.count(view.size(nodes), 'node')}:")
    yield from (element("span", name, class_="name") for name in view.short_names(found, nodes[:_NODES]))
    if len(nodes) > _NODES:
        yield element("span", f"and {len(nodes) - _NODES} more")


def _these(number: int) -> str:
    return "this node" if number == 1 else f"these {number} nodes"


def _copying(nodes: list[Mapping[str, Any]], text: str = "Copy as --limit") -> Iterator[Markup]:
    """Yield what copies nodes as an option of ansible-playbook; without a script it is there to read."""
    limit = view.limit(nodes)
    yield element("button", text, type="button", class_="copy", hidden=True, title=limit[:_MAX_TEXT], data_copy=limit)
    yield element("noscript", element("code", limit))


def _columns(found: Mapping[str, Any], columns: list[str]) -> Markup:
    cells = [element("th", "Node", scope="col"), *([] if columns else [element("th", "Result", scope="col")])]
    single = view.single_place(found)
    for name in columns:
        place = "" if single else view.serving(found, name)
        title = f"{name}, from {place}" if place else name
        small = element("small", f"from {place}") if place else None
        shown = "* (all others)" if name == "*" else name
        text = Markup(html.escape(shown, quote=False).replace(".", ".<wbr>"))
        cells.append(element("th", element("span", text), small, scope="col", title=title))
    return element("thead", element("tr", *cells))


def _legend(found: Mapping[str, Any]) -> Markup:
    """Return what the cells mean."""
    kinds = {view.kind_of([each]) for each in found["outcomes"]}
    chips = {view.node_kind(found, each) for each in found["nodes"]}
    kinds -= chips if len(chips) > 1 else set()  # whose chips say what they are
    signs = [
        element("span", sign(kind), view.label(found["about"], kind), class_="key")
        for kind in view.SIGNS if kind in kinds
    ]  # fmt: skip
    timed = any(each["seconds"] is not None for node in found["nodes"] for each in node["results"])
    more = " Seconds are those of the slowest image." if timed else ""
    return element(
        "p",
        *signs,
        element("span", f"A cell is one upstream on one node. Click a cell for details.{more}"),
        id="legend",
    )


def _groups(found: Mapping[str, Any], columns: list[str], details: Details) -> Iterator[Markup]:
    """Yield the rows of the matrix, nodes with the same problems together."""
    names_of = view.short_names(found, found["nodes"])
    for group in view.groups(found, MAX_PROBLEMS):
        rows = [_row(found, columns, details, index, names_of[index]) for index in group.nodes]
        yield element("tbody", _group(found, group, max(len(columns), 1) + 1), *rows, class_=group.kind)


def _group(found: Mapping[str, Any], group: Group, width: int) -> Markup:
    """Return the row in front of nodes with the same problems."""
    number = view.size(found["nodes"][index] for index in group.nodes)
    text = f"{names.count(number, 'node')}: {view.label(found['about'], group.kind)}"
    links = [element("a", _cut(found["problems"][each]["seen"]), href=f"#p{each}") for each in group.problems[:2]]
    if len(group.problems) > len(links):
        links.append(element("span", f"and {names.count(len(group.problems) - len(links), 'more problem')}"))
    head = element("div", sign(group.kind), element("b", text), *links)
    return element("tr", element("th", head, colspan=width, scope="rowgroup"), class_="group")


def _row(found: Mapping[str, Any], columns: list[str], details: Details, index: int, short: str) -> Markup:
    node = found["nodes"][index]
    name = element(
        "th",
        element("span", short, title=node["name"]),
        element("small", node["version"]) if node["version"] else None,
        element("a", "public fallback", href="#fallback", class_="mark") if node["public_fallback"] else None,
        scope="row",
    )
    if node["error"]:
        kind = view.node_kind(found, node)
        text = element("small", _cut(node["error"]))
        link = element("a", element("b", view.SIGNS[kind]), text, class_=kind, href=f"#n{index}")
        return element("tr", name, element("td", link, colspan=max(len(columns), 1), class_="wide"))
    results: dict[str, list[Mapping[str, Any]]] = {}
    for each in node["results"]:
        results.setdefault(view.upstream_of(found["outcomes"][each["outcome"]]), []).append(each)
    cells = (_cell(found, node, upstream, results.get(upstream, []), details) for upstream in columns)
    return element("tr", name, *cells)


def _cell(
    found: Mapping[str, Any], node: Mapping[str, Any], upstream: str, results: list[Mapping[str, Any]], details: Details
) -> Markup:
    if not results:
        none = "No image from this upstream was tested on this node."
        return element("td", element("span", "·", class_="none", title=none))
    outcomes = [found["outcomes"][each["outcome"]] for each in results]
    kind = view.kind_of(outcomes)
    title = None
    if kind == GOOD:
        seconds = [each["seconds"] for each in results if each["seconds"] is not None]
        text = f"{max(seconds):.2f} s" if seconds else ""
    else:
        wrong = next(each["diagnosis"] or {} for each in outcomes if view.kind_of([each]) == kind)
        text = view.reason(wrong)
        title = f"{view.label(found['about'], kind)}: {_cut(wrong.get('seen') or '')}"
    own = tuple(
        _changed(each)
        for each in node.get("changes") or ()
        if each["upstream"] in (None, upstream) and each["changed_at"]
    )
    parts = [element("b", view.SIGNS[kind]), element("small", text) if text else None]
    link = details.link(node, upstream, results, own)
    return element("td", element("a", *parts, class_=kind, title=title, href=link))


def _changed(change: Mapping[str, Any]) -> str:
    when = str(change["changed_at"]).replace("T", " ").replace("+00:00", " UTC")
    return f"{change['path']} was last changed {when} and is owned by user ID {change['owner']}."


def _of_nodes(found: Mapping[str, Any]) -> Iterator[Markup]:
    """Yield the details of nodes without results."""
    fixes = {index: each["fix"] for each in found["problems"] if not each["images"] for index in each["nodes"]}
    for index, node in enumerate(found["nodes"]):
        if node["error"]:
            kind = view.node_kind(found, node)
            state = element("p", sign(kind), element("span", view.label(found["about"], kind)), class_="state")
            version = f"containerd {node['version']}" if node["version"] else ""
            content = element("article", state, callout(node["error"], fixes.get(index)))
            yield panel(f"n{index}", node["name"], version, content)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + " …"


def _read(name: str) -> str:
    with open(os.path.join(FILES, name), encoding="utf-8") as handle:
        return handle.read()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
