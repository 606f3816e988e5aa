# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the role's variables: those that nothing reads are reported with the likely one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import ARGUMENT_SPEC

ADDING_UP = ("mirrors", "endpoints", "projects", "upstreams", "extra_upstreams", "direct")
"""Options that every variable adds to whose name begins with theirs and an underscore."""

OF_PLAYBOOKS = (
    "nodes", "proceed", "serial", "fail_on_drift", "report_dir", "report_mode", "report_formats", "report_metrics_dir",
    "report_metrics_on", "verify_pause", "verify_harbor", "verify_harbor_from", "verify_harbor_username",
    "verify_harbor_password", "render_dest", "render_config", "schedule_on", "schedule_calendar", "schedule_user",
    "schedule_vault_password_file", "schedule_state",
)  # fmt: skip
"""What the playbooks read in addition to the options of the role."""

_REGISTERED = ("plan", "fleet", "result", "pulled", "harbor")
_INTERNAL = ("from_variables", "validate_only", "fleet", "planned")
_ALIKE = 0.95  # the least likeness of a whole name, for a mistake in the prefix
_ALIKE_OPTION = 0.9  # of an option, before it is taken for one with a suffix


def unknown(variables: Iterable[object], prefix: str) -> list[str]:
    """Return a warning for each variable that is called as if it were one of the role's, and is none."""
    known = [each for each in (*ARGUMENT_SPEC, *OF_PLAYBOOKS) if each not in _INTERNAL]
    full = [prefix + each for each in known]
    found = []
    for name in sorted(each for each in variables if isinstance(each, str) and each[:4] == prefix[:4]):
        if not name.startswith(prefix):
            likely = difflib.get_close_matches(name, full, n=1, cutoff=_ALIKE)
        elif _is_known(name[len(prefix) :], known):
            continue
        else:
            likely = [prefix + each for each in _likely(name[len(prefix) :], known)]
        if likely or name.startswith(prefix):
            hint = f": did you mean {likely[0]}?" if likely else ", so nothing reads it"
            found.append(f"{name} is not a variable of this role{hint}")
    return found


def _is_known(name: str, known: Collection[str]) -> bool:
    return name in known or name in _REGISTERED or name.startswith(tuple(f"{each}_" for each in ADDING_UP))


def _likely(name: str, known: Collection[str]) -> list[str]:
    """Return the option that was meant, or the one that was to be added to, with the suffix that it was given."""
    name = name.lower()
    whole = difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE_OPTION)
    parts = name.split("_")
    for count in range(len(parts) - 1, 0, -1) if not whole else ():
        head = difflib.get_close_matches("_".join(parts[:count]), ADDING_UP, n=1, cutoff=0.8)
        if head:
            return ["_".join([*head, *parts[count:]])]
    return whole or difflib.get_close_matches(name, known, n=1)
