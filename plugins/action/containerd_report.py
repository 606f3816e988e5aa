# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what the nodes of a fleet answered, each distinct answer once; no node is asked anything."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.utils.display import Display

from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._action import local
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import (
    document,
    page,
    plans,
    pulls,
    resolutions,
)

_ANSWERS = ["checks", "plans", "resolutions", "pulls"]


class ActionModule(Action):
    """Gather, write, print."""

    argument_spec = {
        "checks": {"type": "dict"},
        "plans": {"type": "dict"},
        "resolutions": {"type": "dict"},
        "pulls": {"type": "dict"},
        "harbor": {"type": "dict"},
        "dest": {"type": "path"},
        "mode": {"type": "raw", "default": "0644"},
    }
    relations = {
        "mutually_exclusive": [_ANSWERS],
        "required_one_of": [_ANSWERS],
        "required_by": {"pulls": "dest", "dest": "pulls", "harbor": "pulls"},
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        option = next(each for each in _ANSWERS if args[each] is not None)
        if not args[option]:
            raise Refusal(f"{option}: there is none, so no node was asked")
        result: dict[str, Any] = {"changed": False}
        if option == "pulls":
            found = document.document(args["pulls"], _now(), args["harbor"])
            shown, files = pulls.lines(found), self._files(found, args["dest"], _mode(args["mode"]))
            result.update(files, failed=not found["ok"], msg=pulls.closing(found))
            if not self._task.check_mode:
                shown.append(f"Page: {files['page']}")
        elif option == "checks":
            _check(option, args[option])
            wrong, shown = plans.mistakes(args[option]), []
            result.update(failed=bool(wrong), msg=wrong or "the variables are right")
        else:
            _check(option, args[option])
            shown = (plans if option == "plans" else resolutions).lines(args[option])
        lines = [_text.line(each) for each in shown]
        if lines:
            Display().display("\n".join(["", *lines]))
        return result if result.get("failed") else {**result, "lines": lines}  # Ansible prints all of a failed result

    def _check_origin(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        """A fleet's report is shown beside whatever node it runs; where its files go is no node's to say."""
        if args.get("dest"):
            super()._check_origin(args, task_vars)

    def _files(self, found: dict[str, Any], dest: str, mode: int) -> dict[str, str]:
        """Write the page and the JSON file, but in check mode, and return their paths."""
        files = {kind: os.path.join(dest, f"verify.{end}") for kind, end in (("page", "html"), ("json", "json"))}
        if not self._task.check_mode:
            local.write(files["page"], page.page(found), mode)
            local.write(files["json"], json.dumps(found, indent=1, sort_keys=True, allow_nan=False) + "\n", mode)
        return files


def _check(option: str, results: Mapping[str, Any]) -> None:
    """Refuse what cannot be shown, as no module and no filter returned it."""
    for name, result in results.items():
        if isinstance(result, list) and option == "resolutions":
            known = all(isinstance(each, Mapping) and "requests" in each for each in result)
        else:
            known = isinstance(result, Mapping)
        if not known:
            wanted = f"result of containerd_{'info with resolve' if option == 'resolutions' else 'registry'}"
            raise Refusal(f"{option}: what is given for {name} is no {wanted}")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _mode(given: Any) -> int:
    """Return the option `mode` as a number; YAML makes one of 0640 without quotes."""
    try:
        mode = given if isinstance(given, int) else int(str(given), 8)
    except ValueError:
        mode = -1
    if not 0o400 <= mode <= 0o777:
        raise Refusal(f"mode: {given!r} is no mode of a file that its owner can read: write it in octal, as '0640'")
    return mode
