# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart containerd in one execution and verify that CRI answers."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import Restart
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import options
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Restarted
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import RestartOrRestore

FILES = {"path": {"type": "path", "required": True}, "backup": {"type": "path", "required": True}}


class ActionModule(Action):
    """Pass the request on if a restart is needed or requested anyway; check mode reports `changed` without doing it."""

    argument_spec = {
        "service": {"type": "str", "default": "containerd"},
        "socket": {"type": "path", "default": places.DEFAULT_SOCKET},
        "command": {"type": "raw"},
        "timeout": {"type": "int", "default": 60},
        "force": {"type": "bool", "default": False},
        "only_if_due": {"type": "bool", "default": False},
        "restore": {"type": "list", "elements": "dict", "options": FILES, "default": []},
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        options.check_places(args)
        options.check_range("timeout", args["timeout"], 1, options.MAX_SECONDS)
        command = options.command(args["command"], "command")
        why = ""
        if args["only_if_due"]:
            observed = execute.execute(self, requests.observe(args), task_vars, Observation)
            observed.require_containerd()
            if not observed.restart_due:
                return {
                    "changed": False,
                    "msg": f"{args['service']} already runs with its current configuration: no restart needed",
                }
            why = f" ({observed.restart_due})"
        if self._task.check_mode:
            return {"changed": True, "msg": f"{args['service']} will be restarted{why}"}
        restart = Restart(args["service"], args["socket"], command, args["timeout"], args["force"])
        done = execute.execute(self, RestartOrRestore(restart, args["restore"]), task_vars, Restarted)
        return {
            "changed": True,
            "seconds": done.seconds,
            "msg": f"{args['service']} restarted{why}, CRI answered after {done.seconds} s",
        }
