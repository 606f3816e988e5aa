# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the wire: one request, one remote execution, one reply."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils import _wire

NODE_MODULE = "airgap.containerd.containerd_node"


class NodeError(Exception):
    """The node could not do what it was asked; the message is its own."""


def content(text: str | None) -> str | None:
    """Return a file's text as it travels; None for an absent file."""
    return _wire.pack(None if text is None else text.encode("utf-8"))


def text(word: str | None) -> str | None:
    """Return travelled content as text; raises UnicodeDecodeError where it is not UTF-8."""
    return None if word is None else _wire.unpack(word).decode("utf-8")


@contextmanager
def _quiet(action):
    """Keep the connection plugin from printing the node's reply at -vvv: it may hold credentials."""
    contexts = [each for each in (action._play_context, getattr(action._connection, "_play_context", None)) if each]
    before = [each.no_log for each in contexts]
    for each in contexts:
        each.no_log = True
    try:
        yield
    finally:
        for each, value in zip(contexts, before, strict=True):
            each.no_log = value


def _failure(result: dict[str, Any]) -> str:
    """Return why a module run failed; of a crash, the last line of its traceback."""
    crash = (result.get("module_stderr") or result.get("module_stdout") or "").strip().splitlines()
    return ": ".join([result.get("msg") or "the node gave no reply", *crash[-1:]])


def execute(action, request: dict[str, Any], task_vars: dict[str, Any]) -> Any:
    """Let the node carry out ``request`` in one remote execution and return its reply.

    ``action`` is the calling action plugin. Raises NodeError with the node's own message.
    """
    with _quiet(action):
        result = action._execute_module(
            module_name=NODE_MODULE, module_args={"request": _wire.encode(request)}, task_vars=task_vars
        )
    if result.get("failed") or "reply" not in result:
        raise NodeError(_failure(result))
    action.discovered.update(result.get("ansible_facts") or {})
    return _wire.decode(result["reply"])
