# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the connection: ansible-playbook changes the node, and is killed or cut off from it meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from airgap_faults.direct import PROJECT, Target

_MODULE = "airgap.containerd.containerd_registry"
_STATE = "var/lib/airgap-containerd"
_SECONDS = 120


class Strike(NamedTuple):
    """What happens to the control node, and when: seconds after the first file of the run is on the node."""

    kind: str
    after: float

    @property
    def spares_restart(self) -> bool:
        """Whether somebody else may do the pending restart: everybody may."""
        return False

    def __str__(self) -> str:
        return f"{self.kind} after {self.after} s"

    def on(self, target: Target, options: dict[str, Any], folder: Path) -> bool:
        """Run the module on the node and strike; return whether it was still at work then.

        The node continues by itself, so this returns when it is done.
        """
        controller = _start(target, options, folder)
        try:
            _await_first_file(controller, target.lab.root(target.name))
            time.sleep(self.after)
            at_work = controller.poll() is None
            if self.kind == "network cut":
                target.shell("ip link set eth0 down")
        finally:
            if controller.poll() is None:
                os.killpg(controller.pid, signal.SIGKILL)
            controller.wait()
        target.shell(f"timeout {_SECONDS} sh -c 'while pgrep ^python >/dev/null; do sleep 0.1; done'")
        target.shell("ip link set eth0 up")
        return at_work


def _start(target: Target, options: dict[str, Any], folder: Path) -> subprocess.Popen:
    """Start ansible-playbook in a process group of its own, with no connection that outlives it."""
    playbook = folder / "play.yml"
    tasks = [{_MODULE: options}]
    playbook.write_text(yaml.safe_dump([{"hosts": target.name, "gather_facts": False, "tasks": tasks}]))
    return subprocess.Popen(
        ["ansible-playbook", "-i", str(PROJECT / "inventories/lab"), str(playbook)],
        cwd=PROJECT, env={**os.environ, "ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _await_first_file(controller: subprocess.Popen, root: Path) -> None:
    """Wait until the run prepares or notes something on the node, or ends."""
    deadline = time.monotonic() + _SECONDS
    while controller.poll() is None and time.monotonic() < deadline:
        begun = any((root / "etc/containerd").glob("**/.airgap-*"))
        if begun or (root / _STATE / "open.json").exists():
            return
        time.sleep(0.005)


def all_of_them() -> list[Strike]:
    """Every one that is tried in each kind of run."""
    return [Strike(kind, after) for kind in ("controller killed", "network cut") for after in (0, 0.02, 0.1, 0.3, 0.8)]
