# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what containerd's TOML libraries take beyond TOML 1.0, so that a file in use is not called a discarded one.

`old` is go-toml v1 (containerd 1.5 to 1.7), else v2. Both were tried with real releases. What we write is TOML 1.0.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import lexing
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.lexing import COMMENT, STRING
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import scan

_TOKEN = re.compile(
    rf"(?P<string>{STRING})|(?P<comment>{COMMENT})|(?P<comma>,(?=\s*\}}))|(?P<cr>\r(?!\n))"
    r"|(?<![\w.:+-])(?P<sign>[+-]?)0+(?P<digits>\d[\d_]*)(?![\w:+-])|[\[\]{}\n]",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[^x])", re.DOTALL)
_OLD_ESCAPE = re.compile(r"\\(/|[ \t]+(?![ \t\r\n])|.)", re.DOTALL)
_SAME_LINE = re.compile(r"[ \t]*[^ \t\r\n#]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def read(text: str, old: bool) -> tuple[str, dict[str, Any]]:
    """Return a text as TOML 1.0 (as near as can be) and what it means; raises TomlError where containerd refuses it."""
    if not (old and "\\" in text and lexing.line_of_escaped_key(text)):
        with contextlib.suppress(TomlError):
            return text, load(text)
    plain = _Rewriting(old).run(text)
    try:
        return plain, load(plain)
    except TomlError as exc:
        try:
            if old:
                return plain, _assembled(plain)
        except TomlError:
            pass  # what TOML 1.0 says of it is plainer
        raise exc from None


class _Rewriting:
    def __init__(self, old: bool) -> None:
        self.old = old
        self.open: list[str] = []
        self.in_header = False

    def run(self, text: str) -> str:
        return _TOKEN.sub(self._token, text)

    def _token(self, match: re.Match[str]) -> str:
        token = match.group()
        if match["string"]:
            if token[0] == "'" or self._is_raw_key(match):
                return f"'{token[1:-1]}'" if token[0] == '"' else token
            return _OLD_ESCAPE.sub(_old_escape, token) if self.old else _ESCAPE.sub(_escape, token)
        if match["comment"]:
            if self.open[-1:] == ["{"]:
                return token if self._splits_a_pair(match) else ""
            return _CONTROL.sub("", token) if self.old else token
        if match["comma"]:
            return token if self.old or self.open[-1:] != ["{"] else ""
        if match["cr"]:
            return "\n" if self.old else token
        if match["digits"]:
            return match["sign"] + match["digits"] if self.old else token
        if token == "\n":
            return " " if self.open[-1:] == ["{"] and not self._splits_a_pair(match) else token
        if token in "[{":
            self.in_header = self.in_header or not (self.open or _neighbours(match)[0] == "=")
            self.open.append(token)
            return token
        del self.open[-1:]
        ends_header = self.in_header and not self.open
        self.in_header = self.in_header and not ends_header
        goes_on = _SAME_LINE.match(match.string, match.end())
        return f"{token}\n" if ends_header and goes_on and self.old else token

    def _is_raw_key(self, match: re.Match[str]) -> bool:
        """Whether this is a key, in which go-toml v1 resolves no escapes."""
        after = _neighbours(match)[1]
        is_escaped = "\\" in match.group() and "'" not in match.group()
        return self.old and is_escaped and (after in (".", "=") or (self.in_header and after == "]"))

    def _splits_a_pair(self, match: re.Match[str]) -> bool:
        """Whether a line ends beside a `=`, or before a comma, which only go-toml v2 takes."""
        before, after = _neighbours(match)
        return before == "=" or after in (("=", ",") if self.old else ("=",))


def _neighbours(match: re.Match[str]) -> tuple[str, str]:
    """Return the characters around a token, without blanks and line ends; empty at an end of the text."""
    text, before, after = match.string, match.start(), match.end()
    while text[before - 1 : before].isspace():
        before -= 1
    while text[after : after + 1].isspace():
        after += 1
    return text[before - 1 : before] if before else "", text[after : after + 1]


def _old_escape(match: re.Match[str]) -> str:
    return "/" if match[1] == "/" else "" if match[1].isspace() and match[1] != "\n" else match.group()


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    return "\\u001B" if code == "e" else f"\\u00{code[1:]}" if code[0] == "x" else match.group()


def _assembled(text: str) -> dict[str, Any]:
    """Return what a text means that has one table both as a header and as dotted keys, which go-toml v1 takes."""
    result: dict[str, Any] = {}
    headers: set[Path] = set()
    for entry in scan(text).entries:
        if entry.kind == "array" or (entry.kind == "table" and entry.path in headers):
            raise TomlError("not valid TOML: this table is declared a second time")
        if entry.kind == "table":
            headers.add(entry.path)
            _table(result, entry.path)
        elif entry.kind == "pair":
            table = _table(result, entry.path[:-1])
            if entry.path[-1] in table:
                raise TomlError("not valid TOML: this key is set a second time")
            value = load(f"x = {text[slice(*entry.value)]}")["x"]
            table[entry.path[-1]] = _Inline(value) if isinstance(value, dict) else value
    return result


class _Inline(dict[str, Any]):
    """An inline table, which nothing can extend."""


def _table(data: dict[str, Any], path: Path) -> dict[str, Any]:
    for key in path:
        data = data.setdefault(key, {})
        if not isinstance(data, dict) or isinstance(data, _Inline):
            raise TomlError("not valid TOML: an inline table or a plain value cannot be extended")
    return data
