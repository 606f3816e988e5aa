# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge settings into config.toml: one execution to read, one to write, the merge itself here."""

from __future__ import annotations

import posixpath
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    node,
    plan,
    registry_config,
    releases,
    report,
    request,
    toml_edit,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils.controller import (
    PLACES,
    Action,
    Refusal,
    observation,
    require_containerd,
)


class ActionModule(Action):
    """Read, merge, write."""

    argument_spec = {
        "path": {"type": "path"},
        "merge": {"type": "dict", "default": {}},
        "remove": {"type": "list", "elements": "list", "default": []},
        "backup": {"type": "bool", "default": False},
        "binary": PLACES["binary"],
        "service": PLACES["service"],
        "version": {"type": "str"},
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        places = {"config_file": args["path"], "binary": args["binary"], "service": args["service"]}
        observed = node.execute(self, observation(places), task_vars)
        require_containerd(observed, args["version"])
        rel = releases.release(releases.parse(args["version"] or observed["version"] or ""))
        before, data = plan.read_config(observed)
        merge, remove = resolve(args["merge"], args["remove"], rel, data)
        after = toml_edit.edit(before or "", merge, remove)
        backup = None
        if after != (before or "") and not self._task.check_mode:
            backup = self._write(args, observed, after, task_vars)
        result = {
            "changed": after != (before or ""),
            "path": observed["config"]["path"],
            "changes": report.changes(before, after),
            "config_version": releases.file_version(toml_edit.load(after)),
            **({"backup_file": backup} if backup else {}),
        }
        if self._task.diff:
            result["diff"] = report.file_diff(result["path"], before, after)
        return result

    def _write(self, args, observed, after: str, task_vars) -> str | None:
        config = observed["config"]
        write = request.config_write(config, after)
        check = {"binary": observed["binary"], "path": config["real_path"]} if observed["version"] else None
        message = {
            "do": "apply",
            "expect": {config["real_path"]: config["sha256"]},
            "writes": [{**write, "backup": posixpath.dirname(config["real_path"]) if args["backup"] else None}],
            "check": check,
            "keep_record": True,
        }
        return node.execute(self, message, task_vars)["backups"].get(config["real_path"])


def resolve(
    merge: dict[str, Any], remove: list[list[str]], rel: releases.Release, data: dict[str, Any]
) -> tuple[dict[str, Any], list[list[str]]]:
    """Return the change with the aliases below `plugins` resolved, and with the `version` that a new file needs."""
    if any(not isinstance(path, list) or not path or not all(isinstance(key, str) for key in path) for path in remove):
        raise Refusal("remove: each entry is a key path, a list of keys such as [plugins, cri_images, registry]")
    version = registry_config.version_after(rel, data) if "version" not in merge else merge["version"]
    merge = dict(merge)
    if isinstance(merge.get("plugins"), dict):
        merge["plugins"] = {releases.alias(name, rel, version): value for name, value in merge["plugins"].items()}
    remove = [
        [path[0], releases.alias(path[1], rel, version), *path[2:]] if path[0] == "plugins" and len(path) > 1 else path
        for path in remove
    ]
    if merge and version != releases.file_version(data):
        merge.setdefault("version", version)
    return merge, remove
