# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts on one machine: the local connection, and for each host a Python that sees files of its own.

Hosts run the real code of the nodes, but have no containerd, like an image that is being built, so nothing is
restarted; the figures show what the control node needs for that many.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from airgap_bench.figures import Figure, ratio
from airgap_bench.lan import upstreams
from airgap_bench.runs import SITE, Play, interleaved

OVERLAID = ("/etc", "/var/lib")  # folders in which the collection writes
VARIABLES = {
    "containerd_registry_url": "http://registry.lan",
    "containerd_registry_username": "robot$puller",
    "containerd_registry_password": "made up",
    "containerd_registry_upstreams": upstreams(20),
    "containerd_registry_version": "1.7.24",
    "containerd_registry_preflight": False,
    "containerd_registry_restart": False,
}


def figures(rounds: int, tell: Callable[[str], None], sizes: tuple[int, int], numbers: Sequence[int]) -> list[Figure]:
    """Growth from fewer to more hosts (`sizes`) at several `numbers` of forks, and the control node's peak memory."""
    found = []
    with tempfile.TemporaryDirectory(prefix="airgap-bench-") as folder:
        inventories = {size: _inventory(Path(folder), size) for size in sizes}
        small, large = sizes
        for forks in numbers:
            settings = ["--forks", str(forks)]
            plays = {
                f"ping, {large} hosts": Play("ping.yml", inventories[large], {}, settings),
                **{f"ours, {size} hosts": Play("role.yml", inventories[size], VARIABLES, settings) for size in sizes},
                f"site, {large} hosts": Play(SITE, inventories[large], VARIABLES, settings),
            }
            if forks == numbers[0]:
                plays[f"ours, {large} hosts"].measure()  # the first run; all that follow change nothing
            costs = interleaved(plays, rounds, tell)
            peaks = {}
            for name in (f"ping, {large} hosts", f"site, {large} hosts"):
                with _peak_memory() as peak:
                    plays[name].measure()
                peaks[name] = peak[0]
            wall = {name: [each.wall for each in measured] for name, measured in costs.items()}
            cpu = {name: [each.cpu for each in measured] for name, measured in costs.items()}
            growth = [each * small / large for each in wall[f"ours, {large} hosts"]]
            found += [
                ratio(f"unchanged ÷ ping, wall, {large} hosts, {forks} forks", wall[f"ours, {large} hosts"],
                      wall[f"ping, {large} hosts"]),
                ratio(f"unchanged ÷ ping, CPU of all, {large} hosts, {forks} forks", cpu[f"ours, {large} hosts"],
                      cpu[f"ping, {large} hosts"]),
                ratio(f"wall per host, {large} hosts ÷ {small}, {forks} forks", growth, wall[f"ours, {small} hosts"],
                      limit=1.1),
                ratio(f"site, unchanged ÷ ping, wall, {large} hosts, {forks} forks", wall[f"site, {large} hosts"],
                      wall[f"ping, {large} hosts"], limit=1.35),
                Figure(f"peak memory, site, {large} hosts, {forks} forks", tuple(peaks.values())[1:], "MB"),
                ratio(f"peak memory, site ÷ ping, {large} hosts, {forks} forks", [*peaks.values()][1:],
                      [*peaks.values()][:1], limit=1.3),
            ]  # fmt: skip
    return found


def _inventory(folder: Path, size: int) -> Path:
    """An inventory of `size` hosts; a larger one shares the hosts of a smaller one."""
    names = [f"h{number:03}" for number in range(1, size + 1)]
    hosts = {name: {"ansible_python_interpreter": str(_interpreter(folder / name))} for name in names}
    file = folder / f"{size}.json"
    variables = {"ansible_connection": "local", "ansible_pipelining": True}
    file.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))
    return file


def _interpreter(root: Path) -> Path:
    """A Python whose files below OVERLAID, and in /run, are those of one host."""
    program = root / "python3"
    if program.exists():
        return program
    steps = []
    for number, target in enumerate(OVERLAID):
        upper, work = root / f"upper{number}", root / f"work{number}"
        upper.mkdir(parents=True)
        work.mkdir()
        options = f"lowerdir={target},upperdir={upper},workdir={work}"
        steps.append(shlex.join(["mount", "-t", "overlay", "overlay", "-o", options, target]))
    steps.append("mount -t tmpfs tmpfs /run")
    steps.append(f'exec {shlex.quote(os.path.realpath(sys.executable))} "$@"')
    inside = " && ".join(steps)
    program.write_text(f'#!/bin/sh\nexec unshare --mount sh -c {shlex.quote(inside)} sh "$@"\n')
    program.chmod(0o755)
    return program


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Watch what our ansible-playbook processes hold together (proportional set size); the list holds the peak, MB."""
    peak, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            peak[0] = max(peak[0], sum(map(_memory, _descendants())))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _descendants() -> set[int]:
    """This process and all that descend from it."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found, more = set(), {os.getpid()}
    while more:
        found |= more
        more = {pid for pid, parent in parents.items() if parent in more} - found
    return found


def _memory(pid: int) -> float:
    process = Path("/proc") / str(pid)
    try:
        if b"ansible-playbook" not in (process / "cmdline").read_bytes():
            return 0.0
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
