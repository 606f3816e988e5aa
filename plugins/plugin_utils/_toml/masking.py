# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TOML texts without the secrets in them."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._secrets import ANNOUNCED, MASK
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Layout, scan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.writing import quote


def mask_toml(text: str) -> str:
    """Return TOML text with C("********") for every secret.

    A text that does not parse is hidden whole, since it is unknown where its secrets end.
    """
    try:
        data = load(text)
        layout = scan(text)
    except TomlError:
        return f"# not TOML: {MASK}\n"
    pieces = []
    done = 0
    for start, end, replacement in sorted(_secret_spans(layout, text)):
        pieces += [text[done:start], replacement]
        done = end
    masked = _secrets.without_logins("".join([*pieces, text[done:]]))
    return (
        masked
        if _is_masked(masked, data)
        else f"# contains credentials that cannot be told apart from the rest: {MASK}\n"
    )


def _is_masked(text: str, data: dict[str, Any]) -> bool:
    """Return whether nothing but the secrets is left out of a text: credentials may have blanks and quotes in them."""
    try:
        return repr(load(text)) == repr(_secrets.mask_data(data))  # in which NaN is NaN
    except TomlError:
        return False


def holds_secret(text: str) -> bool:
    """Return whether a TOML text has a secret in it; raises TomlError."""
    data = load(text)
    return bool(_secrets.mask_data(data) != data)


def _secret_spans(layout: Layout, text: str) -> list[tuple[int, int, str]]:
    """Return what to replace in a valid text: (start, end, replacement), none inside another."""
    spans: list[tuple[int, int, str]] = []
    for value in sorted(layout.values, key=lambda value: value.start):
        inside_last = bool(spans) and value.start < spans[-1][1]
        # The values in an inline table come on their own.
        if text[value.start] == "{" or inside_last:
            continue
        if _secrets.is_secret_path(value.path):
            spans.append((value.start, value.end, f'"{MASK}"'))
        elif "@" in text[value.start : value.end] and text[value.start] in "\"'":
            written = load(f"value = {text[value.start : value.end]}")["value"]
            masked = _secrets.mask_data(written)
            if masked != written:
                spans.append((value.start, value.end, quote(masked)))
    return spans + _comment_spans(layout, text, spans)


def _comment_spans(layout: Layout, text: str, secrets: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return what to replace in the comments, except those inside the secrets given.

    A comment is hidden from the first word on that announces a secret, and with it the rest of its block; whole, in
    a table of headers, and beside a secret, where it may be the rest of one that was quoted wrongly.
    """
    spans = []
    in_headers = in_block = False
    for entry in layout.entries:
        if entry.is_header:
            in_headers = any(map(_secrets.hides, entry.path))
        end_of_entry = entry.start + len(entry.text)
        beside = any(entry.start <= start < end_of_entry for start, _end, _mask in secrets)
        is_block = entry.kind == "comment"
        in_block = in_block and is_block
        for start, end in [(entry.start, entry.start + len(entry.text.rstrip()))] if is_block else entry.comments:
            if any(first <= start < last for first, last, _mask in secrets):
                continue
            found = ANNOUNCED.search(text, start, end)
            if in_headers or in_block or beside:
                spans.append((start, end, f"# {MASK}"))
            elif found:
                spans.append((found.end(), end, f" {MASK}"))
                in_block = is_block
            else:
                spans += _login_span(text, start, end)
    return spans


def _login_span(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Return what to replace in a comment with what may be a URL and credentials with blanks or quotes in them."""
    slashes, at = text.find("//", start, end), text.rfind("@", start, end)
    return [(slashes + 2, at, MASK)] if slashes >= 0 and ":" in text[slashes + 2 : max(at, 0)] else []
