# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark counts and judges right; how fast anything is, no test asserts."""

from __future__ import annotations

from pathlib import Path

import pytest
from airgap_bench import configuring, figures, resolving
from airgap_bench.runs import Play

PIPELINED = """
<10.77.0.11> ESTABLISH SSH CONNECTION FOR USER: root
<10.77.0.11> SSH: EXEC ssh -C -o ControlPersist=60s 10.77.0.11 '/bin/sh -c '"'"'/usr/bin/python3.9 && sleep 0'"'"''
<10.77.0.11> (0, b'{"changed": false}', b'')
"""
COPIED = """
<10.77.0.11> SSH: EXEC ssh -C 10.77.0.11 '/bin/sh -c '"'"'echo ~root && sleep 0'"'"''
<10.77.0.11> SSH: EXEC ssh -C 10.77.0.11 '/bin/sh -c '"'"'( umask 77 && mkdir -p x ) && sleep 0'"'"''
<10.77.0.11> PUT /root/.ansible/x TO /y/AnsiballZ_ping.py
<10.77.0.11> SSH: EXEC sftp -b - -C '[10.77.0.11]'
<10.77.0.11> SSH: EXEC ssh -C 10.77.0.11 '/bin/sh -c '"'"'chmod u+rwx /root/.ansible/y/ && sleep 0'"'"''
<10.77.0.11> SSH: EXEC ssh -tt 10.77.0.11 '/bin/sh -c '"'"'/usr/bin/python3 /y/AnsiballZ_ping.py && sleep 0'"'"''
<10.77.0.11> SSH: EXEC ssh -C 10.77.0.11 '/bin/sh -c '"'"'rm -f -r /root/.ansible/y/ && sleep 0'"'"''
"""


@pytest.mark.parametrize(("log", "operations"), [(PIPELINED, 1), (COPIED, 6)], ids=["pipelined", "copied"])
def test_executions_and_operations_are_counted(monkeypatch, log, operations):
    monkeypatch.setattr(Play, "printed", lambda play, more: [(0.0, line) for line in log.splitlines(keepends=True)])
    sent = iter([1000, 5000])
    found = Play("ping.yml", Path("inventory"), {}).count(2, True, lambda: next(sent))
    assert (found.executions, found.operations, found.sent) == (1 / 2, operations / 2, 2000)


@pytest.mark.parametrize(
    ("values", "target", "met"),
    [
        ([1, 9, 2], {"limit": 2}, True),
        ([3, 3, 1], {"limit": 2}, False),
        ([11, 13, 12], {"limit": 12, "floor": True}, True),
        ([11, 13, 11], {"limit": 12, "floor": True}, False),
        ([1], {}, None),
    ],
)
def test_the_median_is_held_against_the_target(values, target, met):
    figure = figures.ratio("ours ÷ theirs", values, [1] * len(values), **target)
    assert figure.met is met
    assert ("MISSED" in figures.table([figure])) is (met is False)


def test_what_needs_no_node_can_be_measured():
    found = [*configuring.figures(rounds=1), resolving.figure(rounds=1)]
    assert len(found) == 4
    assert all(value > 0 for each in found for value in each.values)
