# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the text of a TOML file line by line; every line that a change does not concern is kept as it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, takewhile
from operator import itemgetter
from os.path import commonprefix
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import Entry, Path, TomlError, scan
from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_values import (
    ABSENT,
    differences,
    key,
    plain,
    render,
    same,
    show,
)

# "# key = …" or "# [table]": a setting that is switched off, in contrast to prose.
_SETTING = re.compile(r"""#+[ \t]*(?:\[|[\w."'-]+[ \t]*=)""")


def take_out(text: str, before: dict, after: dict) -> tuple[str, list[str]]:
    """Return the text without what `after` lacks and with its new values for old keys, and the lines left alone."""
    entries = scan(text).entries
    pairs = {entry.path: index for index, entry in enumerate(entries) if entry.kind == "pair"}
    inline = {path for path, index in pairs.items() if text[entries[index].value[0]] == "{"}
    gone: set[Path] = set()
    replaced: dict[int, str] = {}
    for path, old, new in differences(before, after):
        holder = next((path[:size] for size in range(1, len(path)) if path[:size] in inline), None)
        if holder:
            index = pairs[holder]
            replaced[index] = _with_inline(text, entries[index], _at(after, holder))
        elif old is ABSENT:
            continue
        elif path in pairs and new is not ABSENT and not isinstance(new, dict):
            index = pairs[path]
            replaced[index] = _with_value(text, entries[index], old, new)
        else:
            gone.add(path)
    dropped = _dropped(entries, gone)
    kept = [(index, entry.text) for index, entry in enumerate(entries) if index not in dropped]
    result = "".join(replaced.get(index, line) for index, line in kept)
    return result, [line for index, line in kept if index not in replaced]


def put_in(text: str, before: dict, after: dict) -> str:
    """Return the text with the keys and tables added that only `after` has."""
    added = [(path, new) for path, _old, new in differences(before, after)]
    return _Additions(text).write(added) if added else text


def _dropped(entries: list[Entry], gone: set[Path]) -> set[int]:
    """Return the indexes of the lines that go with the given keys and tables."""
    headers = [index for index, entry in enumerate(entries) if entry.is_header]
    dropped = {
        index
        for index, entry in enumerate(entries)
        if any(entry.path[:size] in gone for size in range(1, len(entry.path) + 1))
    }
    for header, end in zip(headers, [*headers, len(entries)][1:], strict=True):
        if header not in dropped:
            continue
        last = max(index for index in range(header, end) if index in dropped)
        dropped.update(range(_attached(entries, header), last))
    return dropped | _needless_blanks(entries, dropped)


def _needless_blanks(entries: list[Entry], dropped: set[int]) -> set[int]:
    """Return the blank lines in front of dropped tables, unless they are all that parts what stays."""
    blanks: set[int] = set()
    for is_dropped, group in groupby(range(len(entries)), key=dropped.__contains__):
        indexes = list(group)
        start, end = indexes[0], indexes[-1] + 1
        if not is_dropped:
            continue
        if start == 0:
            blanks.update(takewhile(lambda index: entries[index].kind == "blank", range(end, len(entries))))
        elif any(entries[index].is_header for index in indexes) and (
            end == len(entries) or entries[end].kind == "blank"
        ):
            blanks.update(range(_before_blanks(entries, start), start))
    return blanks


def _attached(entries: list[Entry], header: int) -> int:
    """Return the index of the first of the comment lines right above a header, or that of the header."""
    start = header
    # A comment that is indented deeper than the header belongs to the table above.
    while (
        start and entries[start - 1].kind == "comment" and len(entries[start - 1].indent) <= len(entries[header].indent)
    ):
        start -= 1
    return start


def _table_end(entries: list[Entry], following: int) -> int:
    """Return the index behind the lines of a table, given the index of the next header (or of the file's end)."""
    if following == len(entries):
        return _before_blanks(entries, following)
    start = _before_blanks(entries, _attached(entries, following))
    # Prose between blank lines introduces what follows; a setting that is commented out ends what precedes.
    banner = start
    while banner and entries[banner - 1].kind == "comment" and not _SETTING.match(entries[banner - 1].text.strip()):
        banner -= 1
    if banner and entries[banner - 1].kind == "blank":
        return _before_blanks(entries, banner)
    return start


def _before_blanks(entries: list[Entry], index: int) -> int:
    while index and entries[index - 1].kind == "blank":
        index -= 1
    return index


