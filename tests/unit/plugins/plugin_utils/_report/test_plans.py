# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet says, each distinct plan once."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import plans

CHANGED = {
    "changed": True,
    "msg": "containerd 1.7.24: …",
    "warnings": ["mind this"],
    "migrated": ["mirror of own.lan"],
    "config_changes": [
        {"path": ["plugins", "io.containerd.grpc.v1.cri", "x"], "before": "a"},
        {"path": ["version"], "before": 1, "after": 2},
        {"path": ["y"], "after": 2},
    ],
    "written": ["/c/docker.io/hosts.toml", "/c/quay.io/hosts.toml", "/etc/containerd/config.toml"],
    "removed": ["/c/old.lan/hosts.toml"],
}


def test_nodes_with_the_same_plan_share_one():
    unchanged = {"changed": False, "msg": "fine"}
    failed = {"failed": True, "msg": "no\n"}
    gone = {"unreachable": True, "changed": False}
    results = {"n1": failed, "n2": CHANGED, "n3": unchanged, "n4": CHANGED, "n5": gone}
    assert plans.lines(results) == [
        "n2, n4: to change",
        "  containerd 1.7.24: …",
        "  carried over: mirror of own.lan",
        "  warning: mind this",
        '  config.toml: plugins."io.containerd.grpc.v1.cri".x = "a" becomes gone',
        "  config.toml: version = 1 becomes 2",
        "  config.toml: 1 key added",
        "  writes 2 files in /c",
        "  writes /etc/containerd/config.toml",
        "  removes 1 file in /c",
        "",
        "n3: nothing to do",
        "  fine",
        "",
        "n1: cannot be changed",
        "  no",
        "",
        "n5: cannot be changed",
        "  no answer",
    ]


def test_a_large_fleet_fits_on_a_screen():
    results = {f"worker-{number:03d}": CHANGED if number < 200 else {"msg": "fine"} for number in range(300)}
    shown = plans.lines(results)
    assert shown[0] == "worker-000..worker-199 (200 nodes): to change" and len(shown) == 13
    assert shown[-2] == "worker-200..worker-299 (100 nodes): nothing to do"
