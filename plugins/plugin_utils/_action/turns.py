# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fork of a task does something for the others, and what they tell each other about it.

They do so in files of the run's own temporary directory; no secrets are in them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.airgap.containerd.plugins.plugin_utils._action import local

_OPEN = "open"


class Words:
    """What the forks that came earlier with a name have left for the later ones."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        lines = os.pread(handle, os.fstat(handle).st_size, 0).decode().splitlines()
        self.is_open = _OPEN in lines
        self.left = [each for each in lines if each != _OPEN]

    def leave(self, word: str) -> None:
        """Leave a word."""
        os.write(self._handle, f"{word}\n".encode())

    def open(self) -> None:
        """Let all others go on at once."""
        self.leave(_OPEN)


@contextmanager
def in_turn(task: str, name: str) -> Iterator[Words]:
    """Let the forks that come with a name go on one after the other, until one opens the way for all, or fails."""
    handle = os.open(_path(task, name), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # which ends with the fork, at the latest
        words = Words(handle)
        if words.is_open:
            fcntl.flock(handle, fcntl.LOCK_UN)
        try:
            yield words
        except BaseException:
            words.open()
            raise
    finally:
        os.close(handle)


def claim(task: str, name: str, host: str) -> str | None:
    """Return the host whose fork came first with a name, None where it is this one."""
    path = _path(task, name)
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(host)
    except FileExistsError:
        with open(path, encoding="utf-8") as file:
            first = file.read() or "another node"
        return None if first == host else first
    return None


def _path(task: str, name: str) -> str:
    return local.of_this_run(f"airgap-containerd-{task}-{name}")
