# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put new keys and tables into a TOML file where a person would, written as their neighbours are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, new_key
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import ABSENT, differences, leaves, same
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Entry, scan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.style import Style, attaches, table_end
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.writing import is_block, render


def put_in(text: str, before: dict[str, Any], after: dict[str, Any], style: Style) -> str:
    """Return the text with the keys and tables added that only `after` has."""
    added = list(differences(before, after))
    return _Additions(text, style).write(added) if added else text


class _Additions:
    """New keys and tables, and the lines before which they go."""

    def __init__(self, text: str, style: Style) -> None:
        self.style = style
        self.eol = style.eol
        self.entries = scan(text).entries
        self.headers = [index for index, entry in enumerate(self.entries) if entry.is_header]
        self.tables = {self.entries[index].path: index for index in self.headers}
        self.new_keys: dict[int, list[str]] = {}
        self.new_tables: dict[int, list[str]] = {}

    def write(self, added: list[tuple[Path, Any, Any]]) -> str:
        own: dict[Path, dict[str, Any]] = {}
        tables: list[tuple[Path, Any]] = []
        for path, old, value in added:
            dotted = self._dotted(path[:-1])
            if old is not ABSENT:
                self._add_items(path, old, value)
            elif dotted:
                self._add_dotted(dotted, path, value)
            elif is_block(path[-1], value):
                tables.append((path, value))
            else:
                own.setdefault(path[:-1], {})[path[-1]] = value
        for table, pairs in own.items():
            self._add_keys(table, pairs)
        for path, value in tables:
            self._add_blocks(self._table_place(path[:-1]), self._render(path, value))
        return "".join(self._joined())

    # --- Places

    def _add_keys(self, table: Path, pairs: dict[str, Any]) -> None:
        if table and table not in self.tables:
            # So far it exists only through the tables in it: it gets a header above the first of them.
            first = next(index for index in self.headers if self.entries[index].path[: len(table)] == table)
            self._add_blocks(table_end(self.entries, first), self._render(table, pairs))
            return
        header = self.tables[table] if table else -1
        end = next((index for index in self.headers if index > header), len(self.entries))
        siblings = [index for index in range(header + 1, end) if self.entries[index].kind == "pair"]
        if siblings:
            indent, place = self.entries[siblings[-1]].indent, siblings[-1] + 1
        else:
            indent, place = (self.entries[header].indent + self.style.key_step(table) if table else ""), header + 1
        lines = [
            self._pair(indent, (*table, name), 1, value, [self.entries[index] for index in siblings])
            for name, value in pairs.items()
        ]
        if not table and not siblings and self.entries:
            place = self._below_first_comment()
            lines = [self.eol, *lines] if place else [*lines, self.eol]
        self.new_keys.setdefault(place, []).extend(lines)

    def _below_first_comment(self) -> int:
        """Return the index behind a comment that introduces the file, 0 if there is none."""
        place = 0
        while place < len(self.entries) and self.entries[place].kind == "comment":
            place += 1
        return place if place == len(self.entries) or self.entries[place].kind == "blank" else 0

    def _dotted(self, table: Path) -> list[int]:
        """Return the indexes of the lines that write a table with dotted keys; no [header] may extend it."""
        size = len(table)
        return [
            index
            for index, entry in enumerate(self.entries)
            if entry.kind == "pair" and entry.section < size < len(entry.path) and entry.path[:size] == table
        ]

    def _add_dotted(self, lines: list[int], path: Path, value: Any) -> None:
        siblings = [self.entries[index] for index in lines]
        indent, section = siblings[-1].indent, siblings[-1].section
        for leaf, content in leaves({path[-1]: value}, path[:-1]):
            pair = self._pair(indent, leaf, len(leaf) - section, content, siblings)
            self.new_keys.setdefault(lines[-1] + 1, []).append(pair)

    def _add_items(self, path: Path, old: list[Any], new: list[Any]) -> None:
        """Add the tables that an array of tables lacks; those that it has are among the new ones, in order."""
        inside = [at for at, index in enumerate(self.headers) if self.entries[index].path[: len(path)] == path]
        starts = [at for at in inside if self.entries[self.headers[at]].path == path]
        ends = [max(at for at in inside if at < limit) + 1 for limit in [*starts[1:], len(self.headers)]]
        place = table_end(self.entries, self.headers[starts[0]])
        passed = 0
        for item in new:
            if passed < len(old) and same(item, old[passed]):
                place = table_end(self.entries, [*self.headers, len(self.entries)][ends[passed]])
                passed += 1
            else:
                self._add_blocks(place, self._render(path, [item]))

    def _table_place(self, parent: Path) -> int:
        """Return the index of the line before which a new table in the given one goes."""
        while parent:
            inner = [at for at, index in enumerate(self.headers) if self.entries[index].path[: len(parent)] == parent]
            if inner:
                return table_end(self.entries, [*self.headers, len(self.entries)][inner[-1] + 1])
            parent = parent[:-1]
        return table_end(self.entries, len(self.entries))

    def _add_blocks(self, place: int, blocks: list[str]) -> None:
        self.new_tables.setdefault(place, []).extend(blocks)

    # --- Text

    def _render(self, path: Path, value: Any) -> list[str]:
        """Return one text per header, for a table and those in it, or for an array of tables."""
        if isinstance(value, list):
            return [block for item in value for block in self._section(path, item, "[[", "]]")]
        return self._section(path, value, "[", "]")

    def _section(self, path: Path, data: dict[str, Any], opening: str, closing: str) -> list[str]:
        inner = {name: value for name, value in data.items() if is_block(name, value)}
        pairs = {name: value for name, value in data.items() if name not in inner}
        blocks = []
        # A table that only holds tables needs no header.
        if pairs or not inner or opening == "[[":
            indent = self.style.header_indent(path)
            header = f"{indent}{opening}{self.style.header(path)}{closing}{self.eol}"
            lines = [
                self._pair(indent + self.style.key_step(path), (*path, name), 1, value, [])
                for name, value in pairs.items()
            ]
            blocks.append("".join([header, *lines]))
        for name, value in inner.items():
            blocks.extend(self._render((*path, name), value))
        return blocks

    def _joined(self) -> Iterator[str]:
        for index in range(len(self.entries) + 1):
            keys, blocks = self.new_keys.get(index, []), self.new_tables.get(index, [])
            above = self.entries[index - 1] if index else None
            below = self.entries[index] if index < len(self.entries) else None
            # At the end as everywhere else, between others as these are.
            spaced = below.kind == "blank" if below and above else self.style.is_spaced()
            yield from keys
            for number, block in enumerate(blocks):
                indent = block[: len(block) - len(block.lstrip(" \t"))]
                # A comment right above a header would become the header's.
                torn = not number and not keys and above and attaches(above, indent)
                if torn or spaced and (above or keys or number):
                    yield self.eol
                yield block
            if below:
                if blocks and not above and (spaced or below.kind == "blank"):
                    yield self.eol
                yield below.text

    def _pair(self, indent: str, path: Path, count: int, value: Any, siblings: list[Entry]) -> str:
        """Return a line for the last `count` keys of a path and a value."""
        quote = self.style.key_quote(path[:-1])
        name = ".".join(new_key(path[:size], quote) for size in range(len(path) - count + 1, len(path) + 1))
        text = render(value, path, self.style.text_quote(path))
        return f"{indent}{name}{self._equals(len(indent + name), siblings)}{text}{self.eol}"

    def _equals(self, width: int, siblings: list[Entry]) -> str:
        """Return the equals sign behind a key of some width, with blanks around it as the siblings have them."""
        lines = [entry.text[: entry.value[0] - entry.start].rstrip() for entry in siblings]
        columns = {len(line) - 1 for line in lines}
        blanks = {line[-2] in " \t" for line in lines}
        if blanks == {False}:
            return "="
        if len(columns) == 1 and len(lines) > 1:
            return " " * max(1, columns.pop() - width) + "= "
        return " = "
