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
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import (
    Layout,
    Path,
    TomlError,
    load,
    scan,
)

MASK = "********"
PRIVATE = 0o600

# A key that ends so holds a secret: identitytoken, registry_password and proxy-authorization too.
_SECRET_ENDINGS = ("password", "passwd", "token", "secret", "authorization")
_SECRET_TABLES = ("header", "headers")
# A secret if it is a string, the table around one otherwise.
_SECRET_UNLESS_TABLE = "auth"

# Bounded, or a long line of nothing but these would take hours.
_USERINFO = re.compile(r"""(?<=://)[^\s"'/@:]{0,255}:[^\s"']{0,512}@""")

# The same where the URL is not one yet: all before the last @, but for the scheme.
_MAYBE_USERINFO = re.compile(r"""^(['"](?:[a-z]+:/*)?).*@""", re.I | re.S)

# What announces a secret in a comment, which may hold settings that were switched off.
_WORD = re.compile(rf"{'|'.join((*_SECRET_ENDINGS, *_SECRET_TABLES, _SECRET_UNLESS_TABLE, 'basic', 'bearer'))}", re.I)


def mask_data(data: Any) -> Any:
    """Return a deep copy of plain data with MASK for every secret."""
    return _masked(data, hidden=False)


def mask_toml(text: str) -> str:
    """Return TOML text with C("********") for every secret.

    A text that does not parse is hidden whole, since nobody can tell where its secrets end.
    """
    try:
        load(text)
        layout = scan(text)
    except TomlError:
        return f"# not TOML: {MASK}\n"
    pieces = []
    done = 0
    for start, end, replacement in sorted(_secret_spans(layout, text)):
        pieces += [text[done:start], replacement]
        done = end
    return _USERINFO.sub(f"{MASK}@", "".join([*pieces, text[done:]]))


def holds_secret(text: str) -> bool:
    """Tell whether a TOML text has a secret in it; raises TomlError."""
    data = load(text)
    return mask_data(data) != data


def is_exposed(about: Mapping[str, Any]) -> bool:
    """Tell whether others than root can read a file; C(about) has its C(mode) and C(uid) if it is there."""
    return bool(about.get("mode", 0) & 0o077 or about.get("uid", 0))


def quoted(value: Any) -> str:
    """Return what a message may quote of a value: no user and password of a URL or of what was meant to be one."""
    shown = repr(mask_data(value))
    return _MAYBE_USERINFO.sub(rf"\1{MASK}@", shown) if isinstance(value, str) else shown


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


def _secret_spans(layout: Layout, text: str) -> list[tuple[int, int, str]]:
    """Return what to replace in a valid text: (start, end, replacement), none inside another."""
    spans: list[tuple[int, int, str]] = []
    for value in sorted(layout.values, key=lambda value: value.start):
        inside_last = bool(spans) and value.start < spans[-1][1]
        # The values in an inline table come on their own.
        if text[value.start] != "{" and not inside_last and _is_secret_path(value.path):
            spans.append((value.start, value.end, f'"{MASK}"'))
    return spans + _comment_spans(layout, text, spans)


def _is_secret_path(path: Path) -> bool:
    return any(map(_hides, path)) or path[-1].lower() == _SECRET_UNLESS_TABLE


def _comment_spans(layout: Layout, text: str, secrets: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return what to replace in the comments, except those inside the secrets given.

    A comment is hidden from the first word on that announces a secret, and with it the rest of its block; whole, in
    a table of headers, and beside a secret, where it may be the rest of one that was quoted wrongly.
    """
    spans = []
    in_headers = in_block = False
    for entry in layout.entries:
        if entry.is_header:
            in_headers = any(map(_hides, entry.path))
        end_of_entry = entry.start + len(entry.text)
        beside = any(entry.start <= start < end_of_entry for start, _end, _mask in secrets)
        is_block = entry.kind == "comment"
        in_block = in_block and is_block
        for start, end in [(entry.start, entry.start + len(entry.text.rstrip()))] if is_block else entry.comments:
            if any(first <= start < last for first, last, _mask in secrets):
                continue
            found = _WORD.search(text, start, end)
            if in_headers or in_block or beside:
                spans.append((start, end, f"# {MASK}"))
            elif found:
                spans.append((found.end(), end, f" {MASK}"))
                in_block = is_block
    return spans
