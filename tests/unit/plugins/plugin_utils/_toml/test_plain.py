# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested plain data."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain

TREES = st.recursive(
    st.integers(0, 2) | st.booleans() | st.text("ab", max_size=1),
    lambda children: st.dictionaries(st.sampled_from("abc"), children, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def undo(old, new):
    """The arguments that revert the change from `old` to `new`: ours, merge, remove."""
    return (plain.delta(old, new)[0], *plain.delta(new, old))


@given(TABLES, TABLES)
def test_revert_undoes_a_change(before, after):
    assert plain.revert(after, *undo(before, after)) == before


@given(TABLES)
def test_revert_leaves_what_others_did(before):
    after = plain.deep_merge(copy.deepcopy(before), {"x": {"y": 1}})
    now = plain.deep_merge(copy.deepcopy(after), {"x": {"z": 2}, "other": {"w": 3}})
    assert plain.revert(now, *undo(before, after)) == {**before, "x": {"z": 2}, "other": {"w": 3}}
    assert plain.revert({"x": {"y": 5}}, *undo({}, {"x": {"y": 1}})) == {"x": {"y": 5}}


@given(TABLES)
def test_nothing_to_do(data):
    assert plain.delta(data, data) == ({}, [])


def test_at():
    assert plain.at({"a": {"b": 1}}, ["a", "b"]) == 1
    assert plain.at({"a": 1}, ["a", "b"]) is None and plain.at({}, ["a"]) is None
