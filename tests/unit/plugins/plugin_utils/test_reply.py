# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that answer what no node half answers: one error for that node, from the real action plugins."""

from __future__ import annotations

import base64
import copy
import json
import zlib
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.action import (
    containerd_config,
    containerd_hosts,
    containerd_info,
    containerd_registry,
)
from ansible_collections.airgap.containerd.plugins.module_utils import _edit, _history, _observe, _wire
from ansible_collections.airgap.containerd.plugins.plugin_utils import reply

MEBIBYTE = 1 << 20
CONTAINERD = """#!/bin/sh
[ "$1" = --version ] && echo "containerd github.com/containerd/containerd 1.7.24 x" && exit
[ "$4" = migrate ] && exit 3
cat "$2"
"""
CONFIG = """version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "%s"
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
endpoint = ["http://registry.lan"]
[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.lan".auth]
password = "hunter2"
"""


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """What the node half really reads, on a node made of files."""
    folder = tmp_path_factory.mktemp("node")
    binary = folder / "containerd"
    binary.write_text(CONTAINERD)
    binary.chmod(0o755)
    hosts = folder / "certs.d"
    (hosts / "quay.io").mkdir(parents=True)
    (hosts / "quay.io" / "hosts.toml").write_text('[host."http://registry.lan"]\n')
    (hosts / "quay.io" / "ca.crt").write_text("x")
    config = folder / "config.toml"
    config.write_text(CONFIG % hosts)
    endpoints = [{"url": "http://127.0.0.1:9/v2/", "authorization": None, "digest": "d"}]
    places = {"config_file": str(config), "hosts_dir": None, "binary": str(binary), "service": "x", "socket": "/x"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_history, "STATE_DIR", str(folder / "state"))
        patch.setattr(_observe, "DEFAULT_CONFIG", str(config))
        module = SimpleNamespace(
            check_mode=True,
            load_file_common_arguments=lambda *dummy, **dummy2: {},
            set_fs_attributes_if_different=lambda *dummy: False,
            add_path_info=lambda about: {**about, "uid": 0, "mode": "0644"},
        )
        look = {"do": "look", "path": None, "imports": [], "attributes": {}}
        seen = _edit.look({**look, "binary": str(binary), "service": "x"}, module)
        return {**_observe.observe({"do": "observe", "endpoints": endpoints, **places}), "look": seen}


class Connection:
    """Nothing but what `ActionBase` looks at."""

    _play_context = None

    class _shell:
        tmpdir = None


def run(module, result, **arguments):
    """Run an action plugin whose node answers `result` (the outcome of the module run)."""
    task = SimpleNamespace(
        args=arguments, action="x", async_val=0, check_mode=True, diff=True, _role=None, delegate_to=None,
        environment=None, no_log=False,
    )  # fmt: skip
    context = SimpleNamespace(no_log=False, check_mode=True, diff=True, verbosity=4)
    action = module.ActionModule(task, Connection(), context, loader=None, templar=None, shared_loader_obj=None)
    action._execute_module = lambda **dummy: copy.deepcopy(result)
    return action.run(task_vars={})


def answering(module, observed) -> dict:
    """Return the answer to what a module asks first."""
    if module is containerd_config:
        return observed.get("look")
    return {key: value for key, value in observed.items() if key != "look"}


def replying(data) -> dict:
    return {"changed": False, "reply": _wire.encode(data)}


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
    assert reply.checked(answers.pop("look"), reply.LOOK) == observed["look"]
    assert reply.checked(answers, reply.OBSERVATION) == {**answering(None, observed)}
    for module, arguments in MODULES.values():
        observed = {**observed, "endpoints": []}
        result = run(module, replying(answering(module, observed)), **arguments)
        assert not result.get("failed") and "hunter2" not in json.dumps(result), result


BOMB = base64.b64encode(zlib.compress(b"[" + b" " * (64 * MEBIBYTE))).decode()
DEEP = base64.b64encode(zlib.compress(b"[" * 100000)).decode()
HOSTILE = {
    "nothing": {},
    "an empty answer": {"reply": ""},
    "no word": {"reply": {"a": 1}},
    "no base64": {"reply": "****"},
    "no deflate": {"reply": "aGVsbG8="},
    "half a word": {"reply": _wire.encode({"a": 1})[:12]},
    "more behind the end": {"reply": base64.b64encode(zlib.compress(b"{}") + b"x").decode()},
    "a deflate bomb": {"reply": BOMB},
    "megabytes": {"reply": "A" * (17 * MEBIBYTE)},
    "nested a hundred thousand times": {"reply": DEEP},
    "no JSON": {"reply": base64.b64encode(zlib.compress(b"{]")).decode()},
    "no UTF-8": {"reply": base64.b64encode(zlib.compress(b'"\xff"')).decode()},
    "a number of 5000 digits": {"reply": base64.b64encode(zlib.compress(b"1" * 5000)).decode()},
    "a list": replying([]),
    "null": replying(None),
    "an empty mapping": replying({}),
    "a failure of megabytes": {"failed": True, "msg": "x" * MEBIBYTE},
    "a failure that is no text": {"failed": True, "msg": ["{{ 1 + 1 }}"], "module_stderr": {"a": 1}},
    "a failure that moves the cursor": {"failed": True, "msg": "\x1b[2J\x1b]0;owned\x07\r\nok: [n2]"},
    "a failure with half characters": {"failed": True, "msg": "there is no \ud800\udcff"},
    "a crash of megabytes": {"failed": True, "module_stderr": "Traceback\n" + "x" * MEBIBYTE},
}


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_answers(module, case):
    action, arguments = MODULES[module]
    result = run(action, HOSTILE[case], **arguments)
    assert result["failed"] and set(result) == {"failed", "msg"}
    assert 10 < len(result["msg"]) < reply.MAX_LINE + 200 and result["msg"].isprintable()
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
    "files": {"/x/quay.io/hosts.toml": {"sha256": "x", "original": None, "previous": "y"}},
    "config": {
        "sha256": "x", "original": "a = 1\n", "exact": False,
        "undo": {"ours": {"a": {"b": 1}}, "merge": {"c": 1}, "remove": [["d", "e"]]},
    },
    "endpoints": {"http://registry.lan/v2/": {"url": "u", "auth": "basic", "digest": "d", "error": None}},
    "proven": {"daemon": "1:1", "registry": "d"},
    "hosts": {"/x/a/hosts.toml": {"sha256": "x", "original": "", "previous": "y"}},
}  # fmt: skip
LIES = [KeyError, None, True, -1, 1e308, float("nan"), "", "{{ 1 + 1 }}", "x" * 5000, "\x1b[31m\n", "\ud800", [], {}]
LIES += [[[]], {"a": {}}, ["{{ 1 }}"], {"": None}, _wire.pack(b"\xff\xfe"), _wire.pack(b"a = " + b"[" * 500)]
LIES += [_wire.pack(b"[plugins]\na = 1\nb = []\n[registry]\n"), _wire.pack(b'[plugins.x]\nregistry = "y"\n'), "../../x"]
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
    answer = {**observed, "endpoints": [], "config": {**observed["config"], "content": _wire.pack(text.encode())}}
    answer["look"] = {
        **observed["look"],
        "files": [{**observed["look"]["files"][0], "content": _wire.pack(text.encode())}],
    }
    for module, arguments in MODULES.values():
        result = run(module, replying(answering(module, answer)), **arguments)
        assert not result.get("failed") or result["msg"].isprintable()
        assert all(
            path.startswith(observed["hosts_dir"]) and ".." not in path for path in result.get("written", [])[:-1]
        )


@settings(max_examples=300, deadline=None)
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
