# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one value of a TOML file; what stays in a list or an inline table keeps its spelling and its comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import Path, parts
from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_values import (
    ABSENT,
    at,
    differences,
    is_mixed,
    new_key,
    render,
    same,
)

_COMMENT_BESIDE = re.compile(r"[ \t]*#[^\r\n]*")
_QUOTE = re.compile("[\"']")


@dataclass(frozen=True)
class Pen:
    """How new text is written: the quotes of keys and texts if the value has none, line ends, indentation of items."""

    quote: str
    eol: str
    indent: str


def rewrite(text: str, old: Any, new: Any, path: Path, pen: Pen) -> str:
    """Return the text of a value that means `old`, changed to mean `new`; errors name the path."""
    if same(old, new):
        return text
    found = _QUOTE.search(text)
    pen = Pen(found.group() if found else pen.quote, pen.eol, pen.indent)
    if isinstance(old, list) and isinstance(new, list) and text[0] == "[":
        return _List(text, path, pen).rewrite(old, new)
    if isinstance(old, dict) and isinstance(new, dict) and text[0] == "{":
        return _Table(text, path, pen).rewrite(old, new)
    return render(new, path, pen.quote)


@dataclass
class _Cell:
    """An item of an array or a pair of an inline table, from the end of the one before to its own comma or comment."""

    gap: str  # blanks, line ends and comments on lines of their own
    key: Path
    head: str  # the key and the equals sign, "" in arrays
    value: str
    before_comma: str
    after: str  # a comment on the same line


class _Container:
    """What lists and inline tables have in common: cells, and how one is taken out or put in."""

    def __init__(self, text: str, path: Path, pen: Pen) -> None:
        self.path = path
        self.pen = pen
        self.opening = text[0] + self._beside(text, 1)
        self.cells: list[_Cell] = []
        found, end = parts(text)
        pos = len(self.opening)
        for part in found:
            gap, head, value = text[pos : part.start], text[part.start : part.value], text[part.value : part.end]
            pos = part.end if part.comma < 0 else part.comma + 1
            after = self._beside(text, pos)
            before_comma = text[part.end : pos].removesuffix(",")
            self.cells.append(_Cell(gap, part.path, head, value, before_comma, after))
            pos += len(after)
        self.tail = text[pos : end - 1]
        self.closing = text[end - 1]
        # What stands between the brackets and what is in them, if that is on one line.
        self.pad = self.cells[0].gap if self.cells else "" if text[0] == "[" else " "
        self.trailing_comma = found[-1].comma >= 0 if found else "\n" in self.tail and text[0] == "["

    @staticmethod
    def _beside(text: str, pos: int) -> str:
        match = _COMMENT_BESIDE.match(text, pos)
        return match.group() if match else ""

    def __str__(self) -> str:
        text = self.opening
        for cell in self.cells:
            comma = "," if self.trailing_comma or cell is not self.cells[-1] else ""
            text += cell.gap + cell.head + cell.value + cell.before_comma + comma + cell.after
        is_blank = not self.cells and not (self.opening[1:] + self.tail).strip()
        return text + ("" if is_blank else self.tail) + self.closing

    def take_out(self, index: int) -> None:
        """Remove a cell with the comment beside it; comments on lines of their own stay."""
        gap = self.cells.pop(index).gap
        comments = gap[: gap.rindex("\n")].removesuffix("\r") if "#" in gap else ""
        if index < len(self.cells):
            cell = self.cells[index]
            cell.gap = comments + cell.gap if "\n" in cell.gap else gap
        elif "\n" in self.tail:
            self.tail = comments + self.tail
        elif "\n" in gap and ("#" in gap or "#" in (self.cells[-1].after if self.cells else self.opening)):
            self.tail = gap

    def put_in(self, index: int, path: Path, head: str, value: str) -> None:
        """Add a cell that stands as its neighbours do."""
        if not self.cells and "\n" in self.tail:
            start, _newline, indent = self.tail.rpartition("\n")
            gap, self.tail = f"{start}\n{indent}  ", self.pen.eol + indent
        elif not self.cells:
            gap = self.tail = self.pad
        elif "\n" in self.cells[max(index - 1, 0)].gap:
            gap = self.pen.eol + self.cells[max(index - 1, 0)].gap.rpartition("\n")[2]
        elif index == 0:
            gap, self.cells[0].gap = self.cells[0].gap, self.cells[0].gap or " "
        else:
            gap = self.cells[-1].gap if len(self.cells) > 1 and "\n" not in self.cells[-1].gap else " "
        before = self.cells[index - 1].after if index else self.opening
        if "#" in before and "\n" not in gap:
            gap = f"{self.pen.eol}{self.pen.indent}  "
        self.cells.insert(index, _Cell(gap, path, head, value, "", ""))


class _List(_Container):
    def rewrite(self, old: list, new: list) -> str:
        if is_mixed(new) and not is_mixed(old):
            render(new, self.path)  # raises the error
        for what, start, end, first, last in reversed(opcodes(old, new)):
            if what == "equal":
                continue
            shared = min(end - start, last - first)
            for index in reversed(range(start + shared, end)):
                self.take_out(index)
            for offset, item in enumerate(new[first + shared : last]):
                text = render(item, self.path, self.pen.quote)
                self.put_in(start + shared + offset, (), "", text)
            for offset in range(shared):
                cell = self.cells[start + offset]
                cell.value = rewrite(cell.value, old[start + offset], new[first + offset], self.path, self.pen)
        return str(self)


def opcodes(old: list, new: list) -> list[tuple[str, int, int, int, int]]:
    """Return difflib's opcodes that turn one list into the other."""
    kinds: list[Any] = []

    def kind(item: Any) -> int:
        number = next((number for number, other in enumerate(kinds) if same(item, other)), len(kinds))
        kinds.extend([item] if number == len(kinds) else [])
        return number

    return SequenceMatcher(None, [kind(item) for item in old], [kind(item) for item in new], False).get_opcodes()


class _Table(_Container):
    def rewrite(self, old: dict, new: dict) -> str:
        equals = " = " if not self.cells or " " in self.cells[0].head[len(self.cells[0].head.rstrip("= \t")) :] else "="
        kept: dict = {}
        for index in reversed(range(len(self.cells))):
            cell = self.cells[index]
            value = at(new, cell.key)
            if value is ABSENT:
                self.take_out(index)
                continue
            cell.value = rewrite(cell.value, at(old, cell.key), value, (*self.path, *cell.key), self.pen)
            _put(kept, cell.key, value)
        for path, _old, value in list(differences(kept, new)):
            parts_of = ((*self.path, *path[:size]) for size in range(1, len(path) + 1))
            head = ".".join(new_key(part, self.pen.quote) for part in parts_of) + equals
            self.put_in(len(self.cells), path, head, render(value, (*self.path, *path), self.pen.quote))
        return str(self)


def _put(data: dict, path: Path, value: Any) -> None:
    for name in path[:-1]:
        data = data.setdefault(name, {})
    data[path[-1]] = value
