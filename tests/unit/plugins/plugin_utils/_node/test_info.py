# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a plan and of a node."""

from __future__ import annotations

import json

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import info
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation, without_containerd
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs

TODAY = "2026-11-28"
LOGIN = '[plugins."io.containerd.grpc.v1.cri".registry.configs."r.lan".auth]\npassword = "hunter2"\n'


def observed(text: str) -> Observation:
    return nodes.node(
        "1.7.24",
        config=nodes.file(text, "/c"),
        imports=(nodes.file(b"\xff", "/i"),),
        effective=Effective(mirrors={"a": ["http://u:hunter2@b"]}),
        hosts=nodes.tree({"quay.io/hosts.toml": "[header]\nA = 'hunter2'\n"}, directories=("x",)),
    )


def test_info_is_plain_and_without_secrets():
    shown = info.info(observed("made = 2026-01-01\n" + LOGIN), TODAY)
    assert "hunter2" not in json.dumps(shown)
    assert shown["version"] == "1.7.24" and shown["registry"]["set_by"] == ["/c"]
    assert shown["files"][0]["data"]["made"] == "2026-01-01" and shown["files"][1]["data"].startswith("not TOML")
    assert shown["namespaces"] == {"quay.io": {"header": {"A": "********"}}, "x": None}


def test_without_containerd_nobody_knows_what_is_in_effect():
    shown = info.info(without_containerd(), TODAY)
    assert shown["version"] is None and shown["registry"]["config_path"] is shown["registry"]["mirrors"] is None
    assert info.info(nodes.node("1.7.24"), TODAY)["registry"]["config_path"] == ""


def test_how_long_its_release_is_looked_after():
    here = nodes.node("2.3.4")._replace(version=f"containerd containerd.io 2.3.4 {'ab' * 20}")
    known = {"end_of_life": "2028-04-30", "security_update": "2.3.5", "package": False}
    assert info.info(here, TODAY)["support"] == known
    assert info.supported(here, TODAY).warnings
    assert info.info(nodes.node("1.3.9"), TODAY)["support"] is None is info.info(without_containerd(), TODAY)["support"]


def test_a_comment_about_registries_sets_none():
    assert info.info(observed("# registry\n"), TODAY)["registry"]["set_by"] == []


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
        nodes.file('version = 2\nimports = ["d/*.toml"]\n' + registry, "/c/config.toml"),
        nodes.file("version = 2\n" + registry.replace("pw1", "pw2"), "/c/d/1.toml"),
    ]
    seen = nodes.node("2.1.9", config=sources[0])
    found = info._origins(seen, sources)
    assert {each["path"][-1]: (each["value"], each["file"]) for each in found["settings"]} == {
        "username": ("u", "/c/d/1.toml"),
        "password": ("********", "/c/d/1.toml"),
    }
    (lost,) = found["without_effect"]
    assert lost["file"] == "/c/config.toml" and lost["path"][-1] == "password" and "/c/d/1.toml" in lost["reason"]
    assert info._origins(seen._replace(version=None), sources) == {"settings": [], "without_effect": []}


def test_the_containerd_of_a_kubernetes_is_not_to_be_installed():
    node = nodes.node(None, version_error="No such file; k3s has a containerd of its own: /var/lib/rancher/k3s is here")
    with pytest.raises(Refusal, match="that of its Kubernetes distribution .*k3s is here.*once, configure any other"):
        node.require_containerd()
    node.require_containerd("1.7.24")
