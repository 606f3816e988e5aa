# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One transaction at a time on a node, and only on what it was planned from."""

import errno
import fcntl
import os
import time

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, history
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import Failure

LOCK = "/run/airgap-containerd.lock"
LOCK_SECONDS = 60


class Lock(object):
    """One transaction at a time on a node."""

    def __enter__(self):
        self._handle = os.fdopen(os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        deadline = time.monotonic() + LOCK_SECONDS
        while time.monotonic() < deadline:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                filesystem.sweep([])
                return self
            except (OSError, IOError) as exc:
                if exc.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            time.sleep(0.1)
        raise Failure(
            "another run holds %s on this node; nothing was changed: wait for it to finish, then run again" % LOCK
        )

    def __exit__(self, *dummy):
        self._handle.close()


_OTHERS = "%s on the node while this run was planned, by another run or by hand: nothing was changed, run again"


def check_unchanged(expected):
    """Raise Failure unless files are what the plan was made from, ``{path: sha256 or None}``."""
    for path, digest in sorted(expected.items()):
        if places.digest(filesystem.read(path)) != digest:
            raise Failure(_OTHERS % (path + " changed"))


def check_no_other_run(fingerprint):
    """Raise Failure if the record or the states are others than the plan was made from."""
    if fingerprint != history.fingerprint():
        raise Failure(_OTHERS % "the record of earlier runs changed")
