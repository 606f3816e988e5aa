# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults, on which node, from which state to which: and what must be true after each of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple

import yaml
from airgap_lab import Lab

from airgap_faults import direct, starving, striking
from airgap_faults.injection import Point, failing, points, watch
from airgap_faults.starving import Starvation
from airgap_faults.striking import Strike
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

LOGIN = yaml.safe_load((direct.PROJECT / "inventories/lab/group_vars/all.yml").read_text())
WISH = {
    "url": "http://registry.lan",
    "username": LOGIN["containerd_registry_username"],
    "password": LOGIN["containerd_registry_password"],
    "upstreams": ["quay.io"],
}
OTHER = {**WISH, "url": "http://registry.lan:5000", "upstreams": ["registry.example.org"]}
IMAGES = ("quay.io/coreos/etcd:1", "registry.example.org/team/tool:1")
# What the nodes have before: hand-written mirrors, which every release here understands, so that a pull always works.
BEFORE = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors]
    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]
      endpoint = ["http://registry.lan"]
  [plugins."io.containerd.grpc.v1.cri".registry.configs]
    [plugins."io.containerd.grpc.v1.cri".registry.configs."registry.lan".auth]
      username = '{WISH["username"]}'
      password = '{WISH["password"]}'
"""
FAILING_RESTART = ["/bin/sh", "-c", "systemctl restart containerd; exit 3"]


class Step(NamedTuple):
    """One kind of run: its options, whether its restart fails, and the state (a name) that it ends in."""

    name: str
    options: dict[str, Any]
    ends: str
    refused: bool = False


def cycle(legacy: bool) -> list[Step]:
    """The runs that lead from the state `before` through the others back to it; each is tried with every fault."""
    in_config = {} if legacy else {"auth_method": "config"}  # for both registries' credentials meanwhile
    other = {**OTHER, **in_config}
    return [
        Step("first run", WISH, "one"),
        Step("change", other, "other"),
        Step("rollback", {"state": "previous"}, "one"),
        Step("refused", other, "other", refused=True),
        *([] if legacy else [Step("move", {**WISH, **in_config}, "moved")]),  # in legacy mode the same as the next
        Step("back", WISH, "back"),  # in legacy mode spelled differently from "one", with the same meaning
        Step("absent", {"state": "absent"}, "before"),
    ]


@dataclass
class Tally:
    """What came of the faults."""

    tell: Callable[[str], None]
    faults: Counter = field(default_factory=Counter)  # (node, step, kind)
    checks: Counter = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


class Victim:
    """A node that goes round the cycle, with a fault in each step."""

    def __init__(self, lab: Lab, name: str, tally: Tally):
        self.lab = lab
        self.name = name
        self.target = direct.Target(lab, name)
        self.controller = direct.Controller(self.target)
        self.tally = tally
        self.states: dict[str, dict[str, str]] = {}
        self.points: dict[str, list[Point]] = {}
        self.steps = cycle(legacy=name == "n1")
        self.folder = direct.temporary()
        self.log = self.folder / "strace.log"

    def begin(self) -> None:
        """Bring the node into the state `before`."""
        self.lab.reset(self.name)
        self.target.install()
        self.lab.write(self.name, "/etc/containerd/config.toml", BEFORE, "0600")
        self.lab.write(self.name, "/etc/containerd/certs.d/own.example.org/ca.crt", "theirs\n")
        self._restart()

    def explore(self) -> None:
        """Go round once, and learn what the states look like and which points the runs have."""
        self.begin()
        self.states["before"] = self._files()
        for step in self.steps:
            self.target.strace = watch(self.log)
            self._attempt(step)
            self.points[step.name] = points(self.log)
            if step.refused:
                self.controller.run_once(**step.options)
            self.states.setdefault(step.ends, self._files())

    def suffer(self, start: str, step: Step, fault: Fault | None) -> None:
        """Run a step with a fault, or without one, and check everything."""
        try:
            if fault and self._hurt(step, fault):
                self.tally.faults[self.name, step.name, fault.kind] += 1
                self._check_files(start, step.ends)
            if fault and not fault.spares_restart:
                self._restart()
                self._pull()
            self._converge(step)
            if fault:
                self._pull()
        except Exception as exc:  # whatever it is, it is a finding, and the rest of the campaign goes on
            self.tally.findings.append(f"{self.name}, {step.name}, {fault}: {type(exc).__name__}: {exc}")
            self.tally.tell(self.tally.findings[-1])
            self._begin_anew(step)

    def _hurt(self, step: Step, fault: Fault) -> bool:
        """Run a step with a fault; return whether it came to pass."""
        if isinstance(fault, Starvation):
            with fault.on(self.target):
                return self._attempt(step)
        if isinstance(fault, Strike):
            return fault.on(self.target, self._options(step), self.folder)
        self.log.write_text("")
        self.target.strace = fault.strace(self.log)
        self._attempt(step)
        assert not self.target.strace, "there was nothing to change, so nothing to hurt"
        return fault.happened(self.log)

    def _attempt(self, step: Step) -> bool:
        """Run a step; return whether it failed."""
        try:
            self.controller.run_once(**self._options(step))
        except Refusal:
            return True
        return False

    def _options(self, step: Step) -> dict[str, Any]:
        return {**step.options, "restart_command": FAILING_RESTART} if step.refused else step.options

    def _converge(self, step: Step) -> None:
        """The next run, without help, ends in the wanted state, and the one after it changes nothing."""
        self.controller.run_once(**step.options)
        found, wanted = self._files(), self.states[step.ends]
        different = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        assert not different, f"not as wanted after the next run: {different}"
        self._check_settled()
        applied = self.target.applied
        again = self.controller.run_once(**step.options)
        assert not again["changed"] and self.target.applied == applied, f"the second run changes it: {again['msg']}"
        self.tally.checks["next runs that converged"] += 1

    def _check_settled(self) -> None:
        """No restart is forgotten, and nothing is left behind."""
        about = self.target.shell(
            "p=$(systemctl show --value --property=MainPID containerd); date +%s.%N; cut -d' ' -f1 /proc/uptime; "
            "cut -d' ' -f22 /proc/$p/stat; stat -c %.3Z /etc/containerd/config.toml; "
            "find /etc/containerd /var/lib/airgap-containerd -name '.airgap-*' -o -name open.json 2>/dev/null || true"
        ).split()
        now, uptime, ticks, changed = map(float, about[:4])
        started = now - uptime + ticks / 100
        assert changed < started + 0.05, "a restart was forgotten: config.toml is newer than containerd"
        assert not about[4:], f"left behind: {about[4:]}"

    def _files(self) -> dict[str, str]:
        """Everything below /etc/containerd, with modes and digests."""
        script = "cd /etc/containerd; find . -type f -exec sha256sum {} +; find . -exec stat -c '%n %F %a' {} +"
        found: dict[str, str] = {}
        for line in self.target.shell(script).splitlines():
            first, dummy, second = line.partition(" ")
            name, about = (second.strip(), first) if len(first) == 64 else (first, second)
            found[name] = f"{found.get(name, '')} {about}".strip()
        return found

    def _check_files(self, start: str, end: str) -> None:
        """Each file is complete, the previous or the new one; no directory of the role is empty."""
        found = {name: about for name, about in self._files().items() if ".airgap-" not in name}
        old, new = self.states[start], self.states[end]
        for name in {*found, *old, *new}:
            assert found.get(name) in (old.get(name), new.get(name)), f"{name} is lost or half-written"
        for name, about in found.items():
            full = any(other.startswith(f"{name}/") for other in found)
            assert "directory" not in about or full, f"{name} is empty, which hides the catch-all"
        json.loads(self.target.shell("cat /var/lib/airgap-containerd/record.json 2>/dev/null || echo null"))
        self.tally.checks["sets of files found whole"] += 1

    def _restart(self) -> None:
        """Somebody else restarts containerd: it comes up and serves CRI."""
        self.target.shell("systemctl reset-failed containerd; systemctl restart containerd")
        cri().wait_ready(str(self.lab.socket(self.name)), 60)
        self.tally.checks["restarts by somebody else after which CRI served"] += 1

    def _pull(self) -> None:
        client = cri().Client(str(self.lab.socket(self.name)), timeout=60)
        for image in IMAGES:
            client.remove(image)
            client.pull(image)
            self.tally.checks["pulls"] += 1

    def _begin_anew(self, last: Step) -> None:
        """After a finding, go to where this step would have ended."""
        self.begin()
        for step in self.steps:
            self.controller.run_once(**step.options)
            if step is last:
                return


def cri() -> Any:
    """The collection's CRI client."""
    return Lab._cri()


