# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a node in one execution and show it, secrets masked."""

from __future__ import annotations

from datetime import date
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, info, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node, plain


class ActionModule(Action):
    """Observe and mask."""

    argument_spec = {**PLACES, "query": {"type": "str"}, "resolve": {"type": "list", "elements": "str"}}
    libraries = ("jmespath",)

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        import jmespath  # here, so that a missing library is the standard error and not a traceback

        try:
            query: Any = jmespath.compile(args["query"]) if args["query"] else None
        except jmespath.exceptions.ParseError as exc:
            raise Refusal(f"query: {args['query']!r} is not JMESPath: {exc}".splitlines()[0]) from exc
        wanted = requests.observe(args)
        if wanted.docker is None:
            wanted = wanted._replace(docker=True)  # shown, whoever configured it
        observed = execute.execute(self, wanted, task_vars, Observation)
        today = date.today().isoformat()
        shown, known = info.info(observed, today), info.supported(observed, today)
        try:
            found = {"query_result": query.search(shown)} if query else {}
        except jmespath.exceptions.JMESPathError as exc:
            raise Refusal(f"query: {args['query']!r} does not fit the node's data: {exc}".splitlines()[0]) from exc
        if args["resolve"] is not None:
            observed.require_containerd()
            found["resolved"] = plain.answers(args["resolve"], node.from_observation(observed))
        if observed.docker:
            found["docker"] = _beside(observed.docker, args["resolve"], today)
            reason = found["docker"].get("msg")
            if reason and args["docker"]:
                found.update(failed=True, msg=f"Docker: {reason}")
        self.of_all = tuple(known.warnings) if known else ()  # of the release: Ansible prints each once for all nodes
        told = {"warnings": list(self.of_all)} if self.of_all else {}
        return {"changed": False, "containerd": shown, **found, **told}


def _beside(observed: Observation, images: list[str] | None, today: str) -> dict[str, Any]:
    """Return what Docker runs beside the node's containerd, with `resolved` for images, or `msg`: why there is none."""
    shown = info.info(observed, today)
    if images is not None:
        try:
            observed.require_containerd()
            shown["resolved"] = plain.answers(images, node.from_observation(observed))
        except Refusal as exc:
            shown["msg"] = str(exc)
    return shown
