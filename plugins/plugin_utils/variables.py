# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options taken from variables: as arguments of a task, each would be a template that every fork compiles anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import errors

_OMITTED: Any = getattr(errors, "AnsibleValueOmittedError", ())  # raised from ansible-core 2.19 on


def options(
    spec: Mapping[str, Mapping[str, Any]], prefix: str, variables: Mapping[str, Any], templar
) -> dict[str, Any]:
    """Return `{option: value}` of the variables that are called as the options in `spec` with a prefix.

    Variables that are not set, or are `omit`, are left out. Raises AnsibleError where a template fails.
    """
    found = {}
    for option in spec:
        name = prefix + option
        if name not in variables:
            continue
        # Before 2.19, a text that looks like a list becomes one unless this is switched off.
        old = spec[option]["type"] == "str" and not hasattr(templar, "evaluate_expression")
        try:
            value = templar.template(variables[name], **({"convert_data": False} if old else {}))
        except _OMITTED:
            continue
        if value is not None and not (isinstance(value, str) and value == variables.get("omit")):
            found[option] = value
    return found
