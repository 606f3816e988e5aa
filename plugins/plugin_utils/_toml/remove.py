# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take lines out of a TOML file and change values in it; every line that a change does not concern is kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.inline import opcodes, rewrite
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import (
    ABSENT,
    at,
    differences,
    is_array_of_tables,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Entry
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.style import Style, attached, attaches


def take_out(before: dict[str, Any], after: dict[str, Any], style: Style) -> tuple[str, list[str]]:
    """Return the text without what `after` lacks and with new values for old keys, and the lines left as they were."""
    entries = style.entries
    pairs = {entry.path: index for index, entry in enumerate(entries) if entry.kind == "pair"}
    arrays = {entry.path for entry in entries if entry.kind == "array"}
    gone: set[Path] = set()
    dropped: set[int] = set()
    changed: set[int] = set()
    for path, old, new in differences(before, after):
        # The value itself, or the inline table that the key is in.
        holder = next((path[:size] for size in range(1, len(path) + 1) if path[:size] in pairs), ())
        value = at(after, holder, ABSENT) if holder else ABSENT
        if value is not ABSENT and (isinstance(at(before, holder, ABSENT), dict) or not isinstance(value, dict)):
            changed.add(pairs[holder])
        elif path in arrays and is_array_of_tables(new):
            dropped.update(_items(entries, path, old, new))
        elif old is not ABSENT:
            gone.add(path)
    dropped.update(
        index
        for index, entry in enumerate(entries)
        if any(entry.path[:size] in gone for size in range(1, len(entry.path) + 1))
    )
    dropped = _with_belongings(entries, dropped)
    result, untouched = [], []
    for index, entry in enumerate(entries):
        if index in changed:
            result.append(_rewritten(style, entry, before, after))
        elif index not in dropped:
            result.append(entry.text)
            untouched.append(entry.text)
    return "".join(result), untouched


def _rewritten(style: Style, entry: Entry, before: dict[str, Any], after: dict[str, Any]) -> str:
    start, end = entry.value
    old, new = at(before, entry.path, ABSENT), at(after, entry.path, ABSENT)
    value = rewrite(style.text[start:end], old, new, entry.path, style.text_quote(entry.path))
    return style.text[entry.start : start] + value + style.text[end : entry.start + len(entry.text)]


def _items(entries: list[Entry], path: Path, old: list[Any], new: list[Any]) -> Iterator[int]:
    """Yield the indexes of the lines of those tables in an array of tables that `new` lacks."""
    surplus = {
        number
        for what, start, end, _first, _last in opcodes(old, new)
        if what in ("delete", "replace")
        for number in range(start, end)
    }
    number = -1
    for index, entry in enumerate(entries):
        if entry.path[: len(path)] == path:
            number += entry.kind == "array" and entry.path == path
            if number in surplus:
                yield index


def _with_belongings(entries: list[Entry], dropped: set[int]) -> set[int]:
    """Return the indexes of the given lines and of comments and blank lines that go with them."""
    headers = [index for index, entry in enumerate(entries) if entry.is_header]
    result = set(dropped)
    for header, following in zip(headers, [*headers, len(entries)][1:], strict=True):
        end = attached(entries, following) if following < len(entries) else following
        inside = [index for index in range(header + 1, end) if entries[index].kind == "pair"]
        if header not in dropped:
            continue
        last = max([header, *inside]) + 1
        while last < end and entries[last].kind == "comment":
            last += 1
        result.update(range(attached(entries, header), last))
    return result | _needless_blanks(entries, result)


def _needless_blanks(entries: list[Entry], dropped: set[int]) -> set[int]:
    """Return the blank lines around dropped ones, unless they are all that parts what stays."""
    blanks: set[int] = set()
    groups = groupby(range(len(entries)), key=lambda index: index in dropped or entries[index].kind == "blank")
    for goes, group in groups:
        run = list(group)
        gone = [index for index in run if index in dropped]
        if not goes or not gone:
            continue
        start, end = gone[0], gone[-1] + 1
        blanks.update(range(start, end))
        follows_blank = end == len(entries) or end <= run[-1]
        if start == 0:
            blanks.update(range(end, end + (end <= run[-1])))
        elif follows_blank or (run[0] and _stays_apart(entries, run[0] - 1, end)):
            blanks.update(range(run[0], start))
    return blanks


def _stays_apart(entries: list[Entry], above: int, below: int) -> bool:
    """Return whether a comment does not seem to be about the header below it, even without a blank line between."""
    while below < len(entries) and entries[below].kind == "comment":
        below += 1
    return (
        entries[above].kind == "comment"
        and below < len(entries)
        and entries[below].is_header
        and not attaches(entries[above], entries[below].indent)
    )
