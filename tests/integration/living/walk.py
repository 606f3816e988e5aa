# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk: rounds of events, a run of the role on all nodes, one more, and a look at what came of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from airgap_lab import Lab
from support import Player, Run, files, pid

from living import checks, wishes
from living.events import Mortal, happen

ROLE = "airgap.containerd.containerd_registry"
INFO = "airgap.containerd.containerd_info"
PREDATES = "so the cause predates this run"
BREAKS = ("Traceback", "MODULE FAILURE", "Unexpected", "previous files were restored", "does not serve")
INTERRUPTED = 0.2  # the share of rounds before which a run is killed


@dataclass
class Fault:
    """What was not as it has to be, with all that happened to the node before."""

    seed: int
    round: int
    node: str
    what: str
    history: list[str]

    def __str__(self) -> str:
        story = "\n".join(f"    {line}" for line in self.history[-12:])
        return f"seed {self.seed}, round {self.round}, {self.node}: {self.what}\n{story}"


@dataclass
class Walk:
    """Nodes that live; ``steps`` counts events, runs and pulls."""

    lab: Lab
    play: Player
    nodes: tuple[str, ...]
    folder: Path
    seed: int
    steps: int = 0
    round: int = 0
    faults: list[Fault] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reset every node to its first state."""
        self.lab.reset(*self.nodes)
        self.chance = random.Random(f"{self.seed}")
        self.mortals = {
            name: Mortal(self.lab, name, random.Random(f"{self.seed}-{name}"), self.lab.config.nodes[name].layer.suite)
            for name in self.nodes
        }
        self.wanted: dict[str, wishes.Variables] = {name: dict(wishes.START) for name in self.nodes}
        self.history: dict[str, list[str]] = {name: [] for name in self.nodes}
        tasks = [{"ansible.builtin.import_role": {"name": ROLE}}] * 2
        look = {INFO: {"resolve": list(checks.IMAGES)}}
        self.playbook = self.folder / "living.yml"
        self.playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [*tasks, look]}]))

    def go(self, steps: int) -> None:
        """Walk on until that many steps are done."""
        while self.steps < steps:
            self.round += 1
            self._round()

    def _round(self) -> None:
        with ThreadPoolExecutor() as pool:
            self._timed("events", lambda: list(pool.map(self._events, self.nodes)))
            inventory = self._inventory()
            interrupted = self.chance.random() < INTERRUPTED
            if interrupted:
                self._timed("interrupted", lambda: self._interrupt(inventory))
            before = {name: (pid(self.lab, name), files(self.lab, name)) for name in self.nodes}
            arguments = ("--forks=8",)
            run = self._timed(
                "role", lambda: self.play(*arguments, playbook=str(self.playbook), inventory=(inventory,))
            )
            self._timed(
                "checks", lambda: list(pool.map(lambda name: self._check(name, run, *before[name]), self.nodes))
            )

    def _timed(self, part: str, work: Any) -> Any:
        started = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.monotonic() - started

    def _events(self, name: str) -> None:
        node = self.mortals[name]
        node.unsettled = False
        node.shell("systemctl reset-failed containerd")
        if self.round > 1:
            done = happen(node)
            self.steps += len(done)
            self.history[name] += [f"{self.round}: {each}" for each in done]
            self.wanted[name] = wishes.change(node.chance, self.wanted[name])
        node.text = node.config()
        self.history[name].append(f"{self.round}: the role with {self.wanted[name]} on {node.suite}")

    def _inventory(self) -> str:
        hosts = {
            name: {f"containerd_registry_{key}": value for key, value in wanted.items()}
            for name, wanted in self.wanted.items()
        }
        path = self.folder / "living-hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        return str(path)

    def _interrupt(self, inventory: str) -> None:
        """Start a run, and kill Ansible and the processes on the nodes at some point."""
        delay = self.chance.uniform(1.0, 4.0)
        words = ["ansible-playbook", "-i", "inventories/lab", "-i", inventory, str(self.playbook), "--forks=8"]
        root = Path(__file__).resolve().parents[3]
        running = subprocess.Popen(
            words, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        time.sleep(delay)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        for _again in range(3):  # what was on its way begins after the first
            for node in self.mortals.values():
                node.shell("pkill -KILL -f '[p]ython3[.0-9]* *$|[A]nsiballZ'")
            time.sleep(0.3)
        for name in self.nodes:
            self.mortals[name].unsettled = True
            self.history[name].append(f"{self.round}: that run killed after {delay:.1f} s")
        self.steps += len(self.nodes)

    def _check(self, name: str, run: Run, before: str, on_disk: dict[str, str]) -> None:
        node = self.mortals[name]
        results = [each for each in run.results if each["host"] == name and each["task"] == ROLE]
        looks = [each["result"] for each in run.results if each["host"] == name and each["task"] == INFO]
        said: list[str] = []
        self.steps += 2
        wanted = self.wanted[name]
        if not looks or len(results) < 2:
            said += self._refused(name, run, on_disk)
        else:
            first, second = (each["result"] for each in results[-2:])
            self.history[name].append(f"{self.round}:   {first.get('msg')}")
            said += checks.steady(node, before, first, second)
            warnings = first.get("warnings") or []
            said += checks.kept(node, warnings)
            due = bool(second.get("restart_due"))
            if wanted.get("state") == "absent" and not due:
                said += checks.gone(node, warnings)
            if not due:
                self.steps += 2
                said += checks.served(node, looks[-1]["resolved"], "state" not in wanted)
        self.faults += [Fault(self.seed, self.round, name, each, list(self.history[name])) for each in said]

    def _refused(self, name: str, run: Run, on_disk: dict[str, str]) -> list[str]:
        """A refusal changes nothing, and the next run gets variables that can be applied."""
        failed = [each["result"] for each in run.results if each["host"] == name and each["outcome"] != "ok"]
        message = str(failed[-1].get("msg") if failed else run.output[-2000:])
        self.history[name].append(f"{self.round}:   refused: {message}")
        self.refusals[message] = self.refusals.get(message, 0) + 1
        self.wanted[name] = dict(wishes.START)
        breaks = any(word in message for word in BREAKS) and PREDATES not in message
        said = [f"the run failed: {message}"] if breaks else []
        changed = [path for path, digest in files(self.lab, name).items() if on_disk.get(path) != digest]
        changed = [path for path in changed if path.startswith("/etc/containerd")]
        said += [f"a refused run changed {changed}: {message}"] if changed else []
        return said + list(checks.kept(self.mortals[name], []))
