# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read TOML as the lines that it is written in."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load

_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_INDENT = re.compile(r"[ \t]*")
_OPEN = re.compile(r"\[\[?[ \t]*")
_CLOSE = re.compile(r"[ \t]*\]\]?")
_LINE_END = re.compile(r"[ \t]*(#[^\n]*)?\r?(?:\n|\Z)")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_COMMENT = re.compile(r"#[^\n]*")
# A closing triple quote may be preceded by up to two quotes that belong to the string.
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL
)
# The blank inside a scalar is the one between a date and a time.
_SCALAR = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")


class Entry(NamedTuple):
    """One statement with its whole lines; the entries of a text, joined, are the text."""

    kind: str  # "blank", "comment", "table", "array" (a [[header]]) or "pair"
    text: str  # whole lines with their line endings
    start: int  # where the lines start in the text
    indent: str
    path: Path = ()  # absolute: of the table, or of the table and the key
    section: int = 0  # pairs: how many keys of the path come from the header above
    written: tuple[str, ...] = ()  # the keys of the line as they are spelled, quotes included
    value: tuple[int, int] = (0, 0)  # pairs: span of the value in the text
    comments: tuple[tuple[int, int], ...] = ()  # their spans in the text

    @property
    def is_header(self) -> bool:
        return self.kind in ("table", "array")


class Value(NamedTuple):
    """A value that has a key, at the top or inside an inline table."""

    path: Path
    start: int
    end: int


class Layout(NamedTuple):
    """How a text is written, in the order of the text (an inline table comes after the values in it)."""

    entries: list[Entry]
    values: list[Value]


def scan(text: str) -> Layout:
    """Return the layout of a text that C(load) accepts; raise TomlError where it cannot be followed."""
    try:
        return _Scanner(text).run()
    except RecursionError:
        raise TomlError("the layout cannot be followed: values are nested too deeply") from None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.layout = Layout([], [])
        self.comments: list[tuple[int, int]] = []  # of the statement being read

    def run(self) -> Layout:
        pos = 0
        section: Path = ()
        while pos < len(self.text):
            self.comments = []
            entry = self._entry(pos, section)
            self.layout.entries.append(entry._replace(comments=tuple(self.comments)))
            if entry.is_header:
                section = entry.path
            pos += len(entry.text)
        return self.layout

    def _entry(self, start: int, section: Path) -> Entry:
        pos = self._match(_INDENT, start).end()
        indent = self.text[start:pos]
        char = self.text[pos : pos + 1]
        if char == "[":
            opening = self._match(_OPEN, pos)
            path, written, pos = self._keys(opening.end())
            end = self._line_end(self._match(_CLOSE, pos).end())
            kind = "array" if opening.group().startswith("[[") else "table"
            return Entry(kind, self.text[start:end], start, indent, path, len(path), written)
        if char in ("", "#", "\r", "\n"):
            return Entry("comment" if char == "#" else "blank", self.text[start : self._line_end(pos)], start, indent)
        value, written = self._pair(pos, section)
        end = self._line_end(value.end)
        span = (value.start, value.end)
        return Entry("pair", self.text[start:end], start, indent, value.path, len(section), written, span)

    def _pair(self, pos: int, section: Path) -> tuple[Value, tuple[str, ...]]:
        path, written, pos = self._keys(pos)
        start = self._match(_EQUALS, pos).end()
        value = Value(section + path, start, self._value(start, section + path))
        self.layout.values.append(value)
        return value, written

    def _value(self, pos: int, path: Path) -> int:
        """Return the end of the value that starts at pos."""
        char = self.text[pos : pos + 1]
        if char not in ("[", "{"):
            return self._match(_STRING if char in ("'", '"') else _SCALAR, pos).end()
        is_array = char == "["
        pos = self._gap(pos + 1)
        while self.text[pos : pos + 1] != ("]" if is_array else "}"):
            pos = self._gap(self._value(pos, path) if is_array else self._pair(pos, path)[0].end)
            if self.text[pos : pos + 1] == ",":
                pos = self._gap(pos + 1)
        return pos + 1

    def _keys(self, pos: int) -> tuple[Path, tuple[str, ...], int]:
        written = []
        while True:
            match = self._match(_KEY, pos)
            written.append(match.group())
            dot = _DOT.match(self.text, match.end())
            if not dot:
                return tuple(map(_decode, written)), tuple(written), match.end()
            pos = dot.end()

    def _gap(self, pos: int) -> int:
        """Skip blanks, line ends and comments, as arrays may have them anywhere."""
        end = self._match(_GAP, pos).end()
        self.comments.extend(match.span() for match in _COMMENT.finditer(self.text, pos, end))
        return end

    def _line_end(self, pos: int) -> int:
        match = self._match(_LINE_END, pos)
        if match.group(1):
            self.comments.append(match.span(1))
        return match.end()

    def _match(self, pattern: re.Pattern[str], pos: int) -> re.Match[str]:
        match = pattern.match(self.text, pos)
        if not match:
            raise TomlError(f"the layout cannot be followed at line {self.text.count(chr(10), 0, pos) + 1}")
        return match


def _decode(key: str) -> str:
    if key[0] == '"' and "\\" in key:
        return str(next(iter(load(f"{key} = 0"))))
    return key[1:-1] if key[0] in "\"'" else key
