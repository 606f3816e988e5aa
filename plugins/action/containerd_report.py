# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the results of many nodes, each distinct result once; no node is contacted."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
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
    junit,
    markdown,
    page,
    plans,
    prometheus,
    pulls,
    rendered,
    resolutions,
    settings,
)

_ANSWERS = ["plans", "outcomes", "resolutions", "pulls", "images", "rendered"]
_ENDS = {"html": "html", "json": "json", "junit": "xml", "markdown": "md", "prometheus": "prom"}
"""What the files of each format end with."""

_KEYS = {"html": "page"}
"""What the path of a format is called in the result, where it is called otherwise."""

_METRICS = "airgap_containerd_"
"""What names of files with metrics begin with, as they are where others put theirs."""


class ActionModule(Action):
    """Gather, write, print."""

    argument_spec = {
        "plans": {"type": "dict"},
        "named": {"type": "bool", "default": True},
        "proceed": {"type": "bool", "default": False},
        "outcomes": {"type": "dict"},
        "planned": {"type": "dict"},
        "fleet": {"type": "dict"},
        "resolutions": {"type": "dict"},
        "pulls": {"type": "dict"},
        "images": {"type": "dict"},
        "rendered": {"type": "dict"},
        "harbor": {"type": "dict"},
        "dest": {"type": "path"},
        "mode": {"type": "raw", "default": "0644"},
        "formats": {"type": "list", "elements": "str", "choices": list(_ENDS)},
        "metrics_dest": {"type": "path"},
        "metrics_by_node": {"type": "bool", "default": False},
        "started": {"type": "float"},
        "fail_on_drift": {"type": "bool", "default": False},
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
            "planned": "outcomes",
            "formats": "dest",
        },
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        option = next(each for each in _ANSWERS if args[each] is not None)
        if not args[option] and option != "outcomes":
            raise Refusal(f"{option}: empty: there are no results to report")
        if args["dest"] and option in ("resolutions", "rendered"):
            raise Refusal(f"dest: no files are written with {option}: leave it out")
        seconds = None if args["started"] is None else max(time.time() - args["started"], 0)
        result: dict[str, Any] = {"changed": False}
        if option == "pulls":
            results = document.with_docker(args["pulls"])
            found = {**document.document(results, _now(), args["harbor"], seconds=seconds), **_origin(task_vars)}
            shown, closing = pulls.lines(found), pulls.closing(found)
            result.update(self._files(found, args, closing, shown), failed=not found["ok"], ok=found["ok"], msg=closing)
        elif option == "images":
            found = {**images.images(args["images"], _now(), seconds), **_origin(task_vars)}
            shown, closing = images.lines(found), images.closing(found)
            result.update(self._files(found, args, closing, shown), failed=not found["ok"], ok=found["ok"], msg=closing)
        else:
            _check(option, args[option])
            if option == "plans":
                proceed = args["proceed"] and self._is_of_the_operator(args, task_vars)
                check = bool(self._task.check_mode)
                shown, result["fleet"] = plans.plan(
                    args[option],
                    named=args["named"],
                    proceed=proceed,
                    check=check,
                    fail_on_drift=args["fail_on_drift"],
                )
                result.update(self._settings(args[option], None, args, shown, seconds, task_vars))
            elif option == "outcomes":
                shown, result["fleet"], result["over"] = plans.outcome(args["fleet"], args[option])
                if result["over"]:
                    result.update(self._settings(args["planned"], args[option], args, shown, seconds, task_vars))
            else:
                shown = (rendered if option == "rendered" else resolutions).lines(args[option])
        lines = [_text.line(each) for each in shown]
        if lines:
            Display().display("\n".join(["", *lines]))
        return result if result.get("failed") else {**result, "lines": lines}  # Ansible prints all of a failed result

    def _is_of_the_operator(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> bool:
        """Return whether what this task was given can come from nobody but the operator."""
        try:
            super()._check_origin(args, task_vars)
        except FromFacts:
            return False
        return True

    def _check_origin(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        """A fleet's report can run for any node; no node may decide where its files go."""
        if args.get("dest"):
            super()._check_origin(args, task_vars)

    def _settings(
        self,
        planned: Mapping[str, Any] | None,
        done: Mapping[str, Any] | None,
        args: Mapping[str, Any],
        shown: list[str],
        seconds: float | None,
        task_vars: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write the files about the settings of nodes, if they are wanted, and return their paths.

        A run that removes what the role wrote does not compare the nodes with the variables.
        """
        if (
            not args["formats"]
            or not planned
            or any("pending" in each and not each.get("mode") for each in planned.values())
        ):
            return {}
        found = {**settings.settings(planned, _now(), done, seconds), **_origin(task_vars)}
        return self._files(found, args, settings.closing(found), shown)

    def _files(self, found: dict[str, Any], args: Mapping[str, Any], closing: str, shown: list[str]) -> dict[str, Any]:
        """Write the files, but in check mode, show where they are, and return their paths."""
        mode, files = _mode(args["mode"]), _places(found["about"], args)
        written = found["about"] == "site" or not self._task.check_mode  # of settings, the check is what is reported
        makers: dict[str, Callable[[str], str]] = {
            "html": lambda path: page.page(found),
            "json": lambda path: _dumped(found),
            "junit": lambda path: junit.junit(found),
            "markdown": lambda path: markdown.markdown(found, closing),
            "prometheus": lambda path: prometheus.prometheus(found, local.text(path)),
        }
        for kind, path in files.items() if written else ():
            # node_exporter is another user, and reads what is for everybody.
            local.write(path, makers[kind](path), 0o644 if kind == "prometheus" else mode)
        if written and files:
            kind, path = next(iter(files.items()))
            shown.append(f"HTML report: {path}" if kind == "html" else f"Report: {path}")
        told: dict[str, Any] = {_KEYS.get(kind, kind): path for kind, path in files.items()}
        if "prometheus" in files and args["metrics_by_node"]:
            told["metrics"] = prometheus.by_node(found, local.text(files["prometheus"]))
        if found["about"] == "images":
            told["copy"] = os.path.join(args["dest"], "images.sh")
            self._copies(told["copy"], found["copy"]["images"], mode, shown)
        return told

    def _copies(self, path: str, listed: list[dict[str, Any]], mode: int, shown: list[str]) -> None:
        """Write the script that copies what is missing, but in check mode, and say what it is for."""
        if self._task.check_mode:
            return
        local.write(path, copies.script(listed), mode)
        if listed:
            shown.append(f"To copy the missing images ({len(listed)}), run: sh {path}")


def _origin(task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report has of the run itself; sources of the inventory in the current folder without it."""
    here = os.getcwd() + os.sep
    return document.origin(
        local.version(), [str(each).removeprefix(here) for each in task_vars.get("ansible_inventory_sources") or ()]
    )


def _places(about: str, args: Mapping[str, Any]) -> dict[str, str]:
    """Return where the file of each format goes."""
    formats = args["formats"] if args["formats"] is not None else ["html", "json"]
    if "prometheus" not in formats and (args["metrics_dest"] or args["metrics_by_node"]):
        raise Refusal(
            f"formats: {formats} does not include prometheus, but a place for metrics is set: add prometheus to "
            f"containerd_registry_report_formats, or leave out containerd_registry_report_metrics_dir and _metrics_on"
        )
    found = {kind: os.path.join(args["dest"], f"{about}.{_ENDS[kind]}") for kind in _ENDS if kind in formats}
    if "prometheus" in found and args["metrics_dest"] and not args["metrics_by_node"]:  # then it is a place on nodes
        found["prometheus"] = os.path.join(args["metrics_dest"], f"{_METRICS}{about}.prom")
    return found


def _check(option: str, results: Mapping[str, Any]) -> None:
    """Refuse what cannot be shown, as no module and no filter returned it."""
    for name, result in results.items():
        if isinstance(result, list) and option == "resolutions":
            known = all(isinstance(each, Mapping) and "requests" in each for each in result)
        else:
            known = isinstance(result, Mapping)
        if not known:
            module = {"resolutions": "info with resolve", "rendered": "render"}.get(option, "registry")
            wanted = f"result of containerd_{module}"
            raise Refusal(f"{option}: what is given for {name} is not a {wanted}")


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
        raise Refusal(
            f"mode: {given!r} is not a file mode with read permission for the owner: write it in octal, such as '0640'"
        )
    return mode
