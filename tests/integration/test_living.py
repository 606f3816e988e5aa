# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short walk through the life of nodes: whatever happens to them, the role finds its way back and loses nothing."""

from __future__ import annotations

from living.walk import Walk
from support import NODES

SEED = 2
STEPS = 100


def test_nodes_live(lab, play, tmp_path):
    walk = Walk(lab, play, NODES, tmp_path, SEED)
    try:
        walk.go(STEPS)
    finally:
        lab.reset(*NODES)
    assert not walk.faults, "\n".join(map(str, walk.faults))
    assert walk.steps >= STEPS
    told = "\n".join(line for lines in walk.history.values() for line in lines)
    assert told.count("registries") > len(NODES), "most runs do what they are asked for"
