# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one execution of a node: why it failed, and what is said of it while it runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.utils.display import Display

from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute

TRACEBACK = "Traceback (most recent call last):\n  File x\nValueError: it broke\n"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"msg": "no"}, "no"),
        ({}, "the node gave no reply"),
        ({"msg": "MODULE FAILURE", "module_stderr": TRACEBACK}, "MODULE FAILURE: ValueError: it broke"),
        ({"msg": "x", "module_stderr": "", "module_stdout": "sh: not found\n"}, "x: sh: not found"),
        ({"exception": SimpleNamespace(event=SimpleNamespace(msg="it broke"))}, "the node gave no reply: it broke"),
        (
            {"exception": SimpleNamespace(event=SimpleNamespace(msg="it broke", formatted_traceback=TRACEBACK))},
            "the node gave no reply: ValueError: it broke",
        ),
        ({"msg": "it broke.", "exception": SimpleNamespace(event=SimpleNamespace(msg="it broke"))}, "it broke"),
        ({"exception": "(traceback unavailable)"}, "the node gave no reply"),
    ],
)
def test_why_an_execution_failed(result, reason):
    assert execute._failure(result) == reason


def test_nothing_is_said_of_what_travels_and_all_is_as_before_then(monkeypatch):
    display = Display()
    monkeypatch.setattr(display, "verbosity", 5)
    monkeypatch.setattr(constants, "DEFAULT_DEBUG", True)
    with pytest.raises(KeyError), execute._quiet():
        assert display.verbosity == 2 and getattr(display, "log_verbosity", 0) <= 2 and not constants.DEFAULT_DEBUG
        raise KeyError
    assert display.verbosity == 5 and constants.DEFAULT_DEBUG
