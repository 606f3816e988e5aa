# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge settings into config.toml: one execution to read, one to write, the merge itself here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS

from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.edits import Edit
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit import change
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit.change import EditPlan
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import (
    Edited,
    Look,
    PathInfo,
    Proven,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import LookAt
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs

_FILE_ARGUMENTS: dict[str, Any] = {**FILE_COMMON_ARGUMENTS}
ATTRIBUTES = tuple(name for name in _FILE_ARGUMENTS if name != "unsafe_writes")


class ActionModule(Action):
    """Read, merge, write."""

    argument_spec: dict[str, dict[str, Any]] = {
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
        **_FILE_ARGUMENTS,
    }
    libraries = ("tomlkit",)

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        _check(args)
        seen = execute.execute(self, _look(args), task_vars, Look)
        observation.require_containerd(args["version"] or seen.version, seen.version_error)
        rel = releases.release(releases.parse(args["version"] or seen.version or ""))
        edit = change.decide(args, seen, rel, in_place=not self._task.check_mode)
        private = change.tightened(args, edit)
        exposed = bool(private and edit.before is not None)
        changed = edit.changes_text or bool(seen.attributes) or exposed
        result: dict[str, Any] = {
            "changed": changed,
            "path": seen.path,
            "config_version": edit.version,
            "changes": diffs.changes(edit.before, edit.after),
            "moved": edit.moved,
            **_info(seen.info),
        }
        warnings = list(edit.warnings)
        if exposed and edit.file.attributes:
            warnings.append(
                f"{seen.path} contains a secret and was readable by others (mode {edit.file.attributes.mode:04o}): "
                f"only root {'could' if self._task.check_mode else 'can'} read it now; set mode to change that"
            )
        if changed and not self._task.check_mode:
            attributes = {**{name: args[name] for name in ATTRIBUTES}, **private}
            done = execute.execute(self, _request(args, seen, edit, attributes), task_vars, Edited)
            result.update(_info(done.info), **({"backup_file": done.backup} if done.backup else {}))
            warnings += _judged(done, edit, rel)
        elif edit.changes_text and edit.proof:
            proven = execute.execute(self, edit.proof, task_vars, Proven)
            warnings += _judged(proven, edit, rel)
        if warnings:
            result["warnings"] = warnings
        if self._task.diff:
            result["diff"] = _diff(seen, edit, private if exposed else {})
        return result


def _judged(reply: Edited | Proven, edit: EditPlan, rel: Release) -> list[str]:
    """Refuse what containerd makes something else of; return warnings about what it does not tell, and drops."""
    if reply.refused:
        raise Refusal(change.refusal(reply.refused, edit, rel))
    unproven = [
        f"containerd {rel} reports nothing about plugins.{name}, so it is not verified that it reads this table"
        for name in reply.unproven
    ]
    return unproven + change.dropped(reply.dropped, rel)


def _info(info: PathInfo) -> dict[str, Any]:
    """Return what is known of the file, as the core modules return it."""
    return {key: value for key, value in info._asdict().items() if value is not None}


def _check(args: Mapping[str, Any]) -> None:
    if args["path"] and not args["path"].startswith("/"):
        raise Refusal(f"path: {args['path']!r} is not an absolute path")
    if args["validate"] and "%s" not in args["validate"]:
        raise Refusal(f"validate must contain %s, which stands for the new file: {args['validate']}")


def _look(args: Mapping[str, Any]) -> LookAt:
    wanted = args["merge"].get("imports")
    return LookAt(
        path=args["path"],
        binary=args["binary"],
        service=args["service"],
        imports=[str(each) for each in wanted] if isinstance(wanted, list) else [],
        attributes={name: args[name] for name in ATTRIBUTES},
    )


def _request(args: Mapping[str, Any], seen: Look, edit: EditPlan, attributes: dict[str, Any]) -> Edit:
    about = edit.file.attributes
    return Edit(
        path=edit.file.real_path,
        content=wire.pack(edit.after.encode("utf-8")) if edit.changes_text else None,
        expect={each.real_path: each.sha256 for each in seen.files},
        attributes=attributes,
        mode=about.mode if about else 0o644,
        uid=about.uid if about else None,
        gid=about.gid if about else None,
        backup=args["backup"],
        unsafe_writes=args["unsafe_writes"],
        validate=args["validate"],
        check=edit.proof,
    )


def _diff(seen: Look, edit: EditPlan, private: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the diff of the text, and of the attributes as the core modules show it."""
    found: list[dict[str, Any]] = [diffs.file_diff(seen.path, edit.before, edit.after)]
    before, after = (dict(seen.attributes.get(side) or {}) for side in ("before", "after"))
    if private and edit.file.attributes:
        before["mode"], after["mode"] = f"{edit.file.attributes.mode:04o}", private["mode"]
    if before or after:
        found.append({"before": {"path": seen.path, **before}, "after": {"path": seen.path, **after}})
    return found
