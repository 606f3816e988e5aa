# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files for a node that does not exist yet on the control node; no node is contacted."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._action import local
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, options
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import modes, plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._render import files
from ansible_collections.airgap.containerd.plugins.plugin_utils._render.files import Document


class ActionModule(Action):
    """Plan for a node on which nothing is yet, write what it would get."""

    argument_spec = {
        "from_variables": {"type": "str", "default": "containerd_registry_"},
        "dest": {"type": "path", "required": True},
        "config": {"type": "path"},
    }
    libraries = ("tomlkit",)

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        prefix = args["from_variables"]
        wishes = desired.of_variables(prefix, task_vars, self._templar)
        if not wishes["version"]:
            raise Refusal(
                f"{prefix}version: not set, and no node is read here: set it to the containerd release in the image, "
                "such as 2.2.1"
            )
        options.check_version(wishes["version"], prefix)
        wanted = desired.desired(wishes, prefix, self.pem_file)
        base = self._base(args["config"])
        new = observation.without_containerd(wishes["config_file"], wishes["hosts_dir"], base)
        todo = plan.make(wanted, new, modes.settings(wishes, self.file, prefix), wishes["version"])
        written = files.files(todo)
        changed = self._write(args["dest"], files.documents(written, todo.config_path), str(new.hosts_dir))
        warnings = list(todo.warnings)
        if base is None and todo.config_changed:
            warnings.append(
                f"{todo.config_path} is rendered from scratch and replaces the image's own: to keep its settings, set "
                "config to a copy of it"
            )
        return {
            "changed": changed,
            "msg": f"{len(written)} files for containerd {todo.version}, mode {todo.mode}, in {args['dest']}",
            "dest": args["dest"],
            "files": [each.path for each in written],
            "secret_files": [each.path for each in written if each.is_secret],
            "version": todo.version,
            "mode": todo.mode,
            **({"warnings": warnings} if warnings else {}),
        }

    def _base(self, path: str | None) -> bytes | None:
        """Return the config.toml that the image has."""
        if path is None:
            return None
        try:
            with open(self.file("files", path), "rb") as handle:
                return handle.read()
        except OSError as exc:
            raise Refusal(f"config: {path!r} cannot be read on the control node ({exc.strerror or exc})") from exc

    def _write(self, dest: str, documents: list[Document], hosts_dir: str) -> bool:
        """Make the folder what is wanted, files of upstreams that are gone removed; tell whether anything differed."""
        wanted = {os.path.join(dest, each.name): each for each in documents}
        stale = [path for path in _below(os.path.join(dest, f"root{hosts_dir}")) if path not in wanted]
        new = [path for path, each in wanted.items() if not local.is_as(path, each.text, each.mode)]
        if not self._task.check_mode:
            for path in new:
                local.write(path, wanted[path].text, wanted[path].mode)
            for path in stale:
                os.unlink(path)
        return bool(new or stale)


def _below(folder: str) -> list[str]:
    return [os.path.join(place, name) for place, dummy, names in os.walk(folder) for name in names]
