# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of the role: one execution to read the node, one to change it, everything else decided here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import Apply, Restart
from ansible_collections.airgap.containerd.plugins.plugin_utils._action import throttle
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases, support
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, given, names, options
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Applied, Tried
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    drift,
    hosts_toml,
    modes,
    plan,
    preflight,
    promises,
    request,
    summary,
    undo,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs

_SHOWN = ("version", "mode", "namespaces", "config_changes", "written", "removed", "restart_due")
"""What a plan shows of a change."""


class ActionModule(Action):
    """Read, plan, apply."""

    argument_spec = options.ARGUMENT_SPEC
    libraries = ("tomlkit",)

    @property
    def is_asked(self) -> bool:
        return bool(self._task.args.get("fleet") == "plan")

    def given(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        written = self._task.args
        prefix = str(written.get("from_variables") or "")
        spec = options.ARGUMENT_SPEC
        found = options.from_variables(spec, prefix, task_vars, self._templar) if prefix else {}
        return given.typed(spec, {**found, **written}, prefix)

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        prefix, state = args["from_variables"], args["state"]
        merged = desired.merged(args, prefix, task_vars, self._templar.template)
        wanted = desired.desired(merged, prefix, self.pem_file) if state == "present" else None
        self.of_all = (*(names.unknown(task_vars, prefix) if prefix else ()), *(wanted.warnings if wanted else ()))
        restart = _restart(args, prefix)
        options.check_version(args["version"], prefix)
        settings = modes.settings(args, self.file, prefix)
        if args["validate_only"]:
            _validate(wanted, settings, args["version"])
            right: dict[str, Any] = {"changed": False, "msg": "variables are valid"}
            return {**right, "warnings": list(self.of_all)} if self.of_all else right
        observed, todo = self._planned(args, wanted, settings, task_vars)
        idle = observed.is_image and not restart.command
        restarts = bool(todo.restart_due and args["restart"] and observed.version and not idle)
        if restarts:
            _check_restart(restart, observed, prefix)
        outcome = None
        is_plan = self._task.check_mode or args["fleet"] == "plan"
        applies = todo.changed or restarts or todo.record_changed or observed.interrupted
        source = f"{args['url']} mirrors" if args["url"] else "own mirrors for"
        if applies and not is_plan:
            if args["planned"]:
                _check_planned(args["planned"], _result(todo, observed, restarts, idle, None, source))
            again = restart._replace(socket=observed.socket) if restarts else None
            apply = request.of_plan(todo, observed, again, tries=not restart.force)
            with throttle.slot(args["restart_throttle"] if restarts else 0):
                outcome = self._apply(apply, task_vars)
        elif self._task.check_mode:
            tried = request.rehearsal(todo, observed, tries=not restart.force)
            if tried:
                execute.execute(self, tried, task_vars, Tried)
        result = _result(todo, observed, restarts, idle, outcome, source)
        warnings = list(dict.fromkeys([*self.of_all, *result.pop("warnings")]))
        if warnings:
            result["notes" if args["fleet"] else "warnings"] = warnings
        if self._task.diff:
            result["diff"] = summary.plan_diff(todo)
        verifies = bool(args["verify"] and wanted)
        if args["fleet"] == "plan":
            result["pending"] = bool(applies or verifies)
            result["bystander"] = bool(wanted and observed.docker_host and not args["docker"])
            result["support"] = _support(observed, todo) if wanted else []
            result["changes"] = [each._asdict() for each in drift.changes(observed, todo)] if result["changed"] else []
            result["endpoints"] = _endpoints(wanted)
            result["changed"] = bool(result["changed"] and self._task.check_mode)
        elif verifies and not is_plan:
            self._verify(args, result, task_vars)
        return result

    def _planned(
        self, args: dict[str, Any], wanted: Desired | None, settings: Settings, task_vars: dict[str, Any]
    ) -> tuple[Observation, Plan]:
        """Read the node, and return it with what is to be done to it."""
        prefix, state = args["from_variables"], args["state"]
        asked = preflight.questions(wanted, settings.mode, settings.auth_method) if wanted and args["preflight"] else []
        question = requests.observe(args)._replace(endpoints=asked, previous=state == "previous")
        observed = execute.execute(self, question, task_vars, Observation)
        if wanted:
            if not observed.engine:
                observed.require_containerd(args["version"], prefix)
            return observed, plan.make(wanted, observed, settings, args["version"])
        return observed, undo.make_absent(observed) if state == "absent" else undo.make_previous(observed)

    def _apply(self, apply: Apply, task_vars: dict[str, Any]) -> Applied:
        """Let the node carry a plan out; one that is lost meanwhile has failed, as its state is unknown."""
        try:
            return execute.execute(self, apply, task_vars, Applied)
        except AnsibleConnectionFailure as exc:
            raise Refusal(
                f"the connection was lost while this node was being changed ({exc.message}). The node finishes the "
                "change by itself, completely or not at all: run again when it can be reached"
            ) from exc

    def _verify(self, args: Mapping[str, Any], result: dict[str, Any], task_vars: dict[str, Any]) -> None:
        """Pull images now that all is applied, and add what became of them to the result."""
        # Few runs verify, and each file that is imported is compiled in every run.
        from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import pull

        wish = requests.Pull(requests.observe(args), list(dict.fromkeys(args["verify_images"])), pause=True)
        pull.check(wish, f"{args['from_variables']}verify_images")
        pulled = pull.pull(execute.asking(self, task_vars), wish)
        result.update({key: pulled[key] for key in ("images", "failed", "docker") if key in pulled})
        result["msg"] = pulled["msg"] if pulled["failed"] else f"{result['msg']}; images: {pulled['msg']}"


def _restart(args: Mapping[str, Any], prefix: str) -> Restart:
    """Return the restart that the options describe, checked; the socket is not known yet."""
    options.check_places(args, prefix)
    options.check_range(f"{prefix}restart_timeout", args["restart_timeout"], 1, options.MAX_SECONDS)
    options.check_range(f"{prefix}restart_throttle", args["restart_throttle"], 0, None)
    command = options.command(args["restart_command"], f"{prefix}restart_command")
    return Restart(args["service"], "", command, args["restart_timeout"], args["restart_force"])


def _check_restart(restart: Restart, observed: Observation, prefix: str) -> None:
    """Refuse, before anything is written, a restart that cannot be done or would kill pods."""
    if restart.command:
        return
    if not observed.unit.found:
        raise Refusal(
            f"systemd has no unit {restart.service!r} on this node: set {prefix}service, or {prefix}restart_command "
            f"for another service manager, or {prefix}restart to false"
        )
    refusal = verdicts.kill_mode_refusal(restart.service, observed.unit)
    if refusal and not restart.force:
        raise Refusal(refusal.replace("set restart_force", f"set {prefix}restart_force"))


def _check_planned(planned: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a node that does not get the change that was shown."""
    before, after = (json.dumps([each.get(key) for key in _SHOWN], default=str) for each in (planned, now))
    if before != after:
        raise Refusal(
            "this node was modified after its change was planned, so nothing was changed on it: run again for a new "
            "plan"
        )


def _result(
    todo: Plan, observed: Observation, restarts: bool, idle: bool, outcome: Applied | None, source: str
) -> dict[str, Any]:
    """Return the module's result for a plan and its outcome."""
    restarted = bool(outcome and outcome.restarted)
    left = [
        f"{path} is kept because it contains files of other tools: containerd does not apply the catch-all to it"
        for path in (outcome.left if outcome else ())
        if path.startswith(f"{observed.hosts_dir}/")
    ]
    return {
        "changed": todo.changed or restarts,
        "msg": summary.sentence(todo, observed.hosts_dir, source, summary.restart(todo, restarts, outcome, idle)),
        "version": todo.version,
        "mode": todo.mode,
        "hosts_dir": str(observed.hosts_dir),
        "namespaces": todo.namespaces,
        "migrated": list(todo.migrated),
        "config_changes": diffs.changes(todo.config_before, todo.config_after),
        "written": list(todo.tree.writes) + ([todo.config_path] if todo.config_changed else []),
        "removed": todo.tree.removes,
        "restarted": restarted,
        "seconds_without_cri": outcome.seconds if outcome else None,
        "restart_due": bool(todo.restart_due and not restarted and not idle),
        "warnings": todo.warnings + left,
    }


def _support(observed: Observation, todo: Plan) -> list[str]:
    """Return what is to be said of the release that a node runs, once for all nodes."""
    today = date.today().isoformat()
    return support.support(observed.version, today, todo.mode == "legacy").warnings if observed.version else []


def _endpoints(wanted: Desired | None) -> dict[str, str]:
    """Return the endpoint that is tried first for each upstream."""
    mirrors = wanted.mirrors if wanted else {}
    return {name: each.endpoints[0].legacy_url for name, each in mirrors.items() if each.endpoints}


def _validate(wanted: Desired | None, settings: Settings, version: str | None) -> None:
    """Check what needs no node: what the template makes of the variables, and the release, if it is given."""
    if not wanted:
        return
    hosts_toml.render_all(settings.template, wanted.mirrors)
    if version:
        rel = releases.release(releases.parse(version))
        promises.check_on(wanted, rel, settings.mode, settings.auth_method, settings.prefix)


# ansible-core imports this file before it forks: no fork has to do it for its node.
hosts_toml.compiled(hosts_toml.own_template())