def _with_value(text: str, entry: Entry, old: Any, new: Any) -> str:
    """Return the lines of a pair with another value; a list over several lines keeps its comments."""
    start, end = entry.value[0] - entry.start, entry.value[1] - entry.start
    if isinstance(old, list) and isinstance(new, list) and "\n" in text[slice(*entry.value)]:
        return _with_tomlkit(entry, lambda holder, name: _sync_list(holder[name], old, new, entry.path))
    return entry.text[:start] + render(new, entry.path) + entry.text[end:]


def _with_inline(text: str, entry: Entry, new: dict) -> str:
    """Return the lines of a pair whose inline table has changed inside."""
    return _with_tomlkit(entry, lambda holder, name: _sync_table(holder[name], new, entry.path))


def _with_tomlkit(entry: Entry, change: Callable[[Any, str], None]) -> str:
    """Return the lines of a pair after `change(holder, name)` has edited `holder[name]` with tomlkit."""
    # Imported late: it takes longer than all the rest of a run that changes nothing.
    import tomlkit

    try:
        document = tomlkit.parse(entry.text.replace("\r\n", "\n"))
        *parents, name = entry.path[entry.section :]
        holder: Any = document
        for parent in parents:
            holder = holder[parent]
        change(holder, name)
        result = document.as_string()
    except TomlError:
        raise
    except Exception as error:  # tomlkit's own errors may quote the file, and come in many types
        raise TomlError(f"{show(entry.path)}: this value cannot be edited ({type(error).__name__})") from None
    return result.replace("\n", "\r\n") if "\r\n" in entry.text else result


def _sync_list(array: Any, old: list, new: list, path: Path) -> None:
    """Make a tomlkit array hold `new` by deleting and appending."""
    import tomlkit

    kept = 0
    surplus = []
    for index, item in enumerate(old):
        if kept < len(new) and same(item, new[kept]):
            kept += 1
        else:
            surplus.append(index)
    for index in reversed(surplus):
        del array[index]
    for item in new[kept:]:
        array.append(tomlkit.value(render(item, path)))


def _sync_table(table: Any, new: dict, path: Path) -> None:
    """Make a tomlkit inline table hold `new`."""
    import tomlkit

    old = plain(table.unwrap(), path)
    for name in old.keys() - new.keys():
        del table[name]
    for name, value in new.items():
        if isinstance(old.get(name), dict) and isinstance(value, dict):
            _sync_table(table[name], value, (*path, name))
        elif name not in old or not same(old[name], value):
            table[name] = tomlkit.value(render(value, (*path, name)))


def _at(data: Any, path: Path) -> Any:
    for name in path:
        data = data[name]
    return data


