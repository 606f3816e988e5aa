# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a TOML file is written, so that what is added looks like what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile
from operator import eq

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, new_key
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Entry

_QUOTE = re.compile("[\"']")


class Style:
    """The style of a text with its entries, near any key path."""

    def __init__(self, text: str, entries: list[Entry]) -> None:
        self.text = text
        self.entries = entries
        self.headers = [entry for entry in entries if entry.is_header]
        self.tables = {entry.path: entry for entry in self.headers}
        self.spelling = {
            entry.path[:size]: entry.written[size - 1]
            for entry in self.headers
            for size in range(1, len(entry.path) + 1)
        }
        self.eol = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"

    def key_quote(self, path: Path) -> str:
        """Return the quotes that quoted keys near a path have."""
        found = ((entry, part[0]) for entry in self.entries for part in entry.written if part[0] in "\"'")
        return _nearest(found, path, '"')

    def text_quote(self, path: Path) -> str:
        """Return the quotes that texts near a path have."""
        pairs = (entry for entry in self.entries if entry.kind == "pair")
        found = ((entry, _QUOTE.search(self.text, *entry.value)) for entry in pairs)
        return _nearest(((entry, match.group()) for entry, match in found if match), path, '"')

    def header(self, path: Path) -> str:
        """Return a key path for a header, its parts as other headers spell them."""
        quote = self.key_quote(path)
        parts = (path[:size] for size in range(1, len(path) + 1))
        return ".".join(self.spelling.get(part) or new_key(part, quote) for part in parts)

    def header_indent(self, path: Path) -> str:
        """Return the indentation for a header: that of the tables beside it, or else one step deeper than above it."""
        level = [entry for entry in self.headers if entry.path[:-1] == path[:-1]]
        if level:
            return next((entry.indent for entry in level if entry.path == path), level[-1].indent)
        return self.header_indent(path[:-1]) + self._nesting(path[:-1]) if len(path) > 1 else ""

    def key_step(self, path: Path) -> str:
        """Return how much deeper than its header a key near a path stands."""
        pairs = (entry for entry in self.entries if entry.kind == "pair" and entry.section)
        tables = ((entry, self.tables.get(entry.path[: entry.section])) for entry in pairs)
        otherwise = "  " if any(self._step(entry) for entry in self.headers) else ""
        return _nearest(((entry, _deeper(entry, table, 1)) for entry, table in tables if table), path, otherwise)

    def is_spaced(self) -> bool:
        """Return whether the tables of the file stand apart by blank lines."""
        headers = [index for index, entry in enumerate(self.entries) if entry.is_header]
        above = [start - 1 for start in (attached(self.entries, index) for index in headers) if start]
        return 2 * sum(self.entries[index].kind == "blank" for index in above) >= len(above)

    def _nesting(self, path: Path) -> str:
        """Return how much deeper tables stand from one level to the next, near the given one."""
        steps = ((entry, self._step(entry)) for entry in self.headers)
        return _nearest(((entry, step) for entry, step in steps if step is not None), path, "")

    def _step(self, entry: Entry) -> str | None:
        """Return how much deeper each level stands between a header and the next one above it, None if none is."""
        for size in range(len(entry.path) - 1, 0, -1):
            if entry.path[:size] in self.tables:
                return _deeper(entry, self.tables[entry.path[:size]], len(entry.path) - size)
        return None


def _deeper(entry: Entry, outer: Entry, levels: int) -> str:
    if not entry.indent.startswith(outer.indent):
        return ""
    step = entry.indent[len(outer.indent) :]
    return step[: len(step) // levels]


def _nearest(found: Iterable[tuple[Entry, str]], path: Path, otherwise: str) -> str:
    """Return what the nearest sibling of a path has: the last of those that share most of it."""
    nearest = (-1, otherwise)
    for entry, each in found:
        depth = len(list(takewhile(bool, map(eq, entry.path, path))))
        if depth >= nearest[0]:
            nearest = depth, each
    return nearest[1]


# "# key = …" or "# [table]": a setting that is switched off, in contrast to prose.
_SETTING = re.compile(r"""#+[ \t]*(?:\[|[\w."'-]+[ \t]*=)""")

_KEY = re.compile(r"""#+[ \t]*[\w."'-]+[ \t]*=""")


def attaches(comment: Entry, indent: str) -> bool:
    """Return whether a comment right above a header belongs to it.

    One that is indented deeper does not, nor does a setting that is switched off: it is one of the table above.
    """
    return comment.kind == "comment" and len(comment.indent) <= len(indent) and not _is_key(comment)


def _is_key(comment: Entry) -> bool:
    return bool(_KEY.match(comment.text.strip()))


def attached(entries: list[Entry], header: int) -> int:
    """Return the index of the first of the comment lines right above a header, or that of the header."""
    start = header
    while start and attaches(entries[start - 1], entries[header].indent):
        start -= 1
    return start


def before_blanks(entries: list[Entry], index: int) -> int:
    """Return the index of the first of the blank lines right above a line, or that of the line."""
    while index and entries[index - 1].kind == "blank":
        index -= 1
    return index


def table_end(entries: list[Entry], following: int) -> int:
    """Return the index behind the lines of a table, given the index of the next header (or of the file's end)."""
    if following == len(entries):
        return before_blanks(entries, following)
    end = before_blanks(entries, attached(entries, following))
    # Prose between blank lines introduces what follows; a setting that is commented out ends what precedes.
    while True:
        banner = end
        while banner and entries[banner - 1].kind == "comment" and not _SETTING.match(entries[banner - 1].text.strip()):
            banner -= 1
        if banner == end or not banner or entries[banner - 1].kind != "blank":
            return end
        end = before_blanks(entries, banner)
