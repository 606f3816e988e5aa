# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start containerd on real nodes in each of the ways, and hold what it reads against what we say that it reads."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from airgap_lab import Lab
from support import Player

from starting import samples
from starting.samples import Sample

SOCKETS = "/run/starting"
WAIT = 10  # seconds for containerd to come up

PLAY: list[dict[str, Any]] = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"airgap.containerd.containerd_info": {}, "ignore_errors": True},
            {"ansible.builtin.command": "systemctl stop containerd"},
            {
                "airgap.containerd.containerd_registry": {
                    "url": "http://registry.lan",
                    "preflight": False,
                    "restart": False,
                },
                "check_mode": True,
                "ignore_errors": True,
            },
        ],
    }
]


class Told(NamedTuple):
    """What happened to one sample on one node."""

    node: str
    sample: Sample
    real: str | None  # the file that the daemon read, None where it did not start
    running: str  # the file that containerd_info names while it runs
    stopped: str  # the file that containerd_registry would write while it does not, or why none

    @property
    def wrong(self) -> str | None:
        """What is not as expected, or None."""
        is_right = self.stopped == self.real or (
            self.sample.is_opaque and "it is unknown which configuration file" in self.stopped
        )
        if self.real is None or (self.running == self.real and is_right):
            return None
        return (
            f"{self.node}: containerd reads {self.real}\nwhile it runs we say {self.running}\n"
            f"while it does not {self.stopped}\n{self.sample.unit}{self.sample.environment}"
        )


def run(lab: Lab, play: Player, nodes: Sequence[str], seed: int, rounds: int, folder: Path) -> list[Told]:
    """Try `rounds` samples on each node."""
    rng, told = random.Random(seed), []
    playbook = folder / "starting.yml"
    playbook.write_text(yaml.safe_dump(PLAY))
    lab.reset(*nodes)  # a record of the role's would decide too
    for node in nodes:
        for path, name in samples.FILES.items():
            lab.write(node, path, f'version = 2\n[debug]\naddress = "{SOCKETS}/{name}.sock"\n')
        lab.run(node, ["ln", "-sfn", "/usr/bin/containerd", samples.LINK])
    for _round in range(rounds):
        chosen = {node: samples.sample(rng) for node in nodes}
        with ThreadPoolExecutor(len(nodes)) as pool:
            real = dict(zip(nodes, pool.map(partial(_start, lab), chosen, chosen.values()), strict=True))
        done = play(f"--limit={','.join(nodes)}", playbook=str(playbook))
        for node, each in chosen.items():
            info = done.of(node, "airgap.containerd.containerd_info")
            plan = done.of(node, "airgap.containerd.containerd_registry")
            written = [path for path in plan.get("written", ()) if path.endswith(".toml") and "hosts.toml" not in path]
            stopped = written[0] if written else plan["msg"]
            running = info["containerd"]["config_file"] if "containerd" in info else info["msg"]
            told.append(Told(node, each, real[node], running, stopped))
    return told


def _start(lab: Lab, node: str, sample: Sample) -> str | None:
    """Start containerd as a sample says, and return the file that it reads, by the debug socket that it makes."""
    for path, text in sample.written.items():
        lab.write(node, path, text, "0755")
    lab.run(node, ["systemctl", "daemon-reload"])
    lab.run(node, ["sh", "-c", f"systemctl stop containerd; rm -rf {SOCKETS}; systemctl reset-failed containerd; :"])
    lab.run(node, ["systemctl", "start", "containerd"])
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        there = lab.run(node, ["sh", "-c", f"ls {SOCKETS}; :"]).stdout.split()
        if there and lab.serves_cri(node):
            return next(path for path, name in samples.FILES.items() if f"{name}.sock" in there)
        time.sleep(0.1)
    return None
