# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader of what ``containerd config dump`` prints, for nodes without a TOML parser.

Nodes have Python before 3.11, so no tomllib.  The dump is canonical output of one of three Go encoders
(BurntSushi/toml in 1.4, go-toml v1 in 1.5-1.7, go-toml v2 in 2.x): real table headers, one ``key = value`` a line,
no comments.  Nothing else is understood, and a line that is not understood is skipped: the caller compares what
it reads with what it wrote, so a skipped line can only make a check fail.
"""

import re

_PART = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def unescape(text):
    """Return what stands between the quotes of a basic string, with its escapes resolved."""

    def one(match):
        code = match.group(1)
        return chr(int(code[1:], 16)) if code[0] in "uU" else _ESCAPES.get(code, code)

    return _ESCAPE.sub(one, text)


def _part(match):
    basic, literal, bare = match.groups()
    if basic is not None:
        return unescape(basic)
    return literal if literal is not None else bare


def _key(text):
    """Split a dotted key into its parts; None where it is not one."""
    parts, position = [], 0
    while True:
        match = _PART.match(text, position)
        if not match:
            return None
        parts.append(_part(match))
        position = match.end()
        if position == len(text):
            return parts
        if text[position] != ".":
            return None
        position += 1


def _value(text):
    """Read a string, boolean, number or flat array of strings, booleans or integers; None for anything else."""
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    if re.match(r"[+-]?\d+$", text):
        return int(text)
    if re.match(r"[+-]?\d+\.\d+$", text):
        return float(text)
    if text.startswith("[") and text.endswith("]"):
        return _array(text[1:-1])
    match = _PART.match(text)
    if match and match.end() == len(text) and match.group(3) is None:
        return _part(match)
    return None


def _array(text):
    items, position = [], 0
    while text[position:].strip():
        match = _PART.match(text, position)
        if not match:
            return None
        item = _part(match) if match.group(3) is None else _value(match.group(3))
        if item is None:
            return None
        items.append(item)
        position = match.end()
        if position < len(text) and text[position] == ",":
            position += 1
    return items


def read(text):
    """Return the nested dict of TOML text ``text`` as containerd prints it."""
    root = {}
    table = root
    for line in text.split("\n"):  # only this ends a line: a value may hold U+2028
        line = line.strip()
        if line.startswith("[[") and line.endswith("]]"):
            table = {}
        elif line.startswith("[") and line.endswith("]"):
            keys, table = _key(line[1:-1]), root
            for key in keys or ["?"]:
                table = table.setdefault(key, {})
                if not isinstance(table, dict):
                    table = {}
        else:
            match = _PART.match(line)
            if match and line[match.end() :].startswith("="):
                table[_part(match)] = _value(line[match.end() + 1 :])
    return root
