# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The details behind the cells of the HTML report: cells with the same content share them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names, view
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.markup import Markup, element

MAX_DETAILS = 250_000
"""Characters of outcomes with details: where hundreds of nodes all fail differently, the report has not all of them."""

CLOSED = "#-"
"""Where links lead that close the details: no element has this name, so that the browser does not scroll."""

_MORE = "more"
_KNOWN_BY = {
    "only_endpoint": "the settings leave containerd no other endpoint to try",
    "manifest": "the node requested the manifest itself, in containerd's order",
}
_ORIGINS = {"upstream": "the upstream itself"}
_COLUMNS = ("Source", "Endpoint", "Used for", "Credentials", "TLS", "Answer")

Results = tuple[tuple[int, ...], tuple[str, ...]]  # indices of outcomes, and what is this node's own


class _Shared(NamedTuple):
    """Details, and which nodes share them."""

    number: int
    nodes: list[Mapping[str, Any]]
    seconds: dict[int, list[float]]  # by outcome


class Details:
    """Collects what cells show when they are clicked."""

    def __init__(self, found: Mapping[str, Any]):
        self._found = found
        self._known: dict[tuple[str, Results], _Shared] = {}
        self._left = MAX_DETAILS

    def link(
        self, node: Mapping[str, Any], upstream: str, results: list[Mapping[str, Any]], own: tuple[str, ...] = ()
    ) -> str:
        """Return the address of the details of a cell."""
        key = upstream, (tuple(each["outcome"] for each in results), own)
        if key not in self._known:
            self._left -= sum(len(repr(self._found["outcomes"][each["outcome"]])) for each in results)
            if self._left < 0:
                return f"#{_MORE}"
            self._known[key] = _Shared(len(self._known), [], {})
        shared = self._known[key]
        shared.nodes.append(node)
        for each in results:
            if each["seconds"] is not None:
                shared.seconds.setdefault(each["outcome"], []).append(each["seconds"])
        return f"#d{shared.number}"

    def elements(self) -> Iterator[Markup]:
        """Yield the details of all cells that were linked."""
        about = self._found["about"]
        for (upstream, (outcomes, own)), shared in self._known.items():
            articles = [
                element("article", *_outcome(about, self._found["outcomes"][index], shared.seconds.get(index, [])))
                for index in outcomes
            ]
            articles += [element("article", element("p", text)) for text in own]
            yield panel(f"d{shared.number}", *self._titles(upstream, shared.nodes), *articles)
        if self._left < 0:
            yield panel(_MORE, "Details", "", element("article", f"The details of this cell are in {about}.json."))

    def _titles(self, upstream: str, nodes: list[Mapping[str, Any]]) -> tuple[str, str]:
        """Return the title of details, and what is below it."""
        listed = view.short_names(self._found, nodes)
        versions = {node["version"] or "" for node in nodes}
        version = f"containerd {versions.pop()}" if len(versions) == 1 and versions != {""} else ""
        if len(listed) == 1:
            return f"{listed[0]}: {upstream}", version
        return upstream, ", ".join(filter(None, (f"on {names.several(listed, 0)}", version)))


def panel(name: str, title: str, subtitle: str, *content: Markup) -> Markup:
    """Return details that are shown over the report while the address names them."""
    close = element("a", "✕", class_="close", href=CLOSED, aria_label="Close")
    top = element("div", element("h2", title), element("p", subtitle, class_="soft") if subtitle else None)
    return element(
        "section",
        element("a", class_="beside", href=CLOSED, tabindex=-1, aria_hidden="true"),
        element("div", element("header", top, close), *content, class_="panel"),
        id=name,
        class_="details",
    )


def callout(seen: str, fix: str | None) -> Markup:
    """Return a problem and what to do about it."""
    parts = [("Problem", seen), ("Fix", fix or "")]
    return element("div", *(element("p", element("b", word), text) for word, text in parts if text), class_="callout")


def sign(kind: str) -> Markup:
    """Return the sign of a kind."""
    return element("span", view.SIGNS[kind], class_=f"sign {kind}", aria_hidden="true")


