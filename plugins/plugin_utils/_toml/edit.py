# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit config.toml and leave everything else untouched, byte for byte: comments, order and indentation.

tomllib shows what a text means and whether anything must change at all; a scan (toml_scan) tells which lines it is
written in. Lines of what goes are taken out (toml_remove), lists and inline tables changed with tomlkit (toml_inline),
lines of what comes are put in (toml_add), written as their neighbours are (toml_style), and tomllib proves the result:
it means the plain merge, or nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.add import put_in
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, show
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import ABSENT, differences, exact, same
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.remove import take_out
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import scan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.style import Style


def merged(
    data: dict[str, Any], merge: dict[str, Any], remove: list[list[str]], lists: str = "replace"
) -> dict[str, Any]:
    """Return what data means after key paths were removed and then settings merged; the input stays as it is.

    A table that a removal empties goes too. Mappings merge deeply; lists as LISTS says; everything else replaces.
    """
    join = LISTS[lists]
    result: dict[str, Any] = _copy(data)
    for path in remove:
        _remove(result, _key_path(path))
    _merge(result, exact(merge), (), join)
    return result


def edit(text: str, merge: dict[str, Any], remove: list[list[str]], lists: str = "replace") -> str:
    """Return the text after C(merged): the same text if nothing changes, else one that is proven to mean it."""
    before = load(text)
    after = merged(before, merge, remove, lists)
    if same(before, after):
        return text
    # A file whose last line does not end stays one.
    end = "" if not text or text.endswith("\n") else Style(text, []).eol
    style = Style(text + end, scan(text + end).entries)
    reduced, untouched = take_out(before, after, style)
    result = put_in(reduced, load(reduced), after, style)
    _prove(result, after, untouched)
    return result.removesuffix(end)


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _copy(value) for name, value in data.items()}
    return [_copy(value) for value in data] if isinstance(data, list) else data


def _key_path(path: Any) -> Path:
    if not isinstance(path, (list, tuple)) or not path or not all(isinstance(part, str) for part in path):
        raise TomlError("a path to remove must be a list of one or more strings")
    return tuple(map(str.__str__, path))


def _remove(data: dict[str, Any], path: Path) -> None:
    name, *rest = path
    if name not in data:
        return
    if rest:
        inner = data[name]
        if not isinstance(inner, dict) or not inner:
            return
        _remove(inner, tuple(rest))
        if inner:
            return
    del data[name]


def _append(old: list[Any], new: list[Any]) -> list[Any]:
    ends_so = len(new) <= len(old) and same(old[len(old) - len(new) :], new)
    return old if ends_so else old + new


def _union(old: list[Any], new: list[Any]) -> list[Any]:
    result = list(old)
    for item in new:
        if not any(same(item, other) for other in result):
            result.append(item)
    return result


LISTS: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    "replace": lambda _old, new: new,
    "append": _append,
    "union": _union,
}
"""How a list of the merge meets the one in the file: it takes its place; its items go behind those that are there,
unless the list ends with exactly them already; or those of its items that are not in the list yet go behind it."""


def _merge(
    target: dict[str, Any], settings: dict[str, Any], path: Path, join: Callable[[list[Any], list[Any]], list[Any]]
) -> None:
    for name, value in settings.items():
        here = (*path, name)
        old = target.get(name, ABSENT)
        if old is ABSENT:
            target[name] = value
        elif isinstance(old, dict) != isinstance(value, dict):
            held, given = ("table", "value") if isinstance(old, dict) else ("value", "table")
            raise TomlError(f"{show(here)}: the file has a {held} here, it cannot become a {given}")
        elif isinstance(value, dict):
            _merge(old, value, here, join)
        elif isinstance(value, list) and isinstance(old, list):
            target[name] = join(old, value)
        elif isinstance(value, list) and join is not LISTS["replace"]:
            raise TomlError(f"{show(here)}: the file has a single value here, a list cannot be added to it")
        else:
            target[name] = value


def _prove(result: str, after: dict[str, Any], untouched: list[str]) -> None:
    """Raise TomlError unless the result means `after` and still has every untouched line, in order."""
    try:
        wrong = next(differences(load(result), after), None)
    except TomlError:
        raise TomlError("the file is written in a way that does not allow this change") from None
    if wrong:
        raise TomlError(f"{show(wrong[0])}: the file is written in a way that does not allow this change")
    lines = iter(result.splitlines(keepends=True))
    for line in (line for text in untouched for line in text.splitlines(keepends=True)):
        if line not in lines:
            raise TomlError("the file is written in a way that does not allow this change: a line would be lost")