class _Additions:
    """New keys and tables in the layout that the file has."""

    def __init__(self, text: str) -> None:
        self.eol = "\r\n" if "\r\n" in text else "\n"
        self.text = text if not text or text.endswith("\n") else text + self.eol
        self.entries = scan(self.text).entries
        self.headers = [index for index, entry in enumerate(self.entries) if entry.is_header]
        self.tables = {self.entries[index].path: index for index in self.headers}
        self.spelling = {
            entry.path[:size]: entry.written[size - 1]
            for entry in self._header_entries()
            for size in range(1, len(entry.path) + 1)
        }
        self.usual_nesting, self.key_step = self._usual_steps()
        self.spaced = self._is_spaced()
        # By the index of the line that they go before.
        self.new_keys: dict[int, list[str]] = {}
        self.new_tables: dict[int, list[str]] = {}

    def write(self, added: list[tuple[Path, Any]]) -> str:
        own: dict[Path, dict] = {}
        for path, value in added:
            if not isinstance(value, dict):
                own.setdefault(path[:-1], {})[path[-1]] = value
        for table, pairs in own.items():
            self._add_keys(table, pairs)
        for path, value in added:
            if isinstance(value, dict):
                self.new_tables.setdefault(self._table_place(path[:-1]), []).extend(self._render(path, value))
        return "".join(self._joined())

    def _add_keys(self, table: Path, pairs: dict) -> None:
        if table and table not in self.tables:
            self._add_header(table, pairs)
            return
        header = self.tables[table] if table else -1
        end = next((index for index in self.headers if index > header), len(self.entries))
        siblings = [index for index in range(header + 1, end) if self.entries[index].kind == "pair"]
        if siblings:
            indent, place = self.entries[siblings[-1]].indent, siblings[-1] + 1
        else:
            indent, place = (self.entries[header].indent + self.key_step if table else ""), header + 1
        lines = [self._pair(indent, (*table, name), value) for name, value in pairs.items()]
        if not table and not siblings and self.entries and self.entries[0].kind != "blank":
            lines.append(self.eol)
        self.new_keys.setdefault(place, []).extend(lines)

    def _add_header(self, table: Path, pairs: dict) -> None:
        """Give a table a header that so far exists only through the tables in it."""
        inside = [index for index, entry in enumerate(self.entries) if entry.path[: len(table)] == table]
        dotted = next((self.entries[index] for index in inside if self.entries[index].section < len(table)), None)
        if dotted:
            line = self.text.count("\n", 0, dotted.start) + 1
            raise TomlError(f"{show(table)}: line {line} writes it with dotted keys; only a [header] can be extended")
        place = _table_end(self.entries, inside[0])
        self.new_tables.setdefault(place, []).extend(self._render(table, pairs))

    def _table_place(self, parent: Path) -> int:
        """Return the index of the line before which a new table in the given one goes."""
        while parent:
            inner = [at for at, index in enumerate(self.headers) if self.entries[index].path[: len(parent)] == parent]
            if inner:
                return _table_end(self.entries, [*self.headers, len(self.entries)][inner[-1] + 1])
            parent = parent[:-1]
        return _table_end(self.entries, len(self.entries))

    def _render(self, path: Path, data: dict) -> list[str]:
        """Return one text per header, for a table and those in it; a table that only holds tables needs no header."""
        pairs = {name: value for name, value in data.items() if not isinstance(value, dict)}
        blocks = []
        if pairs or not data:
            indent = self._header_indent(path)
            lines = [self._pair(indent + self.key_step, (*path, name), value) for name, value in pairs.items()]
            blocks.append("".join([f"{indent}[{self._spelled(path)}]{self.eol}", *lines]))
        for name, value in data.items():
            if isinstance(value, dict):
                blocks.extend(self._render((*path, name), value))
        return blocks

    def _joined(self) -> Iterator[str]:
        for index in range(len(self.entries) + 1):
            keys, blocks = self.new_keys.get(index, []), self.new_tables.get(index, [])
            yield from keys
            for number, block in enumerate(blocks):
                # A comment right above a header would become the header's.
                torn = not number and not keys and index and self.entries[index - 1].kind == "comment"
                if torn or self.spaced and (index or keys or number):
                    yield self.eol
                yield block
            if index < len(self.entries):
                if blocks and self.spaced and self.entries[index].kind != "blank":
                    yield self.eol
                yield self.entries[index].text

    def _pair(self, indent: str, path: Path, value: Any) -> str:
        return f"{indent}{key(path[-1])} = {render(value, path)}{self.eol}"

    def _spelled(self, path: Path) -> str:
        quotes = [
            (len(commonprefix([entry.path, path])), part[0])
            for entry in self._header_entries()
            for part in entry.written
            if part[0] in "\"'"
        ]
        quote = max(quotes, key=itemgetter(0), default=(0, '"'))[1]
        parts = (path[:size] for size in range(1, len(path) + 1))
        return ".".join(self.spelling.get(part) or key(part[-1], quote) for part in parts)

    def _header_indent(self, path: Path) -> str:
        level = [entry for entry in self._header_entries() if entry.path[:-1] == path[:-1]]
        if level:
            return next((entry.indent for entry in level if entry.path == path), level[-1].indent)
        return self._header_indent(path[:-1]) + self._nesting(path[:-1]) if len(path) > 1 else ""

    def _nesting(self, path: Path) -> str:
        """Return how much deeper tables stand from one level to the next, near the given one."""
        for size in range(len(path), 1, -1):
            if path[:size] in self.tables and path[: size - 1] in self.tables:
                return self._step(self.entries[self.tables[path[:size]]], path[: size - 1])
        return self.usual_nesting

    def _header_entries(self) -> list[Entry]:
        return [self.entries[index] for index in self.headers]

    def _usual_steps(self) -> tuple[str, str]:
        """Return how much deeper than its parent a header usually stands, and a key than its header."""
        nesting: Counter[str] = Counter()
        keys: Counter[str] = Counter()
        for entry in self.entries:
            if entry.kind == "pair" and entry.path[: entry.section] in self.tables:
                keys[self._step(entry, entry.path[: entry.section])] += 1
            elif entry.is_header and entry.path[:-1] in self.tables:
                nesting[self._step(entry, entry.path[:-1])] += 1
        step = nesting.most_common(1)[0][0] if nesting else ""
        return step, keys.most_common(1)[0][0] if keys else step and "  "

    def _step(self, entry: Entry, parent: Path) -> str:
        outer = self.entries[self.tables[parent]].indent
        return entry.indent[len(outer) :] if entry.indent.startswith(outer) else ""

    def _is_spaced(self) -> bool:
        """Tell whether the file's tables stand apart by blank lines."""
        above = [start - 1 for start in (_attached(self.entries, index) for index in self.headers) if start]
        return 2 * sum(self.entries[index].kind == "blank" for index in above) >= len(above)