Fault = Point | Starvation | Strike
Assignment = dict[str, dict[str, list[Fault]]]


def choose(victims: list[Victim], number: int, seed: int, every: bool) -> Assignment:
    """Return the faults of each node and step: `number` random ones, equally many of each kind.

    With `every`, all kills come first: on the nodes with hosts.toml files, which need more system calls, each kill on
    one of them in turn; on the node with legacy mirrors, every second kill. Other faults fill up the rest.
    """
    dice = random.Random(seed)
    chosen: Assignment = {victim.name: {step.name: [] for step in victim.steps} for victim in victims}
    sorts: list[list[tuple[str, str, Fault]]] = [[], [], [], []]
    for victim in victims:
        for step in victim.steps:
            kills = victim.points[step.name]
            mine = [kill for index, kill in enumerate(kills) if _is_mine(victim.name, index)] if every else []
            chosen[victim.name][step.name] += mine
            others = [] if every else kills
            for sort, faults in zip(
                sorts, (others, failing(kills), starving.all_of_them(), striking.all_of_them()), strict=True
            ):
                sort += [(victim.name, step.name, fault) for fault in faults]
    left = number - sum(len(faults) for steps in chosen.values() for faults in steps.values())
    for sort in sorts:
        dice.shuffle(sort)
    in_turn = [each for turn in zip_longest(*sorts) for each in turn if each]
    for name, step_name, fault in in_turn[: max(left, 0)]:
        chosen[name][step_name].append(fault)
    for steps in chosen.values():
        for faults in steps.values():
            dice.shuffle(faults)
    return chosen


