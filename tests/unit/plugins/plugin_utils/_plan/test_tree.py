# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of others that runs replace, and how they come back."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import request, tree

DIRECTORY = "/etc/containerd/certs.d"
PATH = f"{DIRECTORY}/quay.io/hosts.toml"


@pytest.mark.parametrize(("mode", "gid"), [(0o644, 0), (0o640, 5), (0o600, 0)])
def test_a_file_of_others_has_its_mode_again_when_it_comes_back(mode, gid):
    theirs = nodes.tree_file("# theirs\n", mode)
    theirs = theirs._replace(attributes=theirs.attributes._replace(gid=gid))
    found = nodes.tree({"quay.io/hosts.toml": theirs})
    first = tree.plan({"quay.io/hosts.toml": "ours"}, DIRECTORY, found, {}, True)
    node = nodes.node()
    (write,) = request.of_tree(first, node).changes.files
    assert write.mode == 0o600 and write.gid is None
    now = nodes.tree({"quay.io/hosts.toml": "ours"})
    second = tree.plan({"quay.io/hosts.toml": "newer"}, DIRECTORY, now, first.files, True)
    now = nodes.tree({"quay.io/hosts.toml": "newer"})
    (write,) = request.of_tree(tree.plan({}, DIRECTORY, now, second.files, True), node).changes.files
    assert write.path == PATH and write.mode == mode and (write.gid or 0) == gid
