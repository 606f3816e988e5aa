# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask Harbor about its projects in one execution and judge what it says."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Projects
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Harbor
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import harbor


class ActionModule(Action):
    """Ask, judge."""

    argument_spec: dict[str, dict[str, Any]] = {
        "url": {"type": "str", "required": True},
        "projects": {"type": "dict", "required": True},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "reader_username": {"type": "str"},
        "reader_password": {"type": "str", "no_log": True},
        "ca": {"type": "path"},
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        Check("").url("url", args["url"], "username and password")
        login, reader = _login(args, ""), _login(args, "reader_")
        names = [str(name).strip("/").partition("/")[0] for name in args["projects"].values()]
        request = Harbor(
            url=args["url"].rstrip("/"),
            projects=list(dict.fromkeys(names)),
            login=login,
            reader=reader or login,
            tls={"ca": [args["ca"]] if args["ca"] else []},
        )
        answer = execute.execute(self, request, task_vars, Projects)
        seen = {each.name: each for each in answer.projects}
        if set(seen) != set(request.projects):
            raise Refusal("the node answers for other projects than those that it was asked for")
        found = [
            harbor.judge(upstream, seen[name], bool(request.reader))
            for upstream, name in zip(args["projects"], names, strict=True)
        ]
        problems = list(dict.fromkeys(text for each in found for text in each.problems))
        good = f"Harbor has what {len(found)} upstreams need, as far as the account may see"
        return {
            "changed": False,
            "failed": bool(problems),
            "msg": " ".join(problems) or good,
            "projects": [each._asdict() for each in found],
        }


def _login(args: dict[str, Any], prefix: str) -> str | None:
    login = Check("").login(prefix, args[f"{prefix}username"], args[f"{prefix}password"])
    return _secrets.basic_authorization(**login) if login else None
