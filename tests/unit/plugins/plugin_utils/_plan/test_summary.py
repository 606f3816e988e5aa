# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a plan."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import summary, tree, undo


@pytest.mark.parametrize(
    ("writes", "removes", "after", "told"),
    [
        (0, 0, None, ""),
        (0, 0, "a = 1\n", "1 file changes; "),
        (13, 0, "a = 1\n", "14 files change; "),
        (1, 1, None, "1 file changes, 1 file is removed; "),
        (0, 2, None, "2 files are removed; "),
    ],
)
def test_a_node_that_changes_reads_unlike_one_that_does_not(writes, removes, after, told):
    planned = tree.nothing()._replace(
        writes=dict.fromkeys(map(str, range(writes)), ""), removes=[str(each) for each in range(removes)]
    )
    plan = undo.make_absent(nodes.node("1.7.24", None))._replace(
        tree=planned, config_after=after, mode="config_path", namespaces=["a", "*"]
    )
    assert summary.sentence(plan, "/c", "http://r", "no restart").endswith(f"(config_path); {told}no restart")


def test_files_that_differ_in_the_name_alone_are_shown_once():
    def text(name, server="http://m.lan"):
        return f'# Images of {name} come from:\nserver = "{server}"\n'

    written = {
        "/c/_default/hosts.toml": text("all other registries"),
        "/c/docker.io/hosts.toml": text("docker.io"),
        "/c/ghcr.io/hosts.toml": text("ghcr.io", "http://m.lan/v2/ghcr"),
        "/c/quay.io/hosts.toml": text("quay.io"),
        "/c/r.lan_5000_/hosts.toml": text("r.lan:5000"),
        "/c/gcr.io/hosts.toml": text("gcr.io"),
        "/d/gcr.io/hosts.toml": text("gcr.io"),
    }
    planned = tree.nothing()._replace(
        writes=written,
        removes=["/c/a.io/hosts.toml", "/c/b.io/hosts.toml"],
        before={
            "/c/gcr.io/hosts.toml": "old",
            "/c/a.io/hosts.toml": text("a.io", "https://a.io"),
            "/c/b.io/hosts.toml": text("b.io", "https://b.io"),
        },
    )
    assert [(each["before_header"], each["after_header"]) for each in summary.tree_diff(planned)] == [
        ("/c/_default/hosts.toml (absent)", "/c/_default/hosts.toml, and the same in docker.io, quay.io, r.lan_5000_"),
        ("/c/ghcr.io/hosts.toml (absent)", "/c/ghcr.io/hosts.toml"),
        ("/c/gcr.io/hosts.toml", "/c/gcr.io/hosts.toml"),
        ("/d/gcr.io/hosts.toml (absent)", "/d/gcr.io/hosts.toml"),
        ("/c/a.io/hosts.toml", "/c/a.io/hosts.toml (absent), and the same in b.io"),
    ]
