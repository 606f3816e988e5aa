# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many nodes restart containerd at once, whatever the forks: reading stays parallel, restarting does not."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from ansible import constants

_PAUSE = 0.05  # seconds between two looks for a free slot


@contextmanager
def slot(limit: int) -> Iterator[None]:
    """Hold one of `limit` slots that all forks of this run share; 0 means no limit.

    The slots are locked files in the run's own temporary directory, so a killed fork frees its slot.
    """
    if limit <= 0:
        yield
        return
    with ExitStack() as stack:
        folder = vars(constants)["DEFAULT_LOCAL_TMP"]  # made when a run begins, the same for all its forks
        names = [os.path.join(folder, f"restart-{number}") for number in range(limit)]
        handles = [stack.enter_context(open(name, "w", encoding="utf-8")) for name in names]
        while not any(_lock(handle) for handle in handles):
            time.sleep(_PAUSE)
        yield


def _lock(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
