# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the differential test: real requests of every release are those that resolve foretells."""

from __future__ import annotations

from differential.field import Field
from support import NODES

SEED = 20
PULLS = 12


def test_real_requests_are_those_foretold(lab, tmp_path):
    with Field(lab, NODES, tmp_path) as field:
        report = field.run(SEED, PULLS)
    assert not report.disagreements, "\n".join(report.disagreements)
    assert {each.node for each in report.pulls} == set(NODES)
    assert len(report.pulls) > len(NODES) * PULLS * 0.8 and report.requests > len(report.pulls) and report.logged
