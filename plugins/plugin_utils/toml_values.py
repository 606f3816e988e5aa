# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data that TOML can hold: made plain, compared, and written so that every containerd's parser reads it."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_scan import BARE_KEY, Path, TomlError

ABSENT = object()
_DATES = (datetime.datetime, datetime.date, datetime.time)


def show(path: Path) -> str:
    """Return a key path as TOML spells it, for messages."""
    return ".".join(key(part) for part in path)


def key(name: str, quote: str = '"') -> str:
    """Return a key as TOML spells it: bare if it can be, else in the given quotes, but without escapes if it can be.

    containerd 1.5 to 1.7 (go-toml v1) take the escapes in a [header] literally.
    """
    if BARE_KEY.fullmatch(name):
        return name
    return _quoted(name, quote if _basic(name) == f'"{name}"' else "'")


def new_key(path: Path, quote: str = '"') -> str:
    """Return the last key of a path for a file, or raise TomlError if there is a containerd that would not read it."""
    spelled = key(path[-1], quote)
    if not path[-1]:
        raise TomlError(f"{show(path)}: containerd 1.4 cannot read an empty key")
    if spelled[0] == '"' and "\\" in spelled:
        raise TomlError(f"{show(path)}: containerd up to 1.7 cannot read a key with such characters")
    return spelled


def plain(value: Any, path: Path = ()) -> Any:
    """Return a deep copy of exact built-in types; the input may hold subclasses of them (ansible's tagged values)."""
    where = show(path) or "the value"
    if value is None:
        raise TomlError(f"{where}: TOML has no null; a key is taken away by removing its path")
    if isinstance(value, Mapping):
        result = {}
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TomlError(f"{where}: a key in it is of type {type(name).__name__}, it must be a string")
            name = _text(name, where)
            result[name] = plain(inner, (*path, name))
        return result
    if isinstance(value, (list, tuple)):
        return [plain(inner, path) for inner in value]
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    for kind in _DATES:
        if isinstance(value, kind):
            return kind.fromisoformat(value.isoformat())
    raise TomlError(f"{where}: TOML cannot hold a {type(value).__name__}")


def same(one: Any, other: Any) -> bool:
    """Compare plain data as TOML does: 1, 1.0 and true all differ, and nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other) if isinstance(one, float) else one == other


def at(data: Any, path: Path) -> Any:
    """Return what is at a key path, or ABSENT."""
    for name in path:
        data = data.get(name, ABSENT) if isinstance(data, dict) else ABSENT
    return data


def differences(before: dict, after: dict, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield (path, old, new) for the topmost keys that differ; what is not there is ABSENT."""
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, (*path, name))
        elif not same(old, new):
            yield (*path, name), old, new


def render(value: Any, path: Path, quote: str = '"') -> str:
    """Return plain data as a value on one line, texts in the given quotes if they can be; errors name the path."""
    where = show(path) or "the value"
    if isinstance(value, str):
        return _quoted(value, quote)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise TomlError(f"{where}: the number does not fit in 64 bits")
        return str(value)
    if isinstance(value, float):
        # The parser of containerd 1.4 knows neither inf nor nan.
        if not math.isfinite(value):
            raise TomlError(f"{where}: the number is not finite")
        return repr(value)
    if isinstance(value, list):
        # Parsers before TOML 1.0 (containerd up to 1.7) refuse arrays of mixed types.
        if is_mixed(value):
            raise TomlError(f"{where}: the values in a list must be of one type")
        return f"[{', '.join(render(item, path, quote) for item in value)}]"
    if isinstance(value, dict):
        inside = [((*path, name), inner) for name, inner in value.items()]
        pairs = [f"{new_key(here, quote)} = {render(inner, here, quote)}" for here, inner in inside]
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    # A date alone stops containerd 1.5 to 1.7, a time alone 1.4.
    if not isinstance(value, datetime.datetime):
        raise TomlError(f"{where}: older containerd cannot read a date or a time alone")
    return value.isoformat()


def is_block(name: str, value: Any) -> bool:
    """Tell whether what a new key holds is written below a [header] or a [[header]] of its own.

    containerd 1.5 to 1.7 (go-toml v1) take a "]" for the end of the header, even within quotes.
    """
    return (isinstance(value, dict) or is_array_of_tables(value)) and "]" not in name


def is_array_of_tables(value: Any) -> bool:
    """Tell whether a value can be written as [[tables]]."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def is_mixed(items: list) -> bool:
    """Tell whether a list holds values of several types."""
    return len({type(item) for item in items}) > 1


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TomlError(f"{where}: a text in it is not valid Unicode") from None
    return str.__str__(value)


def _quoted(value: str, quote: str) -> str:
    if quote == "'" and "'" not in value and value.isprintable():
        return f"'{value}'"
    return _basic(value)


def _basic(value: str) -> str:
    # JSON escapes what TOML does except DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
