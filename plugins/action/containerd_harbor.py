# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask Harbor about its projects in one execution and judge what it says."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
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
        if not args["url"].startswith(("http://", "https://")):
            raise Refusal(f"url: {args['url']!r} has no http:// or https:// in front")
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
        found = [harbor.judge(upstream, seen[name]) for upstream, name in zip(args["projects"], names, strict=True)]
        problems = list(dict.fromkeys(text for each in found for text in each["problems"]))
        good = f"Harbor has what {len(found)} upstreams need, as far as the account may see"
        return {"changed": False, "failed": bool(problems), "msg": " ".join(problems) or good, "projects": found}


def _login(args: dict[str, Any], prefix: str) -> str | None:
    username, password = args[f"{prefix}username"], args[f"{prefix}password"]
    if bool(username) != bool(password):
        raise Refusal(f"{prefix}username and {prefix}password: a login has both")
    return _secrets.basic_authorization(username, password) if username else None
