# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a TOML file a person would say belong together: comments, blank lines and tables."""

from __future__ import annotations

import re

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import Entry

# "# key = …" or "# [table]": a setting that is switched off, in contrast to prose.
_SETTING = re.compile(r"""#+[ \t]*(?:\[|[\w."'-]+[ \t]*=)""")


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
