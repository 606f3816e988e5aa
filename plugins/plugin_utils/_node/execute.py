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
from ansible.utils.display import Display

from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import NAMES, OF_THE_ROLE, Request
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import ShapeError

NODE_MODULE = "airgap.containerd.containerd_node"

Reply = TypeVar("Reply")


_MODEST = 2
"""The verbosity up to which connection plugins say what they do, not what they carry."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep request and reply out of what connection plugins print at -vvv, and ActionBase with ANSIBLE_DEBUG.

    Not by no_log, with which an unreachable node would not say why it is.
    """
    display = Display()
    settings: list[tuple[Any, str, Any]] = [(constants, "DEFAULT_DEBUG", False)]
    settings += [
        (display, name, min(getattr(display, name), _MODEST))
        for name in ("verbosity", "log_verbosity")  # the second since ansible-core 2.17
        if hasattr(display, name)
    ]
    before = [getattr(owner, name) for owner, name, _quieter in settings]
    for owner, name, value in settings:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for (owner, name, _quieter), value in zip(settings, before, strict=True):
            setattr(owner, name, value)


def _failure(result: dict[str, Any]) -> str:
    """Return why a module run failed; of a crash, the last line of its traceback."""
    words = [str(result.get("msg") or "the node gave no reply").rstrip("."), _crash(result)]
    return _text.line(": ".join(filter(None, dict.fromkeys(words))))


def _crash(result: dict[str, Any]) -> str:
    """Return what a crash left: what the module printed, or what ansible-core 2.19 and later make of that."""
    event = getattr(result.get("exception"), "event", None)
    said = [result.get("module_stderr"), result.get("module_stdout")]
    said += [getattr(event, "formatted_traceback", None), getattr(event, "msg", None)]
    return next((str(text).strip().splitlines()[-1] for text in said if str(text or "").strip()), "")


def asking(action: ActionBase, task_vars: dict[str, Any]) -> Any:
    """Return `execute` for one task: a function of a request and the kind of its reply."""
    return lambda request, kind: execute(action, request, task_vars, kind)


def execute(action: ActionBase, request: Request, task_vars: dict[str, Any], kind: type[Reply]) -> Reply:
    """Let the node carry out `request` in one remote execution and return its reply as an instance of `kind`.

    `action` is the calling action plugin. Raises Refusal with the node's own message, or with what is wrong with
    its reply.
    """
    with _quiet():
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
