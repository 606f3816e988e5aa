# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets by the keys that hold them, and write the one header that carries them.

A value is never searched for: a password may be as short and common as "io".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import (
    Layout,
    Path,
    TomlError,
    load,
    scan,
)

MASK = "********"

# A key that ends so holds a secret: identitytoken, registry_password and proxy-authorization too.
_SECRET_ENDINGS = ("password", "passwd", "token", "secret", "authorization")
_SECRET_TABLES = ("header", "headers")
# A secret if it is a string, the table around one otherwise.
_SECRET_UNLESS_TABLE = "auth"

_USERINFO = re.compile(r"""(?<=://)[^\s"'/@]*:[^\s"']*@""")

# For text that is no TOML, and for comments, which may hold settings that were switched off.
_WORD = rf"(?:{'|'.join(_SECRET_ENDINGS)}|\b{_SECRET_UNLESS_TABLE}|\b(?:{'|'.join(_SECRET_TABLES)}))"
_SPELLED = rf"""{_WORD}["']?"""
# An escape in front of the "=" may spell any key.
_LOOSE_SETTING = re.compile(
    rf"""{_SPELLED}(?:\s*(?:\.[^=:]*)?[=:]|\s+(?=["'\[{{]))|{_WORD}["'](?=[^\s=:.\]])|\\[ux][^=:]*[=:]""", re.IGNORECASE
)
_LOOSE_START = re.compile(rf"""\s*[\w."'-]*{_SPELLED}\s+(?=\S)""", re.IGNORECASE)
_LOOSE_TABLE = re.compile(rf"\s*\[.*(?:{_SPELLED}|\\[ux])[^=]*$", re.IGNORECASE)
# A header without its bracket, or a key torn from its "=".
_LOOSE_TORN = re.compile(rf"[^=]*(?:{_SPELLED}|\\[ux])[^=]*$|.*{_SPELLED}\s*$", re.IGNORECASE)
_LOOSE_CREDENTIAL = re.compile(r"\b(?:basic|bearer)\s+(?=[\w+/=.~-]{8})", re.IGNORECASE)
_LOOSE_STATEMENT = re.compile(r"""\s*(?:\[|[\w."'-]+\s*[=:])""")
_LOOSE_OPENING = re.compile(r"""\s*(?:$|\"{3}|'{3}|\[(?!.*\]\s*$)|\{(?!.*\}\s*$))""")
_QUOTE = re.compile("[\"']")
_COMMENT_MARK = re.compile(r"\s*#+\s*")


def mask_data(data: Any) -> Any:
    """Return a deep copy of plain data with MASK for every secret."""
    return _masked(data, hidden=False)


def mask_toml(text: str) -> str:
    """Return TOML text with C("********") for every secret; text that does not parse loses more than the secrets."""
    try:
        load(text)
        spans = _secret_spans(text, scan(text))
    except TomlError:
        return _USERINFO.sub(f"{MASK}@", "".join(_loosely_masked(re.split("(?<=\n)", text))))
    pieces = []
    done = 0
    for start, end, replacement in sorted(spans):
        pieces += [text[done:start], replacement]
        done = end
    return _USERINFO.sub(f"{MASK}@", "".join([*pieces, text[done:]]))


def basic_authorization(username: str, password: str) -> str:
    """Return the value of an Authorization header for HTTP basic authentication."""
    if ":" in username:
        raise ValueError("a username for basic authentication must not contain a colon")
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _hides(key: Any) -> bool:
    """Tell whether everything under a key is secret."""
    name = str(key).lower()
    return name.endswith(_SECRET_ENDINGS) or name in _SECRET_TABLES


def _is_tables(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _masked(value: Any, hidden: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            _without_userinfo(key): _masked(inner, hidden or _is_secret(key, inner)) for key, inner in value.items()
        }
    if hidden and value is not None and not _is_tables(value):
        return MASK
    if isinstance(value, (list, tuple)):
        return [_masked(item, hidden) for item in value]
    return _without_userinfo(value)


def _is_secret(key: Any, value: Any) -> bool:
    return _hides(key) or (str(key).lower() == _SECRET_UNLESS_TABLE and not _is_tables(value))


def _without_userinfo(value: Any) -> Any:
    return _USERINFO.sub(f"{MASK}@", value) if isinstance(value, str) else value


def _secret_spans(text: str, layout: Layout) -> list[tuple[int, int, str]]:
    """Return what to replace in a valid text: (start, end, replacement), none inside another."""
    spans: list[tuple[int, int, str]] = []
    for value in sorted(layout.values, key=lambda value: value.start):
        inside_last = bool(spans) and value.start < spans[-1][1]
        # The values in an inline table come on their own.
        if text[value.start] != "{" and not inside_last and _is_secret_path(value.path):
            spans.append((value.start, value.end, f'"{MASK}"'))
    return spans + _comment_spans(layout, spans)


def _is_secret_path(path: Path) -> bool:
    return any(map(_hides, path)) or path[-1].lower() == _SECRET_UNLESS_TABLE


def _comment_spans(layout: Layout, secrets: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return what to replace in the comments, except those inside the secrets given."""
    spans = []
    ends = {start: end for start, end, _replacement in secrets}
    hidden = False
    for is_block, group in groupby(layout.entries, key=lambda entry: entry.kind == "comment"):
        entries = list(group)
        if is_block:
            lines = [entry.text for entry in entries]
            start = entries[0].start
            spans.append((start, start + sum(map(len, lines)), "".join(_loosely_masked(lines, hidden))))
            continue
        for entry in entries:
            if entry.is_header:
                hidden = any(map(_hides, entry.path))
            # Right behind a secret, or with a quote in it, a comment may be the rest of a secret quoted wrongly.
            secret_end = ends.get(entry.value[0], 0)
            for start, end in entry.comments:
                if any(first <= start < last for first, last in ends.items()):
                    continue
                comment = entry.text[start - entry.start : end - entry.start]
                torn = bool(secret_end) and (start == secret_end or bool(_QUOTE.search(comment)))
                spans.append((start, end, "".join(_loosely_masked([comment], hidden or torn))))
    return spans


def _loosely_masked(lines: list[str], hidden: bool = False) -> list[str]:
    """Return lines of comment, or of text that is no TOML, without what may be secret.

    Once it is unclear where a secret ends, or if all is `hidden`, one mask stands for all that follows.
    """
    result = []
    follows_secret = False
    for line in lines:
        content = line.rstrip("\r\n")
        ending = line[len(content) :]
        mark = _COMMENT_MARK.match(content)
        prefix, body = (mark.group(), content[mark.end() :]) if mark else ("", content)
        if hidden:
            return [*result, prefix, MASK, ending]
        found = _LOOSE_SETTING.search(body)
        table = _LOOSE_TABLE.match(body)
        # In a comment, "the token comes from the vault" is prose.
        if not mark:
            found = found or _LOOSE_START.match(body)
            table = table or (not found and _LOOSE_TORN.match(body))
        credential = _LOOSE_CREDENTIAL.search(body)
        hidden = bool(table or (found and _LOOSE_OPENING.match(body, found.end())))
        if follows_secret and body.strip() and not _LOOSE_STATEMENT.match(body):
            body = MASK
        elif found:
            follows_secret = True
            body = f"{body[: found.end()].rstrip()} {MASK}"
        elif credential:
            body = body[: credential.end()] + MASK
        elif body.strip():
            follows_secret = False
        result += [prefix, body, ending]
    return result
