# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write data as TOML in the ways of people and programs, and in some that only certain parsers accept."""

from __future__ import annotations

import random
import re
from typing import Any

BOM = b"\xef\xbb\xbf"
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Speller:
    """Writes TOML 1.0. `odd` is the share of texts with what TOML 1.0 may not allow, `dotted` that of dotted keys."""

    def __init__(self, chance: random.Random, odd: float, dotted: float):
        self.chance = chance
        self.odd = odd
        self.dotted = dotted

    def file(self, data: dict[str, Any]) -> bytes:
        """Return a file that says this."""
        text = self.text(data)
        if self.chance.random() < 0.3:
            text = self._commented(text)
        if self.chance.random() < 0.1:
            text = text.replace("\n", "\r\n")
        return self._odd(text) if self.chance.random() < self.odd else text.encode()

    def text(self, data: dict[str, Any]) -> str:
        """Return TOML that says this."""
        lines: list[str] = []
        self._table((), data, lines)
        return "\n".join(lines) + self.chance.choice(["\n", "\n", ""])

    def _table(self, path: tuple[str, ...], data: dict[str, Any], lines: list[str]) -> None:
        tables = {key: each for key, each in data.items() if isinstance(each, dict)}
        plain = {key: each for key, each in data.items() if key not in tables}
        inline = [key for key in tables if path and self.chance.random() < 0.12]
        dotted = [key for key in tables if key not in inline and tables[key] and self.chance.random() < self.dotted]
        if path and (plain or inline or dotted or not tables or self.chance.random() < 0.3):
            lines.append(f"{self._indent(path)}[{self._key(path)}]")
        for key, value in plain.items():
            lines.append(f"{self._indent(path)}{self._key((key,))} = {self._value(value)}")
        for key in inline:
            lines.append(f"{self._key((key,))} = {self._inline(tables[key])}")
        for key in dotted:
            self._dotted((key,), tables[key], lines)
        rest = [key for key in tables if key not in inline and key not in dotted]
        if self.chance.random() < 0.2:
            self.chance.shuffle(rest)
        for key in rest:
            self._table((*path, key), tables[key], lines)

    def _dotted(self, path: tuple[str, ...], data: dict[str, Any], lines: list[str]) -> None:
        for key, value in data.items():
            if isinstance(value, dict) and value:
                self._dotted((*path, key), value, lines)
            else:
                lines.append(f"{self._key((*path, key))} = {self._value(value)}")

    def _indent(self, path: tuple[str, ...]) -> str:
        return self.chance.choice(["", "  " * len(path), "\t"])

    def _key(self, path: tuple[str, ...]) -> str:
        dot = self.chance.choice([".", ".", ".", " . "])
        return dot.join(self._part(each) for each in path)

    def _part(self, key: str) -> str:
        kinds = ["basic"] if "'" in key else ["basic", "literal"]
        kind = self.chance.choice([*(["bare"] * 6 if _BARE.fullmatch(key) else []), *kinds])
        if kind == "bare":
            return key
        if kind == "literal" and not re.search(r"[\x00-\x1f]", key):
            return f"'{key}'"
        return self._basic(key, escapes=0.004)

    def _basic(self, text: str, escapes: float = 0.05) -> str:
        def one(char: str) -> str:
            if char in '"\\':
                return f"\\{char}"
            if ord(char) < 32 or ord(char) == 127 or self.chance.random() < escapes / max(len(text), 1):
                return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"
            return char

        return '"' + "".join(map(one, text)) + '"'

    def _string(self, text: str) -> str:
        if "'" not in text and not re.search(r"[\x00-\x1f\x7f]", text):
            kind = self.chance.random()
            if kind < 0.2:
                return f"'{text}'"
            if kind < 0.25:
                return f"'''{text}'''"
        if self.chance.random() < 0.05:
            return '""' + self._basic(text) + '""'
        return self._basic(text)

    def _value(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, int) and value >= 1000 and self.chance.random() < 0.3:
            return self.chance.choice([f"{value:_}", hex(value), f"+{value}"])
        if isinstance(value, list):
            return self._array(value)
        return self._inline(value) if isinstance(value, dict) else str(value)

    def _array(self, items: list[Any]) -> str:
        written = [self._value(each) for each in items]
        kind = self.chance.random()
        if kind < 0.6 or not items:
            return f"[{', '.join(written)}]"
        if kind < 0.8:
            return "[\n  " + ",\n  ".join(written) + self.chance.choice([",\n]", "\n]"])
        return '[ # not ] yet, "nor\n  ' + ", # 'more\n  ".join(written) + ' # "]\n]'

    def _inline(self, data: dict[str, Any]) -> str:
        return "{" + ", ".join(f"{self._key((key,))} = {self._value(each)}" for key, each in data.items()) + "}"

    def _commented(self, text: str) -> str:
        lines = text.split("\n")
        comments = ["# plain", "#", "# imports = ['/no.toml']", "#[plugins]", "# ä 镜像", "\t# \u2028 x", "", "   "]
        for _number in range(self.chance.randrange(1, 4)):
            at = self.chance.choice([0, len(lines)])
            lines.insert(at, self.chance.choice(comments))
        return "\n".join(lines)

    def _odd(self, text: str) -> bytes:
        """Return a text with one oddity."""
        lines = text.split("\n")
        some = self.chance.randrange(len(lines))
        data = text.encode()
        kind = self.chance.choice(_ODDITIES)
        if kind == "bom":
            return BOM + data
        if kind in ("latin-1", "gbk"):
            return "# für 镜像".encode(kind, "replace").replace(b"\n", b" ") + b"\n" + data
        if kind == "latin-1 at the end":
            return data + b"\n# \xfc\n"
        if kind == "latin-1 in a string":
            return data + b'\n[timeouts]\n"x" = "\xfc"\n'
        if kind == "cr":
            return data.replace(b"\r", b"").replace(b"\n", b"\r")
        if kind == "one cr":
            return data.replace(b"\n", b"\r", 1)
        if kind == "control":
            return b"# \x07 bell\n" + data
        if kind == "nul":
            return data + b"\n\x00"
        if kind == "form feed":
            return b"\x0c\n" + data
        if kind == "twice":
            return "\n".join([*lines[: some + 1], *lines[some:]]).encode()
        if kind == "lost line":
            return "\n".join([*lines[:some], *lines[some + 1 :]]).encode()
        if kind == "cut":
            return data[: self.chance.randrange(len(data) + 1)]
        if kind == "lost character":
            at = self.chance.randrange(len(text) or 1)
            return (text[:at] + text[at + 1 :]).encode()
        if kind == "joined":
            return text.replace("\n", " ", 1).encode()
        if kind == "case":
            return self._other_case(text).encode()
        old, new = kind
        return re.sub(old, new, text, count=1).encode()

    def _other_case(self, text: str) -> str:
        words = re.findall(
            r"version|imports|plugins|registry|config_path|mirrors|endpoint|configs|auth|headers|root|address|grpc"
            r"|sandbox_image|disabled_plugins|username", text,
        )  # fmt: skip
        word = self.chance.choice(words or ["x"])
        return text.replace(word, self.chance.choice([word.upper(), word.title(), word.replace("_", "")]), 1)


