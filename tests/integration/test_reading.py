# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of generated configurations: what each real containerd reads in them is what we say, or we say nothing."""

from __future__ import annotations

from reading import trial
from support import NODES

SEED = 5
CONFIGURATIONS = 25


def test_what_is_read_is_what_is_told(lab):
    found = trial.run(lab, NODES, SEED, CONFIGURATIONS)
    assert not any(each.wrong for each in found), "\n\n".join(each.describe() for each in found if each.wrong)
    assert sum(each.is_compared for each in found) > len(found) / 3
