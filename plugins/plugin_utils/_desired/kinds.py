# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value is, in words, and values as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES: tuple[tuple[Any, str], ...] = (
    (bool, "a boolean"), ((int, float), "a number"), (str, "a string"), (Mapping, "a mapping"),
    ((list, tuple), "a list"),
)  # fmt: skip


def name(value: Any) -> str:
    """Name what a value is, without showing it."""
    if value is None or value == "":
        return "empty"
    return next((each for kind, each in _NAMES if isinstance(value, kind)), f"a {type(value).__name__}")


def is_scalar(value: Any) -> bool:
    """Whether YAML made something else of what was meant as a text: a number, a boolean, a date."""
    return not isinstance(value, (str, Mapping, list, tuple)) and value is not None


def plain(value: Any) -> Any:
    """Return a value with what ansible-core before 2.19 keeps encrypted (`!vault`) as text; raises AnsibleError."""
    if getattr(value, "__ENCRYPTED__", False) is True:
        return str(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
