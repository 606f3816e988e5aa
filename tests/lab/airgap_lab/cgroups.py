# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cgroup for each node, where no systemd of the machine's provides one.

Without, all nodes' systemds would use the machine's root cgroup as theirs, and stopping a unit on one would kill the
processes of that unit on all.
"""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

REMOVE_SECONDS = 5.0
# A cpuset accepts no process before these are set.
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")


def managed_by_systemd() -> bool:
    """Whether systemd is the machine's PID 1, and hands out cgroups."""
    return Path("/run/systemd/system").is_dir()


def hierarchies() -> list[Path]:
    """Mount points of the cgroup hierarchies, of both versions."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [Path(fields[1]) for fields in mounts if fields[2] in ("cgroup", "cgroup2")]


def join_commands(name: str) -> list[str]:
    """Shell commands that make the cgroup called ``name`` in every hierarchy and move the shell into it."""
    if managed_by_systemd():
        return []
    commands = []
    for hierarchy in hierarchies():
        folder = shlex.quote(str(hierarchy / name))
        commands.append(f"mkdir -p {folder}")
        if (hierarchy / CPUSET_FILES[0]).exists():
            parent = shlex.quote(str(hierarchy))
            commands += [f"cat {parent}/{file} > {folder}/{file}" for file in CPUSET_FILES]
        commands.append(f"echo $$ > {folder}/cgroup.procs")
    return commands


def existing(prefix: str) -> set[str]:
    """Names of top cgroups that begin with ``prefix``."""
    return {folder.name for hierarchy in hierarchies() for folder in hierarchy.glob(prefix + "*") if folder.is_dir()}


def remove(name: str) -> None:
    """Remove the cgroup called ``name`` and all below it; its processes are dead, or about to be gone."""
    if managed_by_systemd():
        return
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            _remove(Path(folder))


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + REMOVE_SECONDS
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            # A killed process leaves its cgroup only when its parent has taken note.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
