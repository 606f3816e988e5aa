# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated node that returns the replies a test needs, behind the real action plugins."""

from __future__ import annotations

import base64
import copy
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.airgap.containerd.plugins.action import containerd_config
from ansible_collections.airgap.containerd.plugins.module_utils._change import edit
from ansible_collections.airgap.containerd.plugins.module_utils._node import observe as observe_module
from ansible_collections.airgap.containerd.plugins.module_utils._node import service
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places as places_module

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


def _fail(msg: str, **dummy: Any) -> None:
    """What AnsibleModule does: it ends."""
    raise SystemExit(msg)


def observe(folder: Path, prepared: bool = False) -> dict[str, Any]:
    """Return what the code of the nodes really reads on a node that consists of files in a folder."""
    binary, hosts, config = folder / "containerd", folder / "certs.d", folder / "config.toml"
    if not prepared:
        binary.write_text(CONTAINERD)
        binary.chmod(0o755)
        (hosts / "quay.io").mkdir(parents=True)
        (hosts / "quay.io" / "hosts.toml").write_text('[host."http://registry.lan"]\n')
        (hosts / "quay.io" / "ca.crt").write_text("x")
        config.write_text(CONFIG % hosts)
    endpoints = [{"url": "http://127.0.0.1:9/v2/", "authorization": None, "digest": "d"}]
    places = {"config_file": str(config), "hosts_dir": None, "binary": str(binary), "service": "x", "socket": "/x"}
    if prepared:
        places["hosts_dir"] = str(hosts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places_module, "STATE_DIR", str(folder / "state"))
        patch.setattr(places_module, "DEFAULT_CONFIG", str(config))
        patch.setattr(service, "is_image", lambda found: False)  # wherever the tests run
        module = SimpleNamespace(
            check_mode=True,
            fail_json=_fail,
            load_file_common_arguments=lambda *dummy, **dummy2: {},
            set_fs_attributes_if_different=lambda *dummy: False,
            add_path_info=lambda about: {**about, "uid": 0, "mode": "0644"},
        )
        observed = observe_module.observe({"endpoints": endpoints, **places})
        look = {"path": None, "imports": [], "attributes": {}, "binary": str(binary), "service": "x"}
        return {**messages.as_data(observed), "look": messages.as_data(edit.look(look, module))}


class Connection:
    """Nothing but what `ActionBase` looks at."""

    _play_context = None

    class _shell:
        tmpdir = None


def run(module, result: dict[str, Any], task_vars: dict[str, Any] | None = None, **arguments) -> dict[str, Any]:
    """Run an action plugin whose node answers `result` (the outcome of the module run)."""
    task = SimpleNamespace(
        args=arguments, action="x", async_val=0, check_mode=True, diff=True, _role=None, delegate_to=None,
        environment=None, no_log=False, _uuid="task", get_search_path=lambda: ["/nowhere"],
    )  # fmt: skip
    context = SimpleNamespace(no_log=False, check_mode=True, diff=True, verbosity=4)
    loader = DataLoader()
    parts = {"loader": loader, "templar": Templar(loader=loader), "shared_loader_obj": None}
    action = module.ActionModule(task, Connection(), context, **parts)

    def execute(module_args: dict[str, Any], **dummy: Any) -> dict[str, Any]:
        do = wire.decode(module_args["request"])["do"]
        return replying(LATER[do]) if do in LATER else copy.deepcopy(result)

    action._execute_module = execute
    return action.run(task_vars=task_vars or {})


def answering(module, observed: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a module's first request."""
    if module is containerd_config:
        return observed.get("look")
    return {key: value for key, value in observed.items() if key != "look"}


def replying(data) -> dict:
    return {"changed": False, "reply": wire.encode(data)}


LATER = {"prove": {"refused": [], "unproven": [], "dropped": []}, "rehearse": {"tried": True}}
"""The replies to a module's later requests."""

BOMB = base64.b64encode(zlib.compress(b"[" + b" " * (64 * MEBIBYTE))).decode()
DEEP = base64.b64encode(zlib.compress(b"[" * 100000)).decode()
ANSWERS = {
    "nothing": {},
    "an empty answer": {"reply": ""},
    "no word": {"reply": {"a": 1}},
    "no base64": {"reply": "****"},
    "no deflate": {"reply": "aGVsbG8="},
    "half a word": {"reply": wire.encode({"a": 1})[:12]},
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
"""Replies that no real node gives, by kind."""
