# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with replies that no real node gives: one error for that node, from the real action plugins."""

from __future__ import annotations

import copy
import json

import pytest
from fake_node import ANSWERS, answering, observe, replying, run
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.action import (
    containerd_config,
    containerd_hosts,
    containerd_info,
    containerd_registry,
)
from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Look
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import ShapeError


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    return observe(tmp_path_factory.mktemp("node"))


MODULES = {
    "registry": (
        containerd_registry,
        {"url": "http://registry.lan", "username": "u", "password": "hunter2", "restart": False},
    ),
    "info": (containerd_info, {}),
    "config": (containerd_config, {"merge": {"oom_score": 1}}),
    "hosts": (containerd_hosts, {"namespaces": {"quay.io": {"server": {"url": "http://registry.lan"}}}}),
}


def test_what_a_node_really_answers_is_accepted(observed):
    answers = json.loads(json.dumps(observed))
    look, node = _shape.parsed(answers.pop("look"), Look), _shape.parsed(answers, Observation)
    assert look.files[0] == node.config and node.config.path == observed["config"]["path"]
    assert set(node._fields) == set(answers) and set(look._fields) == set(observed["look"])
    for module, arguments in MODULES.values():
        observed = {**observed, "endpoints": []}
        result = run(module, replying(answering(module, observed)), **arguments)
        assert not result.get("failed") and "hunter2" not in json.dumps(result), result


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("case", ANSWERS)
def test_hostile_answers(module, case):
    action, arguments = MODULES[module]
    result = run(action, ANSWERS[case], **arguments)
    assert result["failed"] and set(result) == {"failed", "msg"}
    assert 10 < len(result["msg"]) < _text.MAX_LINE + 200 and result["msg"].isprintable()
    result["msg"].encode()


def paths(data, path=()):
    """Every place in nested data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from paths(value, (*path, key))


def replaced(data, path, value):
    data = copy.deepcopy(data)
    if not path:
        return value
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


RECORD = {
    "format": 1,
    "files": {"/x/quay.io/hosts.toml": {"sha256": "x", "original": None}},
    "config": {
        "sha256": "x", "original": "a = 1\n", "exact": False,
        "undo": {"ours": {"a": {"b": 1}}, "merge": {"c": 1}, "remove": [["d", "e"]]},
    },
    "endpoints": {"http://registry.lan/v2/": {"url": "u", "auth": "basic", "digest": "d", "error": None}},
    "proven": {"daemon": "1:1", "files": {"/etc/containerd/config.toml": "d"}},
    "hosts": {"/x/a/hosts.toml": {"sha256": "x", "original": ""}},
}  # fmt: skip
LIES = [KeyError, None, True, -1, 1e308, float("nan"), "", "{{ 1 + 1 }}", "x" * 5000, "\x1b[31m\n", "\ud800", [], {}]
LIES += [[[]], {"a": {}}, ["{{ 1 }}"], {"": None}, wire.pack(b"\xff\xfe"), wire.pack(b"a = " + b"[" * 500)]
LIES += [wire.pack(b"[plugins]\na = 1\nb = []\n[registry]\n"), wire.pack(b'[plugins.x]\nregistry = "y"\n'), "../../x"]
V2 = 'plugins."io.containerd.grpc.v1.cri".registry'
CONFIG_LIES = [
    "mirrors = 5",
    "mirrors.x = 5",
    "mirrors.x.endpoint = 'x'",
    "mirrors.x.endpoint = ['http://[']",
    "mirrors.x.endpoint = ['http://a:b', '//', '', '::']",
    "mirrors.'../../etc'.endpoint = ['http://h']",
    "mirrors.''.endpoint = ['http://h']",
    "mirrors.\"a\\u0000b\".endpoint = ['http://h']",
    "mirrors.'{{ 1 }}'.endpoint = ['http://h']",
    "configs.x = [1]",
    "configs.x.tls = 1",
    "configs.x.tls.ca_file = 1",
    "configs.x.tls = {cert_file = [1], key_file = 2}",
    "configs.x.auth = 'y'",
    "config_path = 1",
]


@pytest.mark.parametrize("lie", CONFIG_LIES)
def test_a_configuration_that_no_containerd_reads(observed, lie):
    text = f"version = 2\n{V2}.{lie}\n"
    answer = {**observed, "endpoints": [], "config": {**observed["config"], "content": wire.pack(text.encode())}}
    answer["look"] = {
        **observed["look"],
        "files": [{**observed["look"]["files"][0], "content": wire.pack(text.encode())}],
    }
    for module, arguments in MODULES.values():
        result = run(module, replying(answering(module, answer)), **arguments)
        assert not result.get("failed") or result["msg"].isprintable()
        assert all(
            path.startswith(observed["hosts_dir"]) and ".." not in path for path in result.get("written", [])[:-1]
        )


def test_a_file_is_described_whole_or_not_at_all(observed):
    answer = json.loads(json.dumps({key: value for key, value in observed.items() if key != "look"}))
    del answer["config"]["attributes"]["mode"]
    with pytest.raises(ShapeError, match="config.attributes lacks 'mode'"):
        _shape.parsed(answer, Observation)


@pytest.mark.properties
@given(st.data())
def test_lies(observed, data):
    """Whatever is replaced in an answer, the outcome is a plan or one of the refusals, never a traceback."""
    answer = {**json.loads(json.dumps(observed)), "record": copy.deepcopy(RECORD), "endpoints": []}
    for lie in data.draw(st.lists(st.sampled_from(LIES), min_size=1, max_size=3)):
        answer = replaced(answer, data.draw(st.sampled_from(list(paths(answer))[1:])), lie)
    for module, arguments in MODULES.values():
        result = run(module, replying(answering(module, answer)), **arguments)
        assert not result.get("failed") or result["msg"].isprintable()
        json.dumps(result).encode()
