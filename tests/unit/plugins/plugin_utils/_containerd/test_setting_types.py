# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of containerd's settings, against what its releases print as their defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import setting_types
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

DEFAULTS = sorted((Path(__file__).parents[3] / "fixtures").glob("default-*.toml"))


@pytest.mark.parametrize("path", DEFAULTS, ids=lambda path: path.stem)
def test_every_setting_of_every_release_has_its_type(path):
    for keys, value in plain.leaves(load(path.read_text())):
        if keys == ("version",):
            continue
        kinds = {bool: setting_types.BOOLEANS, int: setting_types.INTEGERS, float: setting_types.FLOATS}
        assert [kind for kind, names in kinds.items() if keys[-1] in names] == [type(value)] * (type(value) in kinds)


@pytest.mark.parametrize("path", DEFAULTS, ids=lambda path: path.stem)
def test_every_setting_survives_as_a_string(path):
    data = load(path.read_text())
    strings: dict = {}
    for keys, value in plain.leaves(data):
        plain.deep_merge(strings, plain.nested(list(keys), str(value) if isinstance(value, (int, float)) else value))
    assert setting_types.typed(strings) == data and setting_types.typed(data) == data


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ({"oom_score": "-999"}, {"oom_score": -999}),
        ({"oom_score": "low"}, {"oom_score": "low"}),
        ({"oom_score": "1_000"}, {"oom_score": "1_000"}),
        ({"oom_score": None}, {"oom_score": None}),
        (
            {"plugins": {"cri_runtime": {"enable_selinux": "True"}}},
            {"plugins": {"cri_runtime": {"enable_selinux": True}}},
        ),
        ({"enable_selinux": "yes"}, {"enable_selinux": "yes"}),
        ({"stream_server_port": 10010}, {"stream_server_port": "10010"}),
        ({"stream_server_port": True}, {"stream_server_port": True}),
        ({"unknown": "1"}, {"unknown": "1"}),
        ({"labels": {"gid": "1"}}, {"labels": {"gid": "1"}}),
        ({"version": "2", "grpc": {"gid": "007"}}, {"version": 2, "grpc": {"gid": 7}}),
        (
            {"plugins": {"io.nydus.v1.x": {"version": "2", "gid": "007", "disable": "true"}}},
            {"plugins": {"io.nydus.v1.x": {"version": "2", "gid": "007", "disable": "true"}}},
        ),
        ({"plugins": {"cri": {"version": "2"}}}, {"plugins": {"cri": {"version": "2"}}}),
        ({"plugins": "x"}, {"plugins": "x"}),
        ({"plugins": {"io.nydus.v1.x": 1, "cri": 1}}, {"plugins": {"io.nydus.v1.x": 1, "cri": 1}}),
    ],
)
def test_values(given, typed):
    result = setting_types.typed(given)
    assert result == typed and repr(result) == repr(typed)