def _is_mine(name: str, index: int) -> bool:
    return index % 2 == 0 if name == "n1" else index % 3 == int(name[1:]) - 2


def run(lab: Lab, names: Sequence[str], number: int, seed: int, every: bool, tell: Callable[[str], None]) -> Tally:
    """Carry out the campaign on these nodes, all at once; Ctrl-C, or SIGTERM, ends it after the round."""
    direct.connect()
    tally = Tally(tell)
    victims = [Victim(lab, name, tally) for name in names]
    with ThreadPoolExecutor(len(victims)) as pool:
        list(pool.map(Victim.explore, victims))
        chosen = choose(victims, number, seed, every)
        total = sum(len(faults) for steps in chosen.values() for faults in steps.values())
        calls = {v.name: sum(map(len, v.points.values())) for v in victims}
        tell(f"{total} faults, seed {seed}; system calls where a run can be killed: {calls}")
        ways = [pool.submit(_go_round, victim, chosen[victim.name]) for victim in victims]
        try:
            for each in ways:
                each.result()
        except KeyboardInterrupt:
            tally.findings.append("it was interrupted, so not all faults were tried")
            for steps in chosen.values():
                for faults in steps.values():
                    faults.clear()
    return tally


def _go_round(victim: Victim, faults: dict[str, list[Fault]]) -> None:
    state = "before"
    while any(faults.values()):
        for step in victim.steps:
            victim.suffer(state, step, faults[step.name].pop() if faults[step.name] else None)  # None: just go on
            state = step.ends
        left = sum(map(len, faults.values()))
        tally = victim.tally
        came = f"{sum(tally.faults.values())} faults and {len(tally.findings)} findings in all"
        tally.tell(f"{victim.name}: {left} to go; {came}")
