# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a plan and of a node."""

from __future__ import annotations

import json

from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import info as info_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import replies
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs

LOGIN = '[plugins."io.containerd.grpc.v1.cri".registry.configs."r.lan".auth]\npassword = "hunter2"\n'


def observed(text: str, **changes):
    return {
        "version": "containerd x 1.7.24 y",
        "binary": "/usr/bin/containerd",
        "unit": {"found": True, "active": True, "kill_mode": "process"},
        "daemon": {"id": "1:1", "started": 5.0},
        "socket": "/s",
        "cri_error": None,
        "config": {"path": "/c", "content": replies.content(text), "ctime": 1.0},
        "imports": [{"path": "/i", "content": wire.pack(b"\xff"), "ctime": 1.0}],
        "effective": {"error": None, "config_path": "", "mirrors": {"a": ["http://u:hunter2@b"]}, "configs": {}},
        "hosts_dir": "/d",
        "hosts": {
            "quay.io": None,
            "quay.io/hosts.toml": {"content": replies.content("[header]\nA = 'hunter2'\n")},
            "x": None,
        },
        "record": None,
        "unproven": None,
        **changes,
    }


def test_info_is_plain_and_without_secrets():
    info = info_module.info(observed("made = 2026-01-01\n" + LOGIN))
    assert "hunter2" not in json.dumps(info)
    assert info["version"] == "1.7.24" and info["registry"]["set_by"] == ["/c"]
    assert info["files"][0]["data"]["made"] == "2026-01-01" and info["files"][1]["data"].startswith("not TOML")
    assert info["namespaces"] == {"quay.io": {"header": {"A": "********"}}, "x": None}


def test_a_comment_about_registries_sets_none():
    assert info_module.info(observed("# registry\n"))["registry"]["set_by"] == []


def test_a_diff_tells_that_only_a_secret_changes():
    diff = diffs.file_diff("/f", LOGIN, LOGIN.replace("hunter2", "hunter3"))
    assert "only a secret changes" in diff["after_header"] and "hunter" not in str(diff)
    assert diff["before"] != diff["after"]


def test_a_diff_of_a_new_and_of_a_removed_file():
    assert diffs.file_diff("/f", None, "a = 1\n")["before_header"] == "/f (absent)"
    assert diffs.file_diff("/f", "a = 1\n", None)["after_header"] == "/f (absent)"


def test_changes_are_masked():
    (change,) = diffs.changes("", LOGIN)
    assert change["path"][-1] == "password" and change["after"] == "********"


def test_info_tells_which_file_sets_what():
    registry = '[plugins."io.containerd.grpc.v1.cri".registry.configs."a.lan".auth]\nusername = "u"\npassword = "pw1"\n'
    sources = [
        {"path": "/c/config.toml", "content": replies.content('version = 2\nimports = ["d/*.toml"]\n' + registry)},
        {"path": "/c/d/1.toml", "content": replies.content("version = 2\n" + registry.replace("pw1", "pw2"))},
    ]
    seen = {"version": "containerd x 2.1.9 y", "config": {"path": "/c/config.toml"}}
    found = info_module._origins(seen, sources)
    assert {each["path"][-1]: (each["value"], each["file"]) for each in found["settings"]} == {
        "username": ("u", "/c/d/1.toml"),
        "password": ("********", "/c/d/1.toml"),
    }
    (lost,) = found["without_effect"]
    assert lost["file"] == "/c/config.toml" and lost["path"][-1] == "password" and "/c/d/1.toml" in lost["reason"]
    assert info_module._origins({**seen, "version": None}, sources) == {"settings": [], "without_effect": []}
