# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that data of a node must have. A node is not trusted: data of another shape is one error for that node.

Shapes: a type (`str` is one line of text, which comes back without control characters; `bytes` a packed file, which
comes back unpacked; `Place` an absolute path, which comes back normalised; `Text` a text of many lines, as it is;
`object` any JSON; a NamedTuple a mapping of its fields, of which those with a default may be left out), None, a tuple
of alternatives (with `Unreadable` among them nothing is an error), `[shape]` for a list, and `{"key": shape, "other?":
shape, str: shape}` for a mapping: `other` may be left out, `str` stands for every key that is not named, and without it
there is none.
"""

from __future__ import annotations

import json
import posixpath
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

Place = NewType("Place", str)
"""An absolute path on a node, normalised: no slash at its end, none doubled, no dots."""

Text = NewType("Text", str)
"""What a file says."""

MAX_NUMBER = 2**63 - 1

T = TypeVar("T")

_KINDS: dict[Any, Any] = {bytes: str, float: (int, float), Place: str, Text: str}

_KIND_NAMES: dict[Any, str] = {
    str: "a text", bytes: "a packed file", bool: "a boolean", int: "a number", float: "a number", list: "a list",
    dict: "a mapping", type(None): "nothing", Place: "an absolute path", Text: "a text",
}  # fmt: skip


class ShapeError(Refusal):
    """Data of another shape; the message says where."""


class Unreadable(NamedTuple):
    """Stands for data of a shape that no alternative has."""

    reason: str


class _Row(NamedTuple):
    """The shape of a list that comes back as a tuple."""

    item: Any


def place(path: str) -> Place:
    """Return an absolute path normalised."""
    return Place("/" + posixpath.normpath(path).lstrip("/"))


def prepare(record: type) -> None:
    """Work out the shapes of a NamedTuple class and of those in it: once, before ansible-core forks for each node."""
    todo: list[Any] = [record]
    seen: list[Any] = []
    while todo:
        shape = todo.pop()
        if _is_record(shape) and shape in seen:
            continue
        if _is_record(shape):
            seen.append(shape)
            shape = tuple(_fields(shape).values())
        elif isinstance(shape, dict):
            shape = tuple(shape.values())
        if isinstance(shape, (list, tuple)):  # a row too
            todo += shape


def parsed(data: Any, kind: type[T], where: str = "reply") -> T:
    """Return data as an instance of a NamedTuple class, in depth; raises ShapeError."""
    return cast(T, checked(data, kind, where))


def checked(data: Any, shape: Any, where: str = "reply") -> Any:
    """Return a copy of data that has the shape; raises ShapeError with the place where it has not."""
    if isinstance(shape, _Row) and isinstance(data, list):
        return tuple(checked(item, shape.item, f"{where}[{index}]") for index, item in enumerate(data))
    if _is_alternatives(shape):
        return _one_of(data, shape, where)
    if isinstance(shape, list) and isinstance(data, list):
        return [checked(item, shape[0], f"{where}[{index}]") for index, item in enumerate(data)]
    if isinstance(data, dict) and (isinstance(shape, dict) or _is_record(shape)):
        return (
            _mapping(data, shape, where) if isinstance(shape, dict) else shape(**_mapping(data, _fields(shape), where))
        )
    if shape is object or (shape is None and data is None):
        return _encodable(data, where)
    kind = _kind(shape)
    if isinstance(data, str) and kind in _READERS:
        return _READERS[kind](data, where)
    if shape in (int, bool, float) and type(data) in (shape, int if shape is float else shape):
        return _bounded(data, where)
    raise ShapeError(
        f"{where or 'it'} is {_KIND_NAMES.get(type(data), 'something else')} but {_KIND_NAMES[kind]} is required"
        .lstrip(".")
    )  # fmt: skip


def _one_of(data: Any, shapes: tuple[Any, ...], where: str) -> Any:
    """Return data in the shape that is meant for it, or why it has none, where that is allowed."""
    if Unreadable not in shapes:
        return checked(data, _alternative(data, shapes), where)
    try:
        return _one_of(data, tuple(each for each in shapes if each is not Unreadable), "")
    except ShapeError as exc:
        return Unreadable(str(exc))


def _is_record(shape: Any) -> bool:
    return isinstance(shape, type) and hasattr(shape, "_fields")


def _is_alternatives(shape: Any) -> bool:
    return isinstance(shape, tuple) and not isinstance(shape, _Row)


def _kind(shape: Any) -> Any:
    """Return the Python type that stands for a shape in messages."""
    if isinstance(shape, _Row):
        return list
    if _is_record(shape):
        return dict
    return type(shape) if shape is None or isinstance(shape, (dict, list, tuple)) else shape


@cache
def _fields(record: Any) -> dict[str, Any]:
    """Return the shape of a NamedTuple's fields."""
    hints = get_type_hints(record)
    return {name + ("?" if name in record._field_defaults else ""): _shape(hints[name]) for name in record._fields}


