# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the forks of a task tell each other."""

from __future__ import annotations

import multiprocessing
import os
import time

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._action import turns

FORKS = 4
CONTEXT = multiprocessing.get_context("fork")


def fork(task, number, ends, inside, seen):
    with turns.in_turn(task, "name") as words:
        with inside.get_lock():
            inside.value += 1
            turn = inside.value
        seen.put((number, words.left, words.is_open))
        if not words.is_open:
            time.sleep(0.1)
            assert inside.value == turn, "the others wait"
        words.leave(str(number))
        if turn == 2:
            ends(words)


def fails(words):
    raise SystemExit(3)


def killed(words):
    os._exit(3)


@pytest.mark.parametrize(("ends", "status"), [(turns.Words.open, 0), (fails, 3), (killed, 3)])
def test_one_after_the_other_until_one_opens_the_way(ends, status):
    task = f"task-{ends.__name__}"
    inside, seen = CONTEXT.Value("i", 0), CONTEXT.SimpleQueue()
    forks = [CONTEXT.Process(target=fork, args=(task, number, ends, inside, seen)) for number in range(FORKS)]
    for each in forks:
        each.start()
    for each in forks:
        each.join()
    assert sorted(each.exitcode for each in forks) == [0] * (FORKS - 1) + [status]
    found = [seen.get() for dummy in range(FORKS)]
    numbers = [str(number) for number, dummy, dummy in found]
    assert [left for dummy, left, dummy in found[:3]] == [[], numbers[:1], numbers[:2]]
    assert [is_open for dummy, dummy, is_open in found] == [False, False] + [ends is not killed] * (FORKS - 2)


def test_names_and_tasks_are_apart():
    with turns.in_turn("apart", "a") as one, turns.in_turn("apart", "b") as two:
        one.leave("x")
        assert not two.left
    with turns.in_turn("apart", "a") as again, turns.in_turn("other", "a") as other:
        assert again.left == ["x"] and not other.left


def test_who_came_first():
    found = [turns.claim("claims", "g", host) for host in ("n1", "n2", "n1")]
    assert found == [None, "n1", None] and turns.claim("claims", "h", "n2") is None