_ODDITIES: list[Any] = [
    "bom", "latin-1", "gbk", "latin-1 at the end", "latin-1 in a string", "cr", "one cr", "control", "nul",
    "form feed", "twice", "lost line", "cut", "lost character", "joined", "case", "case", "case",
    (r"\}", ",}"), (r"\{", "{\n"), (r"\{", "{ # c\n"), (r"= (\d)", r"= 0\1"), (r"= (true|false)", r'= "\1"'),
    (r"= true", "= True"), (r"= (\d+)", r'= "\1"'), (r"= (\d+)", r"= \1.0"), (r"= (\d+)", r"= 0x\1"),
    (r"= (\d+)", r"= \1e0"), (r'= "', '= "\\\\x41'), (r'= "', '= "\\\\e'), (r'= "', '= "\\\\/'), (r'= "', '= "\\\\z'),
    (r'= "([^"\n]*)"', r"= \1"), (r'= "([^"\n]*)"', r'= ["\1"]'), (r'= "([^"\n]*)"', r"= 2026-01-01"),
    (r'= "([^"\n]*)"', r'= "\1" x = 1'), (r'= "([^"\n]*)"', r'= "\1" , '), (r'= "([^"\n]*)"', r'= "\1" // c'),
    (r"\[([^\]\n]+)\]", r"[[\1]]"), (r"\[([^\]\n]+)\]", r"[ \1 ]"), (r"\[([^\]\n]+)\]", r"[\1]\n[\1]"),
    (r"\[([^\]\n]+)\]", r"[\1.]"), (r"\[([^\]\n]+)\]", r"[\1] # c"), (r"\[([^\]\n]+)\]", r"[\1] x = 1"),
    (r"\[plugins", "[plugins]\n[plugins"), (r"\[plugins", "[x]\n[plugins"), (r"version", "Version"),
    (r"version = ", "version: "), (r"version = ", "version="), (r"= \[", "=\n["), (r"\]\n", "]"), (r"= ", "== "),
    (r"= \[", "= [,"), (r"= \[", "= [1, "), (r"\]$", ",]"),
]  # fmt: skip
