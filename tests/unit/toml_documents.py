# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hypothesis strategies: TOML documents written in every way that TOML allows, and changes to them.

A drawn document knows which of its lines belong to which key, by how it was made and not by reading it again, so that
tests know which lines a change may touch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

try:
    import tomllib
except ImportError:  # Python 3.10, of the oldest controllers
    import tomli as tomllib

Path = tuple[str, ...]

NAMES = ["a", "b", "c", "plugins", "io.containerd.grpc.v1.cri", "registry", "docker.io", "*", "[::1]:80", 'q"', "é"]
KEYS = st.sampled_from(NAMES) | st.text(st.characters(codec="utf-8"), max_size=4)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["# no", "[a]", "a = 1", "'", '"""', "\\"])
NUMBERS = ["0", "-1", "+7", "1_000", "0o644", "0xdead_BEEF", "0b101", "9223372036854775807"]
NUMBERS += ["0.5", "-0.0", "1e22", "6.02_1E-3", "inf", "-inf", "nan"]
TIMES = ["2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05.123456+01:30", "2026-01-02t03:04:05", "03:04:05"]


@dataclass
class Statement:
    """Whole lines of a document: blank ones or a comment (no kind), a header or a pair."""

    text: str
    path: Path
    kind: str = ""


@dataclass
class Document:
    """A TOML text with its statements, in order."""

    eol: str
    statements: list[Statement] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(statement.text for statement in self.statements)

    @property
    def written(self) -> set[Path]:
        """The tables that have a header or a key of their own, and not only tables in them that have."""
        found, header = {()}, ()
        for each in self.statements:
            if each.kind == "header":
                header = each.path
                found.add(header)
            elif each.kind == "pair":
                found.update(each.path[:size] for size in range(len(header) + 1, len(each.path)))
        return found

    @property
    def data(self) -> dict[str, Any]:
        return tomllib.loads(self.text)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a document with anything in it that makes editing hard."""
    return _Writer(draw).document()


@dataclass
class _Section:
    header: str  # "" for the root, else "[" or "[["
    path: Path
    pairs: list[tuple[Path, Any]] = field(default_factory=list)  # key path within the section, value


class _Writer:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.eol = draw(st.sampled_from(["\n", "\n", "\r\n"]))
        self.counter = iter(range(100_000))
        self.result = Document(self.eol)
        self.tidy = draw(st.booleans())

    def document(self) -> Document:
        root, *others = self.sections((), "", 3)
        for section in [root, *self.shuffled(others)]:
            self.write(section)
        self.noise(())
        last = self.result.statements[-1:]
        if last and self.draw(st.integers(0, 4)) == 0:
            last[0].text = last[0].text.removesuffix(self.eol)
        self.result.statements = [each for each in self.result.statements if each.text]
        return self.result

    def sections(self, path: Path, header: str, depth: int) -> list[_Section | list[_Section]]:
        """Draw a table: its own section first, then those of the tables in it; an array of tables is a list."""
        own = _Section(header, path)
        inner: list[_Section | list[_Section]] = []
        for name in self.draw(st.lists(KEYS, max_size=4, unique=True)):
            here = (*path, name)
            kind = (
                self.draw(st.sampled_from(["pair", "pair", "table", "table", "dotted", "array"])) if depth else "pair"
            )
            if kind == "table":
                inner += self.sections(here, "[", depth - 1)
            elif kind == "array":
                tables = [self.sections(here, "[[", depth - 1) for _dummy in range(self.draw(st.integers(1, 3)))]
                inner.append([each for table in tables for each in self.flat(table)])
            elif kind == "dotted":
                inner += self.dotted(own, here, depth - 1)
            else:
                own.pairs.append(((name,), None))
        # A table that only holds tables needs no header.
        bare = header == "[" and not own.pairs and inner and self.draw(st.booleans())
        if bare and any(isinstance(each, _Section) and each.header == "[" for each in inner):
            return inner
        return [own, *inner]

    def dotted(self, own: _Section, path: Path, depth: int) -> list[_Section | list[_Section]]:
        """Draw a table that is written with dotted keys in the section of another; tables in it may have headers."""
        inner: list[_Section | list[_Section]] = []
        prefix = path[len(own.path) :]
        for number, name in enumerate(self.draw(st.lists(KEYS, min_size=1, max_size=3, unique=True))):
            kind = self.draw(st.sampled_from(["pair", "pair", "dotted", "table"])) if depth and number else "pair"
            if kind == "dotted":
                inner += self.dotted(own, (*path, name), depth - 1)
            elif kind == "table":
                inner += self.sections((*path, name), "[", depth - 1)
            else:
                own.pairs.append(((*prefix, name), None))
        return inner

    def flat(self, sections: list[_Section | list[_Section]]) -> Iterator[_Section]:
        for each in sections:
            yield from [each] if isinstance(each, _Section) else each

    def shuffled(self, sections: list[_Section | list[_Section]]) -> Iterator[_Section]:
        """Bring tables out of order, but keep those of an array of tables in theirs."""
        if self.draw(st.booleans()):
            yield from self.flat(sections)
            return
        queues = [list(self.flat([each])) for each in sections]
        while queues:
            queue = self.draw(st.sampled_from(queues))
            yield queue.pop(0)
            queues = [each for each in queues if each]

    def write(self, section: _Section) -> None:
        indent = self.indent()
        if section.header:
            self.noise(())
            dots = self.draw(st.sampled_from([".", ".", " . "]))
            name = dots.join(self.key(part) for part in section.path)
            pad = self.draw(st.sampled_from(["", "", " "]))
            line = f"{section.header}{pad}{name}{pad}{']' * len(section.header)}"
            self.add(f"{indent}{line}{self.tail()}", section.path, "header")
        step = self.draw(st.sampled_from(["", "  ", "\t"]))
        equals = self.draw(st.sampled_from([" = ", " = ", "=", "  =\t"]))
        for keys, _dummy in self.draw(st.permutations(section.pairs)) if not self.tidy else section.pairs:
            self.noise(section.path)
            name = self.draw(st.sampled_from([".", ".", " . "])).join(map(self.key, keys))
            line = f"{indent}{step}{name}{equals}{self.value(2)}{self.tail()}"
            self.add(line, (*section.path, *keys), "pair")

    def add(self, text: str, path: Path, kind: str = "") -> None:
        self.result.statements.append(Statement(text + self.eol, path, kind))

    def noise(self, path: Path) -> None:
        for kind in self.draw(st.lists(st.sampled_from(["", "", "  ", "# note", "\t# x = 1", "# [t]"]), max_size=2)):
            self.add(f"{kind} {next(self.counter)}" if "#" in kind else kind, path)

    def tail(self) -> str:
        kind = self.draw(st.sampled_from(["", "", "", " ", " # it's", "#\t[x] ="]))
        return f"{kind} {next(self.counter)}" if "#" in kind else kind

    def indent(self) -> str:
        return "" if self.tidy else self.draw(st.sampled_from(["", "", "  ", "\t", "      "]))

    def key(self, name: str) -> str:
        if (
            name
            and all(char.isascii() and (char.isalnum() or char in "_-") for char in name)
            and self.draw(st.booleans())
        ):
            return name
        return self.literal(name) if self.draw(st.booleans()) else self.basic(name)

    def basic(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=self.draw(st.booleans()) and text.isascii()).replace("\x7f", "\\u007f")

    def literal(self, text: str) -> str:
        return f"'{text}'" if text.isprintable() and "'" not in text else self.basic(text)

    def string(self) -> str:
        text = self.draw(TEXTS)
        kind = self.draw(st.sampled_from(["basic", "basic", "literal", "lines", "literal lines"]))
        if kind == "lines":
            return f'"""{self.eol}[a]{self.eol}  x\\{self.eol}   y = "" {self.basic(text)[1:-1]}"""'
        if kind == "literal lines":
            return f"'''a'' # no{self.eol}[b]'''" + ("'" if self.draw(st.booleans()) else "")
        return self.literal(text) if kind == "literal" else self.basic(text)

    def value(self, depth: int) -> str:
        kinds = ["string", "string", "number", "time", "bool", "list", "lines", "table"]
        kind = self.draw(st.sampled_from(kinds if depth else kinds[:5]))
        if kind == "string":
            return self.string()
        if kind == "number":
            return self.draw(st.sampled_from(NUMBERS))
        if kind == "time":
            return self.draw(st.sampled_from(TIMES))
        if kind == "bool":
            return self.draw(st.sampled_from(["true", "false"]))
        if kind == "table":
            return self.inline_table(depth - 1)
        items = self.items(depth - 1)
        if kind == "list":
            return f"[{self.draw(st.sampled_from([',', ', ', ' , ']))[:3].join(items)}]"
        comment = self.draw(st.sampled_from(["", "# of a list"]))
        lines = [f"[{comment}"]
        for item in items:
            lines += [f"  # {next(self.counter)} [a]"] if self.draw(st.integers(0, 3)) == 0 else []
            lines += [f"  {item},{self.tail()}"]
        if items and self.draw(st.booleans()):
            before, comma, after = lines[-1].rpartition(",")
            lines[-1] = before if "#" not in after else before + comma + after
        return self.eol.join([*lines, "]"])

    def items(self, depth: int) -> list[str]:
        one: Callable[[], str] = self.string if self.draw(st.integers(0, 3)) else lambda: self.value(depth)
        return [one() for _dummy in range(self.draw(st.integers(0, 4)))]

    def inline_table(self, depth: int) -> str:
        pairs = []
        for name in self.draw(st.lists(KEYS, max_size=3, unique=True)):
            keys = [name] if self.draw(st.integers(0, 3)) else [name, "x"]
            pairs.append(
                f"{'.'.join(map(self.key, keys))}{self.draw(st.sampled_from([' = ', '=']))}{self.value(depth)}"
            )
        pad = self.draw(st.sampled_from(["", " "]))
        return "{" + pad + self.draw(st.sampled_from([", ", ","])).join(pairs) + pad + "}"


@dataclass
class Item:
    """An item of a list, and the comment behind it ("" for none)."""

    text: str
    comment: str


@dataclass
class WrittenList:
    """A list over several lines, or on one, with the comments on separate lines."""

    text: str
    eol: str
    items: list[Item]
    comments: list[str]


@st.composite
def lists(draw: st.DrawFn) -> WrittenList:
    """Draw a list of different texts, written in every way that TOML allows."""
    writer = _Writer(draw)
    texts = draw(st.lists(TEXTS, max_size=4, unique=True))
    spelled = [draw(st.sampled_from([writer.basic, writer.literal]))(f"{text} {i}") for i, text in enumerate(texts)]
    if draw(st.booleans()):
        pad, separator = draw(st.sampled_from(["", " "])), draw(st.sampled_from([",", ", ", " , "]))
        return WrittenList(f"[{pad}{separator.join(spelled)}{pad}]", "\n", [Item(text, "") for text in spelled], [])
    lines, items, comments = ["["], [], []
    for number, text in enumerate(spelled):
        for _dummy in range(draw(st.integers(0, 2))):
            comments.append(f"# {next(writer.counter)} [a]")
            lines.append(f"  {comments[-1]}")
        items.append(Item(text, draw(st.sampled_from(["", f"# it's {number}"]))))
        comma = "," if number + 1 < len(spelled) or draw(st.booleans()) else ""
        lines.append(f"  {text}{comma} {items[-1].comment}".rstrip())
    if draw(st.booleans()):
        comments.append(f"# {next(writer.counter)} the end")
        lines.append(f"  {comments[-1]}")
    return WrittenList(writer.eol.join([*lines, "]"]), writer.eol, items, comments)


SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
LISTS = st.one_of(*(st.lists(kind, max_size=3) for kind in (TEXTS, st.integers(-9, 9), st.booleans())))
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS | LISTS, max_size=3),
    lambda inner: st.dictionaries(KEYS, SCALARS | LISTS | inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=8,
)


@dataclass
class Change:
    """The arguments of `toml_edit.edit` after the text."""

    merge: dict[str, Any] = field(default_factory=dict)
    remove: list[list[str]] = field(default_factory=list)
    lists: str = "replace"


@st.composite
def changes(draw: st.DrawFn, data: dict[str, Any]) -> Change:
    """Draw a change to the data: mostly of existing or adjacent keys, sometimes of keys that do not or cannot exist."""
    change = Change(lists=draw(st.sampled_from(["replace", "append", "union"])))
    for _dummy in range(draw(st.integers(1, 3))):
        path, found = place(draw, data)
        if draw(st.integers(0, 3)) == 0:
            if path:
                change.remove.append(list(path))
            continue
        if isinstance(found, dict):
            path += (draw(KEYS),)
            found = at(data, path)
        _put(change.merge, path, draw(_replacement(found)))
    return change


def place(draw: st.DrawFn, data: dict[str, Any]) -> tuple[Path, Any]:
    """Draw a key path that exists, and what is there."""
    path: Path = ()
    found: Any = data
    while isinstance(found, dict) and found and draw(st.integers(0, 3)):
        path += (draw(st.sampled_from(list(found))),)
        found = found[path[-1]]
    return path, found


def tables(data: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """All tables of a document that have a key path."""
    yield path, data
    for name, value in data.items():
        if isinstance(value, dict):
            yield from tables(value, (*path, name))


def at(data: Any, path: Path) -> Any:
    """What is at a key path, None if nothing is."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _put(merge: dict[str, Any], path: Path, value: Any) -> None:
    *parents, name = path
    for parent in parents:
        inner = merge.setdefault(parent, {})
        merge = inner if isinstance(inner, dict) else {}
    merge[name] = value


def _replacement(found: Any) -> st.SearchStrategy[Any]:
    """Values that may replace the existing one; rarely some that may not."""
    if isinstance(found, dict):
        return TABLES
    if isinstance(found, list) and found:
        # Other orders, parts and repetitions of the same items, and a new one among them.
        items = st.sampled_from(found) | TEXTS if isinstance(found[0], str) else st.sampled_from(found)
        return st.lists(items, max_size=5)
    return SCALARS | LISTS | TABLES if found is None else SCALARS | LISTS
