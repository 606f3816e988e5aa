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
from ansible_collections.airgap.containerd.plugins.plugin_utils._origin import FromFacts
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import (
    copies,
    document,
    images,
    page,
    plans,
    pulls,
    resolutions,
)

_ANSWERS = ["plans", "outcomes", "resolutions", "pulls", "images"]
_WITH_FILES = ("pulls", "images")


class ActionModule(Action):
    """Gather, write, print."""

    argument_spec = {
        "plans": {"type": "dict"},
        "named": {"type": "bool", "default": True},
        "proceed": {"type": "bool", "default": False},
        "outcomes": {"type": "dict"},
        "fleet": {"type": "dict"},
        "resolutions": {"type": "dict"},
        "pulls": {"type": "dict"},
        "images": {"type": "dict"},
        "harbor": {"type": "dict"},
        "dest": {"type": "path"},
        "mode": {"type": "raw", "default": "0644"},
    }
    relations = {
        "mutually_exclusive": [_ANSWERS],
        "required_one_of": [_ANSWERS],
        "required_by": {
            "pulls": "dest",
            "images": "dest",
            "harbor": "pulls",
            "outcomes": "fleet",
            "fleet": "outcomes",
        },
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        option = next(each for each in _ANSWERS if args[each] is not None)
        if not args[option] and option != "outcomes":
            raise Refusal(f"{option}: there is none, so no node was asked")
        if args["dest"] and option not in _WITH_FILES:
            raise Refusal(f"dest: there are files for {' and '.join(_WITH_FILES)} alone: leave it out")
        result: dict[str, Any] = {"changed": False}
        if option == "pulls":
            found = document.document(args["pulls"], _now(), args["harbor"])
            shown = pulls.lines(found)
            result.update(self._files(found, args, shown), failed=not found["ok"], msg=pulls.closing(found))
        elif option == "images":
            found = images.images(args["images"], _now())
            shown = images.lines(found)
            result.update(self._files(found, args, shown), failed=not found["ok"], msg=images.closing(found))
        else:
            _check(option, args[option])
            if option == "plans":
                proceed = args["proceed"] and self._is_of_the_operator(args, task_vars)
                check = bool(self._task.check_mode)
                shown, result["fleet"] = plans.plan(args[option], named=args["named"], proceed=proceed, check=check)
            elif option == "outcomes":
                shown, result["fleet"], result["over"] = plans.outcome(args["fleet"], args[option])
            else:
                shown = resolutions.lines(args[option])
        lines = [_text.line(each) for each in shown]
        if lines:
            Display().display("\n".join(["", *lines]))
        return result if result.get("failed") else {**result, "lines": lines}  # Ansible prints all of a failed result

    def _is_of_the_operator(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> bool:
        """Tell whether what this task was given can come from nobody but the operator."""
        try:
            super()._check_origin(args, task_vars)
        except FromFacts:
            return False
        return True

    def _check_origin(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        """A fleet's report is shown beside whatever node it runs; where its files go is no node's to say."""
        if args.get("dest"):
            super()._check_origin(args, task_vars)

    def _files(self, found: dict[str, Any], args: Mapping[str, Any], shown: list[str]) -> dict[str, str]:
        """Write the files, but in check mode, show where they are, and return their paths."""
        mode, name = _mode(args["mode"]), page.FILE_OF[found.get("about")]
        texts = {"page": page.page, "json": _dumped}
        if found.get("about") == "images":
            texts["copy"] = lambda found: copies.script(found["copy"]["images"])
        files = {kind: os.path.join(args["dest"], f"{name}.{_ENDS[kind]}") for kind in texts}
        if not self._task.check_mode:
            for kind, path in files.items():
                local.write(path, texts[kind](found), mode)
            shown.append(f"Page: {files['page']}")
            if found.get("copy") and found["copy"]["images"]:
                shown.append(
                    f"Copy: sh {files['copy']} puts {len(found['copy']['images'])} images where they are missing"
                )
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


_ENDS = {"page": "html", "json": "json", "copy": "sh"}


def _dumped(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, sort_keys=True, allow_nan=False) + "\n"


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
