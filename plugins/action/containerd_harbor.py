# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Query Harbor about its projects in one execution and judge the answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, options, projects
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import identity
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Projects
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import AskHarbors, Harbor
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import harbor, robots

_OF_MIRRORS = (
    "url", "username", "password", "upstreams", "extra_upstreams", "projects", "mirrors", "endpoints", "catch_all",
    "direct", "fallback",
)  # fmt: skip

_SHOWN = ("name", "harbor", "expires_at", "never_expires", "disabled")


class ActionModule(Action):
    """Query, judge."""

    argument_spec: dict[str, dict[str, Any]] = {
        "url": {"type": "str"},
        "projects": {"type": "dict"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "reader_username": {"type": "str"},
        "reader_password": {"type": "str", "no_log": True},
        "ca": {"type": "path"},
        "from_variables": {"type": "str"},
    }
    relations = {
        "required_one_of": [["url", "from_variables"]],
        "required_by": {"url": "projects"},
        "mutually_exclusive": [["from_variables", each] for each in ("url", "projects", "username", "password", "ca")],
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        asked = self._from_variables(args, task_vars) if args["from_variables"] else _from_options(args)
        names = [[project for _upstream, project in projects] for _harbor, projects in asked]
        request = AskHarbors(
            [
                each._replace(projects=list(dict.fromkeys(wanted)), robot=robots.name(each.login))
                for (each, _projects), wanted in zip(asked, names, strict=True)
            ]
        )
        answer = execute.execute(self, request, task_vars, Projects)
        if [[each.name for each in projects] for projects in answer.harbors] != [
            list(each.projects) for each in request.harbors
        ]:
            raise Refusal("the node returned results for projects that were not requested")
        if len(answer.robots) != len(request.harbors):
            raise Refusal("the node returned results for accounts that were not requested")
        accounts = [
            robots.account(one.robot, one.url, seen, time.time()) if one.robot else None
            for one, seen in zip(request.harbors, answer.robots, strict=True)
        ]
        found = [
            harbor.judge(upstream, {each.name: each for each in seen}[name], bool(one.reader), account and account.gone)
            for (one, projects), seen, account in zip(asked, answer.harbors, accounts, strict=True)
            for upstream, name in projects
        ]
        urls = [one.url for one, projects in asked for _each in projects]
        problems = list(dict.fromkeys(text for each in found for text in each.problems))
        good = f"Harbor has what {len(found)} upstreams need, as far as the account can see"
        known = list(dict.fromkeys(each for each in accounts if each))
        self.of_all = tuple(each.warning for each in known if each.warning)  # no node's: Ansible prints each once
        return {
            "changed": False,
            "failed": bool(problems),
            "msg": " ".join(problems) or good,
            "projects": [{**each._asdict(), "harbor": url} for each, url in zip(found, urls, strict=True)],
            "robots": [{key: getattr(each, key) for key in _SHOWN} for each in known],
            **({"warnings": list(self.of_all)} if self.of_all else {}),
        }

    def _from_variables(
        self, args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> list[tuple[Harbor, list[tuple[str, str]]]]:
        """Return the Harbors of the role's variables; the account that reads is for the one at its `url` alone."""
        prefix = str(args["from_variables"])
        spec = {name: options.ARGUMENT_SPEC[name] for name in _OF_MIRRORS}
        validated = ArgumentSpecValidator(spec).validate(options.from_variables(spec, prefix, task_vars, self._templar))
        if validated.error_messages:
            raise Refusal(f"{prefix}*: {'; '.join(validated.error_messages)}")
        merged = desired.merged(validated.validated_parameters, prefix, task_vars, self._templar.template)
        wanted = desired.desired(merged, prefix, self.pem_file)
        own = identity(merged["url"]) if merged["url"] else ""
        reader = _login(args, "reader_")
        return [
            (
                Harbor(
                    url=each.endpoint.base + each.endpoint.path[: -len("/v2")],
                    projects=(),
                    login=each.access.authorization,
                    reader=(reader if each.endpoint.identity == own else None) or each.access.authorization,
                    tls=each.access.tls,
                ),
                each.projects,
            )
            for each in harbor.harbors(wanted)
        ]


def _from_options(args: Mapping[str, Any]) -> list[tuple[Harbor, list[tuple[str, str]]]]:
    """Return the Harbor of the options, once for each account."""
    check = Check("")
    given = check.url("url", args["url"], "username and password").root
    login, reader = _login(args, ""), _login(args, "reader_")
    tls = {"ca": {"text": None, "path": args["ca"]}} if args["ca"] else {}
    found: dict[str | None, list[tuple[str, str]]] = {}
    for upstream, each in projects.collect(check, args["projects"]).items():
        found.setdefault(each.access.authorization or login, []).append((upstream, each.name))
    url = given.base + given.path[: -len("/v2")]
    return [(Harbor(url, (), each, reader or each, tls), names) for each, names in found.items()]


def _login(args: Mapping[str, Any], prefix: str) -> str | None:
    login = Check("").login(prefix, args[f"{prefix}username"], args[f"{prefix}password"])
    return _secrets.basic_authorization(**login) if login else None