def _shape(hint: Any) -> Any:
    """Return the shape for a type as it is annotated."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return object
    if hint is type(None):
        return None
    if origin in (Union, types.UnionType):
        return tuple(map(_shape, inner))
    if origin is tuple:
        return _Row(_shape(inner[0]))
    if origin is list:
        return [_shape(inner[0])]
    return {str: _shape(inner[1])} if origin in (dict, Mapping) else hint


def _alternative(data: Any, shapes: tuple[Any, ...]) -> Any:
    """Return the shape that is meant for this data; one to fail with, where none is."""
    of_kind = [shape for shape in shapes if isinstance(data, _KINDS.get(_kind(shape), _kind(shape)))]
    for shape in of_kind:
        known = _fields(shape) if _is_record(shape) else shape if isinstance(shape, dict) else ()
        if all(key in data for key in known if key is not str and not key.endswith("?")):
            return shape
    return [*of_kind, *shapes][0]


def _mapping(data: dict[str, Any], shape: Mapping[Any, Any], where: str) -> dict[str, Any]:
    known = {key.rstrip("?"): inner for key, inner in shape.items() if key is not str}
    unknown = sorted(set(data) - set(known))
    missing = sorted(name for name in known if name in shape and name not in data)
    if missing or (unknown and str not in shape):
        problem = f"lacks {missing[0]!r}" if missing else f"has {_text.line(unknown[0])!r}, which is unknown"
        raise ShapeError(f"{where or 'it'} {problem}".lstrip("."))
    return {
        _text.line(name): checked(value, known[name] if name in known else shape[str], f"{where}.{_text.line(name)}")
        for name, value in data.items()
    }


def _bounded(number: float, where: str) -> float:
    """Return a number that every program takes for one."""
    if not -MAX_NUMBER <= number <= MAX_NUMBER:  # also true of NaN
        raise ShapeError(f"{where or 'it'} is too large a number".lstrip("."))
    return number


def _encodable(data: Any, where: str) -> Any:
    try:
        json.dumps(data, ensure_ascii=False, default=str, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise ShapeError(f"{where or 'it'} contains text that is not Unicode".lstrip(".")) from None
    except ValueError:
        raise ShapeError(f"{where or 'it'} contains a number that is not finite".lstrip(".")) from None
    return data


def _line(data: str, where: str) -> str:
    return _text.line(data)


def _place(data: str, where: str) -> Place:
    path = _text.line(data)
    if not path.startswith("/"):
        raise ShapeError(f"{where or 'it'} is not an absolute path".lstrip("."))
    return place(path)


def _unpacked(data: str, where: str) -> bytes | None:
    try:
        return wire.unpack(data)
    except ValueError:
        raise ShapeError(f"{where or 'it'} is not base64".lstrip(".")) from None


_READERS: dict[Any, Any] = {str: _line, bytes: _unpacked, Place: _place, Text: _encodable}
