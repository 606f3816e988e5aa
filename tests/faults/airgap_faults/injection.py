# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults at system calls: strace kills the process on the node as it enters one, or makes one fail."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

RENAMING = ("rename", "renameat", "renameat2")
# Those that change the file system, and those with which the restart and its proof begin.
CHANGING = (
    "openat", "write", "fsync", *RENAMING, "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir",
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat",
)  # fmt: skip
STARTING = ("clone", "clone3", "vfork", "fork", "connect")
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)")
_PLACES = ("/etc/containerd", "/var/lib/airgap-containerd")

ERRORS = {
    "write": ("ENOSPC", "EIO"),
    "openat": ("ENOSPC", "EROFS"),
    "mkdirat": ("ENOSPC", "EROFS"),
    **dict.fromkeys(RENAMING, ("ENOSPC", "EROFS", "EIO")),
    "fsync": ("EIO", "ENOSPC"),
    "unlinkat": ("EROFS",),  # of a directory too
}


class Point(NamedTuple):
    """The `count`th call of its kind by the process that changes the node; with `error` it fails, else it kills."""

    call: str
    count: int
    error: str | None = None

    def __str__(self) -> str:
        return f"{self.error or 'SIGKILL'} at {self.call} {self.count}"

    @property
    def kind(self) -> str:
        """What happens at the call."""
        return self.error or "SIGKILL"

    @property
    def spares_restart(self) -> bool:
        """Whether it is between commit and verification, when nobody else may do the pending restart."""
        return self.call in STARTING

    def strace(self, log: Path) -> list[str]:
        """The options that inject this fault into the command that follows them."""
        how = f"error={self.error}" if self.error else "signal=SIGKILL"
        fast = ("--seccomp-bpf",) if self.error else ()  # with it, strace injects no signals
        return _strace(self.call, log, *fast, "-e", f"inject={self.call}:{how}:when={self.count}")

    def happened(self, log: Path) -> bool:
        """Whether the log of the run shows it."""
        text = log.read_text(errors="replace")
        return "(INJECTED)" in text if self.error else "killed by SIGKILL" in text


def _strace(calls: str, log: Path, *more: str) -> list[str]:
    return ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={calls}", *more]


def watch(log: Path) -> list[str]:
    """The options that write every call of interest to a log."""
    return _strace(",".join((*CHANGING, *STARTING)), log, "--seccomp-bpf")


def points(log: Path) -> list[Point]:
    """The points of one run, in the order of time, from its log."""
    lines = [found.groups() for found in map(_CALL.match, log.read_text(errors="replace").splitlines()) if found]
    renames = Counter(process for process, call, dummy in lines if call in RENAMING)
    worker = renames.most_common(1)[0][0]
    counts: Counter[str] = Counter()
    found = []
    for process, call, rest in lines:
        if process != worker:
            continue
        counts[call] += 1
        if call in STARTING or (any(place in rest for place in _PLACES) and _changes(call, rest)):
            found.append(Point(call, counts[call]))
    return found


def _changes(call: str, rest: str) -> bool:
    return call != "openat" or "O_CREAT" in rest or "O_TRUNC" in rest


def failing(kills: list[Point]) -> list[Point]:
    """The same points with the errors that the kernel may answer there."""
    return [point._replace(error=error) for point in kills for error in ERRORS.get(point.call, ())]
