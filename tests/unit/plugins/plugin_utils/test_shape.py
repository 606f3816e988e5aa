# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data of a node, held against the shapes that it must have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place, ShapeError, checked, parsed


class Inner(NamedTuple):
    number: int
    text: str | None = None


class Outer(NamedTuple):
    path: Place
    content: bytes | None
    inner: tuple[Inner, ...]
    either: Inner | None
    named: Mapping[str, Inner | None] = {}
    anything: Any = None


GOOD = {"path": "/a", "content": "YQ==", "inner": [], "either": None}


def test_data_become_instances_in_depth():
    data = {
        **GOOD,
        "inner": [{"number": 1}],
        "either": {"number": 2, "text": "b"},
        "named": {"c": None, "d": {"number": 3}},
    }
    assert parsed(data, Outer) == Outer(Place("/a"), b"a", (Inner(1),), Inner(2, "b"), {"c": None, "d": Inner(3)})


@pytest.mark.parametrize(
    ("path", "place"),
    [("/a/b/", "/a/b"), ("//a//b", "/a/b"), ("/a/./b/../c", "/a/c"), ("/", "/"), ("/a\x1b", "/a?")],
)
def test_paths_are_normalised_where_they_enter(path, place):
    assert parsed({**GOOD, "path": path}, Outer).path == place


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"path": "a"}, "reply.path is not an absolute path"),
        ({"path": 1}, "reply.path is a number but an absolute path is required"),
        ({"content": "****"}, "reply.content is not base64"),
        ({"content": 5}, "reply.content is a number but a packed file is required"),
        ({"inner": {}}, "reply.inner is a mapping but a list is required"),
        ({"inner": [{"number": True}]}, r"reply.inner\[0\].number is a boolean but a number is required"),
        ({"inner": [{}]}, r"reply.inner\[0\] lacks 'number'"),
        ({"inner": [5]}, r"reply.inner\[0\] is a number but a mapping is required"),
        ({"either": {"text": "a"}}, "reply.either lacks 'number'"),
        ({"either": {"number": 1, "more": 1}}, "reply.either has 'more', which is unknown"),
        ({"named": {"c": {"number": "1"}}}, "reply.named.c.number is a text but a number is required"),
        ({"anything": ["\ud800"]}, "reply.anything contains text that is not Unicode"),
        ({"more": 1}, "reply has 'more', which is unknown"),
    ],
)
def test_another_shape_is_an_error_that_names_the_place(changes, problem):
    with pytest.raises(ShapeError, match=problem):
        parsed({**GOOD, **changes}, Outer)


def test_shapes_of_mappings_and_lists():
    shape = {"a": int, "b?": [str], str: object}
    assert checked({"a": 1, "b": ["x\n"], "c": {"d": None}}, shape) == {"a": 1, "b": ["x "], "c": {"d": None}}
    with pytest.raises(ShapeError, match="lacks 'a'"):
        checked({}, shape)


def test_what_is_prepared_is_there_before_it_is_needed():
    _shape._fields.cache_clear()
    _shape.prepare(Outer)
    known = _shape._fields.cache_info().misses
    parsed({**GOOD, "inner": [{"number": 1}]}, Outer)
    assert _shape._fields.cache_info().misses == known == 2


@pytest.mark.parametrize("number", [10**4000, -(2**63), 1e300, float("inf"), float("nan")])
def test_a_number_is_one_that_every_program_takes_for_one(number):
    for shape in (int, float, (float, None), object):
        if shape is object and math.isfinite(number) if isinstance(number, float) else shape is object:
            continue  # any JSON
        if shape is int and isinstance(number, float):
            continue
        with pytest.raises(ShapeError, match="number"):
            checked(number, shape)


def test_what_is_unreadable_says_why_where_that_is_allowed():
    shape = (Inner, _shape.Unreadable, None)
    assert checked({"number": 1}, shape) == Inner(1) and checked(None, shape) is None
    assert checked({"number": "x"}, shape) == _shape.Unreadable("number is a text but a number is required")
    assert checked([], shape) == _shape.Unreadable("it is a list but a mapping is required")
