# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one value of a TOML file; tomlkit keeps the spelling and the comments of what stays in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, new_key, show
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import (
    ABSENT,
    at,
    differences,
    is_mixed,
    same,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.writing import render

_QUOTE = re.compile("[\"']")
_INSIDE = re.compile(r"(.[ \t]*)(.*?)([ \t]*.)", re.DOTALL)
_ENDS_WITH_COMMENT = re.compile(r"\n[ \t]*#[^\n]*\s*\]\Z")


def rewrite(text: str, old: Any, new: Any, path: Path, quote: str) -> str:
    """Return the text of a value that means `old`, changed to mean `new`; errors name the path.

    What is new gets the quotes that the value has, or else the given ones.
    """
    if same(old, new):
        return text
    found = _QUOTE.search(text)
    quote = found.group() if found else quote
    if isinstance(old, list) and isinstance(new, list):
        return _changed(_change_list, text, old, new, path, quote)
    if isinstance(old, dict) and isinstance(new, dict) and old:
        return _changed(_change_table, text, old, new, path, quote)
    return render(new, path, quote)


def _changed(change: Callable[..., str], text: str, old: Any, new: Any, path: Path, quote: str) -> str:
    """Return the text of a list or an inline table after a change, proven to mean the new data."""
    # tomlkit writes lines of its own with \n, and takes blanks inside the brackets for those between two items.
    parts = _INSIDE.fullmatch(text.replace("\r\n", "\n"))
    if not parts:  # a value of two characters at least, as all lists and inline tables are
        raise TomlError(f"{show(path)}: the value is written in a way that does not allow this change")
    opening, inside, closing = parts.groups()
    changed = change(opening[0] + inside + closing[-1], old, new, path, quote)[1:-1].strip(" \t")
    result = opening + changed + closing if changed else opening[0] + closing[-1]
    if not same(load(f"x = {result}"), {"x": new}):
        raise TomlError(f"{show(path)}: the value is written in a way that does not allow this change")
    return result.replace("\n", "\r\n") if "\r\n" in text else result


def _parsed(text: str, path: Path) -> Any:
    import tomlkit  # here, since most runs change nothing, and it takes longer to import than all else to run

    try:
        value = tomlkit.value(text)
        if value.as_string() == text:
            return value
    except tomlkit.exceptions.TOMLKitError:
        pass
    # It loses the blank behind a date: [2026-01-02 , 2026-01-03].
    raise TomlError(f"{show(path)}: tomlkit cannot keep what is in this value as it is: change the file by hand")


def _change_list(text: str, old: list[Any], new: list[Any], path: Path, quote: str) -> str:
    import tomlkit

    if is_mixed(new) and not is_mixed(old):
        render(new, path)  # raises the error
    array = _parsed(text, path)
    if _ENDS_WITH_COMMENT.search(text):
        array.add_line(indent="", newline=False)  # adds the last comma, which append() forgets in this case
    for what, start, end, first, last in reversed(opcodes(old, new)):
        if what == "equal":
            continue
        shared = min(end - start, last - first)
        for index in reversed(range(start + shared, end)):
            del array[index]
        for offset, item in enumerate(new[first + shared : last]):
            array.insert(start + shared + offset, tomlkit.value(render(item, path, quote)))
        for offset in range(shared):
            index = start + offset
            item = tomlkit.item(array[index]).as_string()  # since it gives booleans as they are
            array[index] = tomlkit.value(rewrite(item, old[index], new[first + offset], path, quote))
    return str(array.as_string())


def _change_table(text: str, old: dict[str, Any], new: dict[str, Any], path: Path, quote: str) -> str:
    # tomlkit reads inline tables, but does not change them well: {a = 1, b = 2, c = 3} without b is {a = 1,  c = 3},
    # { a = 1 } with b is { a = 1, b = 2}, and {a.b = 1, a.c = 2} without a.b is an AttributeError.
    kept: dict[str, Any] = {}
    result, gap, separator, equals = "", "", "", ""
    for key, item in _parsed(text, path).value.body:
        if not key:
            gap += item.as_string()
            continue
        keys, head, value = _pair(key, item)
        equals = equals or ("=" if head.endswith("=") else " = ")
        wanted = at(new, keys, ABSENT)
        if wanted is not ABSENT:
            _put(kept, keys, wanted)
            value = rewrite(value, at(old, keys, ABSENT), wanted, (*path, *keys), quote)
            result += (gap if result else "") + head + value
        separator, gap = gap, ""
    for keys, _old, value in differences(kept, new):
        parts = ((*path, *keys[:size]) for size in range(1, len(keys) + 1))
        head = ".".join(new_key(part, quote) for part in parts) + equals
        result += ((separator or ", ") if result else "") + head + render(value, (*path, *keys), quote)
    return f"{{{result}}}"


def _pair(key: Any, item: Any) -> tuple[Path, str, str]:
    """Return the keys of a pair in an inline table, the text in front of its value, and the value."""
    if not key.is_dotted():
        return (key.key,), key.as_string() + key.sep, item.as_string()
    keys, head, value = _pair(*item.value.body[0])
    return (key.key, *keys), f"{key.as_string()}.{head}", value


def _put(data: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        data = data.setdefault(name, {})
    data[path[-1]] = value


def opcodes(old: list[Any], new: list[Any]) -> Sequence[tuple[str, int, int, int, int]]:
    """Return difflib's opcodes that turn one list into the other."""
    kinds: list[Any] = []

    def kind(item: Any) -> int:
        number = next((number for number, other in enumerate(kinds) if same(item, other)), len(kinds))
        kinds.extend([item] if number == len(kinds) else [])
        return number

    return SequenceMatcher(None, [kind(item) for item in old], [kind(item) for item in new], False).get_opcodes()
