# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many nodes restart containerd at once, whatever the forks: reading stays parallel, restarting does not."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.airgap.containerd.plugins.plugin_utils._action import local

_PAUSE = 0.05  # seconds between two looks for a free slot


@contextmanager
def slot(limit: int) -> Iterator[None]:
    """Hold one of `limit` slots that all forks of this run share; 0 means no limit.

    The slots are locked files in the run's own temporary directory, so a killed fork frees its slot.
    """
    if limit <= 0:
        yield
        return
    held = None
    while held is None:
        slots = (_locked(local.of_this_run(f"restart-{number}")) for number in range(limit))
        held = next((each for each in slots if each is not None), None)
        if held is None:
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        os.close(held)


def _locked(name: str) -> int | None:
    """Return a handle of a file that is locked by it; None where another fork holds it."""
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
