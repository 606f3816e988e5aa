# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a playbook, and what it cost."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PLAYS = ROOT / "tests/bench/plays"
SITE = str(ROOT / "playbooks/site.yml")
_PYTHON = r"(?:\S+=\S+ )*\S*python[\d.]*(?: \S*AnsiballZ_\S+)? && sleep 0"
# The connection's own log at -vvvv: every command and every file sent, and among them those that run a module.
_OPERATION = re.compile(r"^<\S+> (?:SSH: )?(?:EXEC|PUT) ", re.MULTILINE)
_EXECUTION = re.compile(rf"^<\S+> (?:SSH: )?EXEC .*-c '(?:\"'\"')?{_PYTHON}", re.MULTILINE)
# ssh logs a file sent as PUT and once more as the sftp that sends it.
_SFTP = re.compile(r"^<\S+> SSH: EXEC sftp ", re.MULTILINE)


class BenchError(Exception):
    """A run that was to be measured failed; the text ends with what it printed."""


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and CPU seconds of the control node's processes."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Wire:
    """What one run did on the wire, per host."""

    executions: float
    operations: float
    sent: float  # bytes


@dataclass(frozen=True)
class Play:
    """A playbook with the variables and arguments that make it one subject of a comparison."""

    playbook: str
    inventory: Path
    variables: Mapping[str, Any]
    arguments: Sequence[str] = ()
    before: Callable[[], object] = lambda: None
    """Brings the nodes into the state that every run of this subject starts from; not measured."""

    def measure(self) -> Cost:
        """Run it once."""
        self.before()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        self.printed()
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(wall, cpu)

    def count(self, hosts: int, pipelining: bool, sent: Callable[[], int]) -> Wire:
        """Run it once with the connection's log, and count what it did to each of `hosts` hosts.

        `sent` returns how many bytes have been sent to all of them.
        """
        self.before()
        sent_before = sent()
        lines = self.printed(("-vvvv", "-e", json.dumps({"ansible_pipelining": pipelining})))
        bytes_sent = sent() - sent_before
        log = "".join(line for dummy, line in lines)
        operations = len(_OPERATION.findall(log)) - len(_SFTP.findall(log))
        return Wire(len(_EXECUTION.findall(log)) / hosts, operations / hosts, bytes_sent / hosts)

    def printed(self, more: Sequence[str] = ()) -> list[tuple[float, str]]:
        """Run it once and return its lines with the time of each (monotonic clock)."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", str(self.inventory), str(PLAYS / self.playbook), *self.arguments, *more]
        run = subprocess.Popen(
            [*command, "-e", json.dumps(dict(self.variables))],
            cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        with run:
            lines = [(time.monotonic(), line) for line in run.stdout or ()]
        if run.returncode:
            raise BenchError(f"{' '.join(command)} failed:\n{''.join(line for dummy, line in lines)[-3000:]}")
        return lines


def interleaved(plays: Mapping[str, Play], rounds: int, tell: Callable[[str], None]) -> dict[str, list[Cost]]:
    """Run all of `plays` in turn, `rounds` times, so that whatever else the machine does meets all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in plays}
    for number in range(1, rounds + 1):
        for name, play in plays.items():
            costs[name].append(play.measure())
            tell(f"round {number} of {rounds}: {name} {costs[name][-1].wall:.1f} s")
    return costs
