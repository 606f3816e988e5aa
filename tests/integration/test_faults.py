# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the fault campaign, the same in every run; `make faults` carries out all of it."""

from __future__ import annotations

from airgap_faults import campaign
from support import NODES


def test_a_sample_of_faults(lab):
    tally = campaign.run(lab, (NODES[0], NODES[-1]), number=3, seed=5, every=False, tell=print)
    assert not tally.findings, "\n".join(tally.findings)
    assert sum(tally.faults.values()) >= 2, "most faults must come to pass"
