# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one execution of a node: why it failed, and what is said of it while it runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.errors import AnsibleConnectionFailure
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


CENSORED = "Failed to connect to the host via ssh: <error censored due to no log>"
WHY = "Failed to connect to the host via ssh: OpenSSH_9.2\ndebug1: Reading\nssh: connect to host a: No\x1b[2J route\n"


def action(seen, second=None):
    """Return an action whose node cannot be reached; `seen` becomes what is set while it is tried."""
    context = SimpleNamespace(no_log=False)

    def fail(**dummy):
        seen.append((context.no_log, constants.DEFAULT_DEBUG))
        raise AnsibleConnectionFailure(CENSORED if context.no_log else WHY)

    def again(*dummy, **dummy2):
        seen.append((context.no_log, constants.DEFAULT_DEBUG))
        if second:
            raise AnsibleConnectionFailure(second)

    connection = SimpleNamespace(_play_context=context)
    return SimpleNamespace(
        _play_context=context, _connection=connection, _execute_module=fail, _low_level_execute_command=again
    )


@pytest.mark.parametrize(
    ("verbosity", "second", "tries", "reason"),
    [
        (2, None, [(False, False)], "via ssh:  ssh: connect to host a: No?[2J route"),
        (3, WHY, [(True, False), (False, True)], "via ssh:  ssh: connect to host a: No?[2J route"),
        (5, None, [(True, False), (False, True)], "<error censored due to no log>"),
    ],
)
def test_a_node_that_cannot_be_reached_says_why_and_nothing_that_travels(monkeypatch, verbosity, second, tries, reason):
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    monkeypatch.setattr(Display(), "log_verbosity", verbosity, raising=False)
    monkeypatch.setattr(constants, "DEFAULT_DEBUG", True)
    seen = []
    unreachable = action(seen, second)
    with pytest.raises(AnsibleConnectionFailure) as raised:
        execute._run(unreachable, "m", "word", {})
    said = raised.value.message
    assert said.isprintable() and "debug1" not in said and reason.split("ssh:  ")[-1] in said
    assert seen == tries and not unreachable._play_context.no_log and constants.DEFAULT_DEBUG


def test_what_is_logged_alone_is_quiet_too(monkeypatch):
    monkeypatch.setattr(Display(), "verbosity", 0)
    monkeypatch.setattr(Display(), "log_verbosity", 3, raising=False)
    assert execute._is_told()
