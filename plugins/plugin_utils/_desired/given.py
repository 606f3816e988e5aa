# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as they were given, in the type that is wanted: a wrong one is one line with its name and what to write."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common import validation
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import kinds
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal


def typed(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the options that were given, each in the type that `spec` has for it; raises Refusal.

    What Ansible takes for a type is taken: `yes` for a boolean, `a,b` for a list. But for one thing: a number or a
    boolean is not text, because YAML has already made another text of it (0123 is 83).
    """
    found = {}
    for option, value in given.items():
        about = spec.get(option)
        if value is None:
            continue  # not set
        if about is None:
            found[option] = value  # which Ansible refuses
            continue
        value = kinds.plain(value)
        found[option] = _READERS[about["type"]](prefix + option, value, bool(about.get("no_log")))
        if "choices" in about and found[option] not in about["choices"]:
            _refuse_choice(prefix + option, found[option], about["choices"])
    return found


def _text(name: str, value: Any, hidden: bool) -> str:
    if isinstance(value, str):
        return value
    shown = "" if hidden or isinstance(value, (Mapping, list, tuple)) else f"{value!r} "
    fix = "put it in quotes, or add | string to an expression" if kinds.is_scalar(value) else "give a single string"
    raise Refusal(f"{name}: {shown}is {kinds.name(value)} but a string is required: {fix}")


def _mapping(name: str, value: Any, hidden: bool) -> dict[Any, Any]:
    try:
        return {**validation.check_type_dict(value if isinstance(value, str) else {**value})}
    except (TypeError, ValueError):
        raise Refusal(f"{name}: is {kinds.name(value)} but a mapping is required: write it as KEY: VALUE") from None


def _list(name: str, value: Any, hidden: bool) -> list[str]:
    if isinstance(value, Mapping) or not isinstance(value, (str, list, tuple)):
        shown = f"{value!r} " if kinds.is_scalar(value) else ""
        raise Refusal(f"{name}: {shown}is {kinds.name(value)} but a list is required: write it as [A, B]")
    items = value.split(",") if isinstance(value, str) and value else list(value)
    for index, each in enumerate(items):
        _text(f"{name}[{index}]", each, hidden)
    return [each.strip() for each in items] if isinstance(value, str) else items


def _number(name: str, value: Any, hidden: bool) -> int:
    try:
        if isinstance(value, (bool, list, tuple, Mapping)):
            raise TypeError
        return int(validation.check_type_int(value))
    except (TypeError, ValueError, ArithmeticError):
        raise Refusal(f"{name}: {_secrets.quoted(value)} is not a whole number") from None


def _boolean(name: str, value: Any, hidden: bool) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise Refusal(f"{name}: {_secrets.quoted(value)} is neither true nor false") from None


def _raw(name: str, value: Any, hidden: bool) -> Any:
    return value


_READERS = {
    "str": _text, "path": _text, "dict": _mapping, "list": _list, "int": _number, "bool": _boolean, "raw": _raw,
}  # fmt: skip


def _refuse_choice(name: str, value: str, choices: list[str]) -> None:
    likely = difflib.get_close_matches(value.lower(), choices, n=1)
    hint = f": did you mean {likely[0]}?" if likely else ""
    raise Refusal(f"{name}: {_secrets.quoted(value)} is not one of {', '.join(choices)}{hint}")
