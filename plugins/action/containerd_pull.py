# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images on a node and report where they came from."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Pull
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import pull


class ActionModule(Action):
    """Pull, predict, query, report."""

    argument_spec: dict[str, dict[str, Any]] = {
        "images": {"type": "list", "elements": "str", "default": []},
        "pause": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 120},
        "parallel": {"type": "int", "default": 3},
        "keep": {"type": "bool", "default": False},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        **PLACES,
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        secret = Check("").login("", args["username"], args["password"])
        wish = Pull(
            node=requests.observe(args),
            images=list(dict.fromkeys(args["images"])),
            login=(secret["username"], secret["password"]) if secret else None,
            **{name: args[name] for name in ("pause", "timeout", "parallel", "keep")},
        )
        pull.check(wish)
        return (pull.look if self._task.check_mode else pull.pull)(execute.asking(self, task_vars), wish)
