# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured on the lab's nodes, over ssh."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airgap_lab import Lab, config, network

from airgap_bench.figures import Figure, ratio
from airgap_bench.runs import ROOT, SITE, Play, Wire, interleaved

INVENTORY = ROOT / "inventories/lab"
CONVENTIONAL_DIR = "/etc/containerd/conventional.d"
FRESH = "/root/bench-fresh.tar"
LATENCIES = (1, 10, 50)  # ms, each way
SLOW_WIRE = Path(__file__).with_name("slow_wire.py")


def upstreams(count: int) -> list[str]:
    """That many names of registries."""
    return [f"registry-{number}.example.org" for number in range(1, count + 1)]


class Lan:
    """The lab's nodes, and the plays to compare on them."""

    def __init__(self, lab: Lab, rounds: int, tell: Callable[[str], None]) -> None:
        """Remembers the nodes as they are now, which is as new."""
        self.lab, self.rounds, self.tell = lab, rounds, tell
        self.nodes = list(lab.config.nodes)
        self.ping = Play("ping.yml", INVENTORY, {})
        self._on_all("tar", "-cf", FRESH, "/etc/containerd")

    def compared(self) -> list[Figure]:
        """The role compared with a ping: wall time, CPU of the control node, and where they go."""
        costs = interleaved(
            {
                "nothing": Play("nothing.yml", INVENTORY, {}),
                "ping": self.ping,
                "unchanged, 20": self._unchanged(20),
                "unchanged, 5": self._unchanged(5),
                "unchanged, 100": self._unchanged(100),
                "first, 20": self._role(20, self._make_fresh, restart=False),
                "first with verified restart, 20": self._role(20, self._make_fresh),
            },
            self.rounds,
            self.tell,
        )
        wall = {name: [each.wall for each in found] for name, found in costs.items()}
        cpu = {name: [each.cpu for each in found] for name, found in costs.items()}
        ping = wall["ping"]
        return [
            ratio("unchanged ÷ ping, wall", wall["unchanged, 20"], ping, limit=1.35),
            ratio("first without restart ÷ ping, wall", wall["first, 20"], ping, limit=2.5),
            ratio(
                "first with verified restart ÷ ping, wall",
                wall["first with verified restart, 20"],
                ping,
            ),
            ratio("100 upstreams ÷ 5, unchanged", wall["unchanged, 100"], wall["unchanged, 5"], limit=1.2),
            ratio("control node CPU, 20 upstreams ÷ ping", cpu["unchanged, 20"], cpu["ping"], limit=1.3),
            ratio("control node CPU, 100 upstreams ÷ ping", cpu["unchanged, 100"], cpu["ping"], limit=2),
            *_breakdown("wall", wall),
            *_breakdown("control node CPU", cpu),
        ]

    def site(self) -> list[Figure]:
        """The playbook compared with a ping: an up-to-date fleet and a first run; and its executions on each node."""
        right, first = self._site(lambda: None), self._site(self._make_fresh, restart=False)
        whole = self._site(self._make_fresh)
        whole.measure()
        plays = {"ping": self.ping, "unchanged": right, "first": first, "first with verified restart": whole}
        costs = interleaved(plays, self.rounds, self.tell)
        wall = {name: [each.wall for each in found] for name, found in costs.items()}
        cpu = {name: [each.cpu for each in found] for name, found in costs.items()}
        changed = whole.count(len(self.nodes), True, self._sent)
        unchanged = right.count(len(self.nodes), True, self._sent)
        return [
            ratio("site, unchanged ÷ ping, wall", wall["unchanged"], wall["ping"], limit=1.4),
            ratio("site, unchanged ÷ ping, control node CPU", cpu["unchanged"], cpu["ping"], limit=1.3),
            ratio("site, first without restart ÷ ping, wall", wall["first"], wall["ping"], limit=2.5),
            ratio(
                "site, first with verified restart ÷ ping",
                wall["first with verified restart"],
                wall["ping"],
            ),
            Figure("executions per host, site, unchanged", (unchanged.executions,), "", 1),
            Figure("executions per host, site, changed", (changed.executions,), "", 3),
        ]

    def conventional(self) -> list[Figure]:
        """Conventional tasks compared with this role: two tasks in a loop over 20 upstreams."""
        plays = {
            "ours, unchanged": self._unchanged(20),
            "conventional, first": self._conventional(self._forget_conventional),
            "conventional, unchanged": self._conventional(lambda: None),
            "ours, first": self._role(20, self._make_fresh, restart=False),
        }
        costs = interleaved(plays, self.rounds, self.tell)
        wall = {name: [each.wall for each in found] for name, found in costs.items()}
        return [
            ratio(
                f"conventional ÷ ours, {name}",
                wall[f"conventional, {name}"],
                wall[f"ours, {name}"],
                limit=limit,
                floor=True,
            )
            for name, limit in (("unchanged", 12), ("first", 8))
        ]

    def wire(self) -> list[Figure]:
        """What goes over the wire, per host; the values of a figure are those of 5 and 100 upstreams."""
        limits = {"ping": None, "first": 3, "unchanged": 1, "changed": 3}
        figures = []
        for pipelining in (True, False):
            counted: dict[str, list[Wire]] = {name: [] for name in limits}
            for count in (5, 100):
                subjects = {
                    "ping": self.ping,
                    "first": self._role(count, self._make_fresh),
                    "unchanged": self._role(count, lambda: None),
                    "changed": self._role(count - 1, lambda: None),
                }
                for name, play in subjects.items():
                    counted[name].append(play.count(len(self.nodes), pipelining, self._sent))
                    self.tell(f"{name}, {count} upstreams: {counted[name][-1]}")
            for name, found in counted.items():
                what = f"per host, {name}, pipelining {'on' if pipelining else 'off'}"
                figures += [
                    Figure(f"remote executions {what}", tuple(each.executions for each in found), "", limits[name]),
                    Figure(f"wire operations {what}", tuple(each.operations for each in found), ""),
                    Figure(f"sent {what}", tuple(each.sent / 1000 for each in found), "kB"),
                ]
        return figures

    def _sent(self) -> int:
        """Bytes that went over the wire to all nodes so far, ssh's own included."""
        command = ["ip", "-n", network.LAN, "-s", "-json", "link"]
        links = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return sum(each["stats64"]["tx"]["bytes"] for each in links if each["ifname"] in self.nodes)

    def latency(self) -> list[Figure]:
        """An unchanged run and a ping over a slow network, and the effect of pipelining and persistent connections."""
        figures = []
        for milliseconds in LATENCIES:
            with self._slow(milliseconds) as slow:
                self._role(20, lambda: None, **slow).measure()
                plays = {
                    "ping": Play("ping.yml", INVENTORY, slow),
                    "unchanged": self._role(20, lambda: None, **slow),
                    "no pipelining": self._role(20, lambda: None, **slow, ansible_pipelining=False),
                    "no kept connections": self._role(20, lambda: None, **slow, ansible_ssh_args="-o ControlMaster=no"),
                }
                costs = interleaved(plays, self.rounds, self.tell)
            wall = {name: [each.wall for each in found] for name, found in costs.items()}
            where = f"at {milliseconds} ms each way"
            figures += [
                ratio(f"unchanged ÷ ping, {where}", wall["unchanged"], wall["ping"]),
                ratio(f"without pipelining ÷ with, {where}", wall["no pipelining"], wall["unchanged"]),
                ratio(f"without kept connections ÷ with, {where}", wall["no kept connections"], wall["unchanged"]),
            ]
        return figures

    def cri(self) -> list[Figure]:
        """Seconds from CRI answering again to the task's return on the control node, of a first run on one node."""
        node, values = self.nodes[-1], []
        play = self._role(20, lambda: None, arguments=["--limit", node])
        for _round in range(self.rounds):
            self._make_fresh()
            watch = _CriWatch(self.lab, node)
            returned = next(at for at, line in play.printed() if line.startswith(f"changed: [{node}]"))
            values.append(returned - watch.stop())
        return [Figure("from CRI answering again to the task's return", tuple(values), "s", 0.5)]

    def _role(self, count: int, before: Callable[[], object], arguments: Any = (), **variables: Any) -> Play:
        own = {"containerd_registry_upstreams": upstreams(count)}
        if "restart" in variables:
            own["containerd_registry_restart"] = variables.pop("restart")
        return Play("role.yml", INVENTORY, {**own, **variables}, arguments, before)

    def _site(self, before: Callable[[], object], **variables: Any) -> Play:
        role = self._role(20, before, **variables)
        return Play(SITE, role.inventory, role.variables, role.arguments, before)

    def _unchanged(self, count: int) -> Play:
        return self._role(count, self._role(count, lambda: None).measure)

    def _conventional(self, before: Callable[[], object]) -> Play:
        variables = {"containerd_registry_upstreams": upstreams(20), "bench_hosts_dir": CONVENTIONAL_DIR}
        return Play("conventional.yml", INVENTORY, variables, before=before)

    @contextmanager
    def _slow(self, milliseconds: int) -> Iterator[dict[str, Any]]:
        """Delay everything between the control node and the nodes; yields the variables that this needs.

        That is a queueing discipline (netem) on both ends of every node's link. Where the kernel has none, the
        connections of ssh alone are delayed, by a program.
        """
        links = [(network.LAN, node) for node in self.nodes]
        links += [(config.namespace(node), network.INTERFACE) for node in self.nodes]
        added = []
        try:
            for namespace, device in links:
                delay = ["root", "netem", "delay", f"{milliseconds}ms"]
                done = subprocess.run(
                    ["tc", "-n", namespace, "qdisc", "add", "dev", device, *delay], capture_output=True, check=False
                )
                if done.returncode:
                    break
                added.append((namespace, device))
            if len(added) == len(links):
                yield {}
            else:
                self.tell(f"no netem here ({done.stderr.decode().strip()}): ssh goes through {SLOW_WIRE.name}")
                yield self._slow_ssh(milliseconds)
        finally:
            for namespace, device in added:
                subprocess.run(["tc", "-n", namespace, "qdisc", "del", "dev", device, "root"], check=True)

    def _slow_ssh(self, milliseconds: int) -> dict[str, Any]:
        wire = f"nsenter --net={network.NAMESPACES / network.LAN} {sys.executable} {SLOW_WIRE} %h %p {milliseconds}"
        options = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR"
        return {
            "ansible_ssh_common_args": f'{options} -o ProxyCommand="{wire}"',
            "ansible_control_path": f"%(directory)s/slow-{milliseconds}-%%h",
        }

    def _make_fresh(self) -> None:
        """Nodes as new, but for their running containerd, which goes on with what it knows."""
        script = f"rm -rf /etc/containerd /var/lib/airgap-containerd && tar -xf {FRESH} -C /"
        self._on_all("sh", "-c", script)

    def _forget_conventional(self) -> None:
        self._on_all("rm", "-rf", CONVENTIONAL_DIR)

    def _on_all(self, *command: str) -> None:
        with ThreadPoolExecutor() as pool:
            for result in pool.map(lambda node: self.lab.run(node, command), self.nodes):
                result.check_returncode()


def _breakdown(what: str, seconds: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Where an unchanged run of 20 upstreams goes: what each step adds to the one before, in the same round."""
    steps = {
        "starting Ansible": "nothing",
        "what a ping needs": "ping",
        "reading the nodes and deciding": "unchanged, 20",
    }
    before, figures = [0.0] * len(seconds["ping"]), []
    for step, name in steps.items():
        added = tuple(after - so_far for after, so_far in zip(seconds[name], before, strict=True))
        figures.append(Figure(f"unchanged, {what}: {step}", added, "s"))
        before = list(seconds[name])
    return figures


class _CriWatch:
    """Notes when CRI on a node answers again after it was away."""

    def __init__(self, lab: Lab, node: str) -> None:
        self._lab, self._node = lab, node
        self._back = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> float:
        """When CRI answered again, on the monotonic clock."""
        self._over.set()
        self._thread.join()
        return self._back

    def _look(self) -> None:
        away = False
        while not self._over.wait(0.01):
            answers = self._lab.serves_cri(self._node)
            if answers and away:
                self._back = time.monotonic()
            away = not answers
