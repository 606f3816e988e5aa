# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots that the forks of a run share."""

from __future__ import annotations

import multiprocessing
import os
import time

import pytest
from ansible import constants

from ansible_collections.airgap.containerd.plugins.plugin_utils._action import throttle

FORKS = 4


def fork(limit, together, inside, most):
    with throttle.slot(limit):
        with inside.get_lock():
            inside.value += 1
            most.value = max(most.value, inside.value)
        # All that may be inside come; who may not has a while to come all the same.
        deadline = time.monotonic() + 20
        while most.value < together and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        with inside.get_lock():
            inside.value -= 1


@pytest.mark.parametrize(("limit", "together"), [(1, 1), (2, 2), (100_000, FORKS), (0, FORKS)])
def test_forks_share_the_slots_of_their_run(limit, together):
    before = set(os.listdir())
    context = multiprocessing.get_context("fork")
    inside, most = context.Value("i", 0), context.Value("i", 0)
    forks = [context.Process(target=fork, args=(limit, together, inside, most)) for dummy in range(FORKS)]
    for each in forks:
        each.start()
    for each in forks:
        each.join()
    assert [each.exitcode for each in forks] == [0] * FORKS and most.value == together
    assert set(os.listdir()) == before
    assert limit == 0 or os.path.exists(os.path.join(constants.DEFAULT_LOCAL_TMP, "restart-0"))
