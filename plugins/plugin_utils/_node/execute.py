# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's side of the wire: one request, one remote execution, one reply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ansible import constants
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import NAMES, Request
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import ShapeError

COLLECTION = "airgap.containerd"

Reply = TypeVar("Reply")


_MODEST = 2
"""The verbosity up to which connection plugins say what they do, not what they carry."""

_SSH_DEBUGS = re.compile(r"(debug\d: |OpenSSH_)")


def _is_told() -> bool:
    """Return whether connection plugins print, or log, what they carry."""
    display = Display()
    return max(display.verbosity, getattr(display, "log_verbosity", 0)) > _MODEST  # the second since ansible-core 2.17


@contextmanager
def _quiet(action: ActionBase, told: bool) -> Iterator[None]:
    """Keep request and reply out of what connection plugins print at -vvv, and ActionBase with ANSIBLE_DEBUG.

    With no_log, an unreachable node does not say why it is, so it is there only where those print.
    """
    contexts = [each for each in (action._play_context, getattr(action._connection, "_play_context", None)) if each]
    settings = [*([(each, "no_log") for each in contexts] if told else []), (constants, "DEFAULT_DEBUG")]
    before = [getattr(*setting) for setting in settings]
    for owner, name in settings:
        setattr(owner, name, name == "no_log")
    try:
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setattr(*setting, value)


def _run(action: ActionBase, module: str, word: str, task_vars: dict[str, Any]) -> dict[str, Any]:
    """Run a module of the node half; raises what ansible-core does for a node that cannot be reached, and says why."""
    told = _is_told()
    try:
        try:
            with _quiet(action, told):
                result = action._execute_module(module_name=module, module_args={"request": word}, task_vars=task_vars)
                return dict(result)
        except AnsibleConnectionFailure:
            if told:  # the reason was censored: try once more, with nothing that has to be
                action._low_level_execute_command("exit 0", sudoable=False)
            raise
    except AnsibleConnectionFailure as exc:
        said = [each for each in str(exc.message).splitlines() if not _SSH_DEBUGS.match(each)]
        raise type(exc)(_text.line("\n".join(said))) from None


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
    module, do = NAMES[type(request)]
    asked = wire.encode({"do": do, **messages.as_data(request)})
    result = _run(action, f"{COLLECTION}.{module}", asked, task_vars)
    word = result.get("reply")
    if result.get("failed") or not isinstance(word, str):
        raise Refusal(_failure(result))
    try:
        return _shape.parsed(wire.decode(word), kind)
    except (WireError, ShapeError) as exc:
        raise Refusal(
            f"this node's reply is not valid ({exc}): check what runs as its Python before you trust this node"
        ) from exc
