# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested plain data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.plugin_utils import plain

TREES = st.recursive(
    st.integers(0, 2) | st.booleans() | st.text("ab", max_size=1),
    lambda children: st.dictionaries(st.sampled_from("abc"), children, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


@given(TABLES, TABLES)
def test_delta_and_patch_are_inverse(before, after):
    merge, remove = plain.delta(before, after)
    assert plain.patch(before, merge, remove) == after


@given(TABLES)
def test_nothing_to_do(data):
    assert plain.delta(data, data) == ({}, [])


def test_at():
    assert plain.at({"a": {"b": 1}}, ["a", "b"]) == 1
    assert plain.at({"a": 1}, ["a", "b"]) is None and plain.at({}, ["a"]) is None


def test_patch_leaves_its_input_alone():
    data = {"a": {"b": {}}}
    plain.patch(data, {"a": {"b": {"c": 1}}}, [])
    assert data == {"a": {"b": {}}}
