# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML file that needs nothing else, and that lets nothing in it act but its own script."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MAX_OUTCOMES = 250_000
"""Characters of outcomes in full: where hundreds of nodes all fail differently, the page has less of the rest."""

MAX_PROBLEMS = 50
_MAX_TEXT = 200
_DETAILS: dict[str, Any] = {"error": None, "endpoints": [], "log": []}

FILES = os.path.join(os.path.dirname(__file__), "..", "..", "..", "playbooks", "files")


def page(found: Mapping[str, Any]) -> str:
    """Return the page for a document (see document.document).

    The document travels as JSON in which no character can end its element, and the script puts it into text nodes
    only. The policy lets the browser run this script and no other, and load nothing.
    """
    style, script = _read("verify.css"), _read("verify.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    data = _dumped(_bounded(found))
    for char in "<>&\u2028\u2029":
        data = data.replace(char, f"\\u{ord(char):04x}")
    parts = {"POLICY": html.escape(policy), "STYLE": style, "SCRIPT": script, "DATA": data}
    before, *rest = _read("verify.html").split("@@")
    return before + "".join(parts[name] if index % 2 == 0 else name for index, name in enumerate(rest))


def _bounded(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without what would make the page of a large fleet large."""
    more = len(found["problems"]) - MAX_PROBLEMS
    return {
        **found,
        "problems": found["problems"][:MAX_PROBLEMS],
        "more_problems": max(more, 0),
        "outcomes": list(_outcomes(found["outcomes"], f"More about this is in {found['about']}.json.")),
    }


def _outcomes(outcomes: Iterable[dict[str, Any]], note: str) -> Iterator[dict[str, Any]]:
    left = MAX_OUTCOMES
    for each in outcomes:
        left -= len(_dumped(each))
        if left > 0:
            yield each
        else:
            wrong = each["diagnosis"] and {key: text[:_MAX_TEXT] for key, text in each["diagnosis"].items()}
            yield {**each, **_DETAILS, "notes": [note], "diagnosis": wrong}


def _dumped(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _read(name: str) -> str:
    with open(os.path.join(FILES, name), encoding="utf-8") as handle:
        return handle.read()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
