# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a TOML file a person would say belong together: comments, blank lines, tables and their style."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from os.path import commonprefix

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import Entry, Path

# "# key = …" or "# [table]": a setting that is switched off, in contrast to prose.
_SETTING = re.compile(r"""#+[ \t]*(?:\[|[\w."'-]+[ \t]*=)""")
_QUOTE = re.compile("[\"']")


def line_end(text: str) -> str:
    """Return the line end that most lines of a text have."""
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def attaches(comment: Entry, indent: str) -> bool:
    """Tell whether a comment right above a header belongs to it: one that is indented deeper does not."""
    return comment.kind == "comment" and len(comment.indent) <= len(indent)


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


def key_quote(entries: list[Entry], path: Path) -> str:
    """Return the quotes that the quoted keys nearest to a path have."""
    found = ((entry, part[0]) for entry in entries for part in entry.written if part[0] in "\"'")
    return _nearest(found, path)


def text_quote(text: str, entries: list[Entry], path: Path) -> str:
    """Return the quotes that the texts nearest to a path have."""
    found = ((entry, _QUOTE.search(text, *entry.value)) for entry in entries if entry.kind == "pair")
    return _nearest(((entry, match.group()) for entry, match in found if match), path)


def _nearest(found: Iterable[tuple[Entry, str]], path: Path) -> str:
    """Return the most common quote of the entries that share most of a path."""
    shared = -1
    quotes: Counter[str] = Counter('"')
    for entry, quote in found:
        depth = len(commonprefix([entry.path, path]))
        if depth > shared:
            shared, quotes = depth, Counter()
        quotes[quote] += depth == shared
    return quotes.most_common(1)[0][0]
