# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet says, each distinct plan once."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import fleet

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


def test_nodes_with_the_same_plan_share_an_entry():
    unchanged = {"changed": False, "msg": "fine"}
    failed = {"failed": True, "msg": "no\n"}
    gone = {"unreachable": True, "changed": False}
    results = {"n1": failed, "n2": CHANGED, "n3": unchanged, "n4": CHANGED, "n5": gone}
    assert fleet.plans(results) == [
        {
            "nodes": "n2, n4 (2 nodes, to change)",
            "plan": [
                "containerd 1.7.24: …",
                "carried over: mirror of own.lan",
                "warning: mind this",
                'config.toml: plugins."io.containerd.grpc.v1.cri".x = "a" becomes gone',
                "config.toml: version = 1 becomes 2",
                "config.toml: 1 key added",
                "writes 2 files in /c",
                "writes /etc/containerd/config.toml",
                "removes 1 file in /c",
            ],
        },
        {"nodes": "n3 (1 node, nothing to do)", "plan": ["fine"]},
        {"nodes": "n1 (1 node, cannot be changed)", "plan": ["no"]},
        {"nodes": "n5 (1 node, cannot be changed)", "plan": ["no answer"]},
    ]
