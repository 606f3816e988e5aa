# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was rendered is shown once for all nodes that have the same."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import rendered


def test_nodes_with_the_same_files_are_on_one_line():
    results = {f"n{number}": {"msg": f"15 files, in /tmp/rendered/n{number}"} for number in range(1, 9)}
    results["n9"] = {"msg": "3 files, in /tmp/rendered/n9"}
    assert rendered.lines(results) == [
        "n[1:8] (8 nodes): 15 files, in /tmp/rendered/…",
        "n9: 3 files, in /tmp/rendered/n9",
    ]
