# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge settings into config.toml: one execution to read, one to write, the merge itself here."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS

from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit import change
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, replies
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import require_containerd
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs

ATTRIBUTES = tuple(name for name in FILE_COMMON_ARGUMENTS if name != "unsafe_writes")


class ActionModule(Action):
    """Read, merge, write."""

    argument_spec = {
        "path": {"type": "path", "aliases": ["dest"]},
        "merge": {"type": "dict", "default": {}},
        "remove": {"type": "list", "elements": "list", "default": []},
        "lists": {"type": "str", "choices": ["replace", "append", "union"], "default": "replace"},
        "config_version": {"type": "int"},
        "create": {"type": "bool", "default": True},
        "backup": {"type": "bool", "default": False},
        "validate": {"type": "str"},
        "binary": PLACES["binary"],
        "service": PLACES["service"],
        "version": {"type": "str"},
        **FILE_COMMON_ARGUMENTS,
    }
    libraries = ("tomlkit",)

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        _check(args)
        seen = execute.execute(self, _look(args), task_vars)
        require_containerd(seen, args["version"])
        rel = releases.release(releases.parse(args["version"] or seen["version"] or ""))
        edit = change.decide(args, seen, rel)
        about = next(each for each in seen["files"] if each["path"] == seen["path"])  # decide made sure of it
        private = change.tightened(args, about, edit.after)
        text_changes = edit.after != (edit.before or "") or (edit.before is None and bool(edit.after))
        exposed = bool(private and edit.before is not None)
        changed = text_changes or bool(seen["attributes"]) or exposed
        result: dict[str, Any] = {
            "changed": changed,
            "path": seen["path"],
            "config_version": edit.version,
            "changes": diffs.changes(edit.before, edit.after),
            "moved": edit.moved,
            **seen["info"],
        }
        warnings = list(edit.warnings)
        if exposed:
            warnings.append(
                f"{seen['path']} holds a secret that others than root could read (mode {about['mode']:04o}): "
                f"it is for root alone {'then' if self._task.check_mode else 'now'}; set mode to decide otherwise"
            )
        if changed and not self._task.check_mode:
            attributes = {name: args[name] for name in ATTRIBUTES}
            done = execute.execute(
                self, _request(args, seen, about, edit, {**attributes, **private}, text_changes), task_vars
            )
            if done["refused"]:
                raise Refusal(change.refusal(done["refused"], edit, rel))
            warnings += [
                f"containerd {rel} tells nothing of plugins.{name}, so it is not proven that it reads it"
                for name in done["unproven"]
            ]
            result.update(done["info"], **({"backup_file": done["backup"]} if done["backup"] else {}))
        if warnings:
            result["warnings"] = warnings
        if self._task.diff:
            result["diff"] = _diff(seen, edit, private if exposed else {}, about)
        return result


def _check(args: dict[str, Any]) -> None:
    if args["path"] and not args["path"].startswith("/"):
        raise Refusal(f"path: {args['path']!r} is not an absolute path")
    if args["validate"] and "%s" not in args["validate"]:
        raise Refusal(f"validate must contain %s, which stands for the new file: {args['validate']}")


def _look(args: dict[str, Any]) -> dict[str, Any]:
    wanted = args["merge"].get("imports")
    return {
        "do": "look",
        "path": args["path"],
        "binary": args["binary"],
        "service": args["service"],
        "imports": [str(each) for each in wanted] if isinstance(wanted, list) else [],
        "attributes": {name: args[name] for name in ATTRIBUTES},
    }


def _request(args, seen, about, edit, attributes: dict[str, Any], text_changes: bool) -> dict[str, Any]:
    return {
        "do": "edit",
        "path": about["real_path"],
        "content": replies.content(edit.after) if text_changes else None,
        "expect": {each["real_path"]: each["sha256"] for each in seen["files"]},
        "attributes": attributes,
        "mode": about.get("mode", 0o644),
        "uid": about.get("uid"),
        "gid": about.get("gid"),
        "backup": args["backup"],
        "unsafe_writes": args["unsafe_writes"],
        "validate": args["validate"],
        "check": {**edit.check, "binary": seen["binary"], "version": seen["version"]} if seen["version"] else None,
    }


def _diff(seen, edit, private: dict[str, Any], about) -> list[dict[str, Any]]:
    """Return the diff of the text, and of the attributes as the core modules show it."""
    found = [diffs.file_diff(seen["path"], edit.before, edit.after)]
    before, after = dict(seen["attributes"].get("before") or {}), dict(seen["attributes"].get("after") or {})
    if private:
        before["mode"], after["mode"] = f"{about['mode']:04o}", private["mode"]
    if before or after:
        found.append({"before": {"path": seen["path"], **before}, "after": {"path": seen["path"], **after}})
    return found