def _outcome(about: str, outcome: Mapping[str, Any], seconds: list[float]) -> Iterator[Markup]:
    yield element("h3", outcome["image"] or outcome["upstream"] or "")
    served = outcome["served_by"] or {}
    text = view.state(about, outcome["state"])
    if served.get("endpoint"):
        text += f" from {served['endpoint']}"
    text += _span(seconds, outcome["state"] == "failed")
    yield element("p", sign(view.kind_of([outcome])), element("span", text), class_="state")
    known = _KNOWN_BY.get(str(served.get("known_by")))
    if known and served.get("endpoint"):
        yield element("p", f"This is known because {known}.", class_="soft")
    wrong = outcome["diagnosis"]
    if wrong:
        yield callout(wrong["seen"], wrong["fix"])
    yield from _more(outcome)


def _more(outcome: Mapping[str, Any]) -> Iterator[Markup]:
    bad = next((each for each in outcome["endpoints"] if _has_failed(each.get("answer"))), None)
    if outcome["diagnosis"] and bad:
        yield from _labelled("Request that failed", _words(f"{bad.get('request')}\n{_answer(bad)}"))
    if outcome["error"]:
        error = outcome["error"]
        yield from _labelled("containerd error", _words(f"{error['code']}: {error['message']}"))
    if outcome.get("put"):
        yield from _labelled("Expected at", element("code", outcome["put"]["name"]))
    if outcome.get("used_by"):
        label = "Needed by" if outcome.get("certain") else "Named in"
        yield from _labelled(label, *(element("p", place) for place in outcome["used_by"]))
    if outcome["endpoints"]:
        yield from _labelled("Endpoints tried, in order", _endpoints(outcome["endpoints"]))
    why = [_why(outcome)] if outcome["why"] else []
    why += [f"containerd logs: {text}" for text in outcome["log"]]
    why += outcome["notes"]
    if why:
        yield from _labelled("Configuration", *(element("p", text) for text in why))


def _why(outcome: Mapping[str, Any]) -> str:
    where = {"legacy": " in config.toml (legacy mirrors)", "config_path": " (config_path)"}.get(
        outcome["mode"] or "", ""
    )
    return f"Configured by: {outcome['why']}{where}."


def _labelled(label: str, *children: Markup) -> Iterator[Markup]:
    yield element("p", label, class_="label")
    yield from children


def _words(text: str) -> Markup:
    return element("code", text, class_="words")


def _span(seconds: list[float], failed: bool) -> str:
    if not seconds:
        return ""
    low, high = f"{min(seconds):.2f}", f"{max(seconds):.2f}"
    span = low if low == high else f"{low} to {high}"
    return f", given up after {span} s" if failed else f" in {span} s"


def _endpoints(listed: list[Mapping[str, Any]]) -> Markup:
    rows = []
    for number, each in enumerate(listed, 1):
        origin = _text(each.get("origin"))
        answer = f"skipped: {_text(each['skipped'])}" if each.get("skipped") else _answer(each)
        texts = (
            f"{number}. {_ORIGINS.get(origin, origin)}", _text(each.get("url")), _text(each.get("capabilities")),
            _text(each.get("credentials")), _text(each.get("tls")), answer,
        )  # fmt: skip
        cells = (element("td", text, data_label=name) for name, text in zip(_COLUMNS, texts, strict=True))
        rows.append(element("tr", *cells))
    heads = (element("th", name, scope="col") for name in _COLUMNS)
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
    return element("div", table, class_="scroll")


def _has_failed(answer: Any) -> bool:
    return isinstance(answer, Mapping) and (bool(answer.get("failure")) or answer.get("status") != 200)


def _answer(endpoint: Mapping[str, Any]) -> str:
    answer = endpoint.get("answer")
    if not isinstance(answer, Mapping):
        return "not tried"
    status = f"status {answer['status']}" if answer.get("status") else ""
    return ", ".join(filter(None, (status, _text(answer.get("failure")), _text(answer.get("message")))))


def _text(value: Any) -> str:
    return ", ".join(map(_text, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)
