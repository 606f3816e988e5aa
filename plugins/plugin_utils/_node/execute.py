# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the wire: one request, one remote execution, one reply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import NAMES, OF_THE_ROLE, Request
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import ShapeError

NODE_MODULE = "airgap.containerd.containerd_node"

Reply = TypeVar("Reply")


@contextmanager
def _quiet(action: ActionBase) -> Iterator[None]:
    """Keep request and reply out of what connection plugins print at -vvv, and ActionBase with ANSIBLE_DEBUG."""
    contexts = [each for each in (action._play_context, getattr(action._connection, "_play_context", None)) if each]
    settings = [(each, "no_log") for each in contexts] + [(constants, "DEFAULT_DEBUG")]
    before = [getattr(*setting) for setting in settings]
    for owner, name in settings:
        setattr(owner, name, name == "no_log")
    try:
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setattr(*setting, value)


def _failure(result: dict[str, Any]) -> str:
    """Return why a module run failed; of a crash, the last line of its traceback."""
    said = [str(result.get(key) or "") for key in ("module_stderr", "module_stdout")]
    crash = next((text.strip().splitlines() for text in said if text.strip()), [])
    return _text.line(": ".join([str(result.get("msg") or "the node gave no reply"), *crash[-1:]]))


def asking(action: ActionBase, task_vars: dict[str, Any]) -> Any:
    """Return `execute` for one task: a function of a request and the kind of its reply."""
    return lambda request, kind: execute(action, request, task_vars, kind)


def execute(action: ActionBase, request: Request, task_vars: dict[str, Any], kind: type[Reply]) -> Reply:
    """Let the node carry out `request` in one remote execution and return its reply as an instance of `kind`.

    `action` is the calling action plugin. Raises Refusal with the node's own message, or with what is wrong with
    its reply.
    """
    with _quiet(action):
        result = action._execute_module(
            module_name=NODE_MODULE if isinstance(request, OF_THE_ROLE) else f"{NODE_MODULE}_extra",
            module_args={"request": wire.encode({"do": NAMES[type(request)], **messages.as_data(request)})},
            task_vars=task_vars,
        )
    word = result.get("reply")
    if result.get("failed") or not isinstance(word, str):
        raise Refusal(_failure(result))
    try:
        return _shape.parsed(wire.decode(word), kind)
    except (WireError, ShapeError) as exc:
        raise Refusal(
            f"this node does not answer as the program that was sent to it does ({exc}): look into what runs as its "
            f"Python before you trust it"
        ) from exc
