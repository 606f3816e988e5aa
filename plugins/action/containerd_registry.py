# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of the role: one execution to read the node, one to change it, everything else decided here."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._action import throttle
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, options
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import (
    ARGUMENT_SPEC,
    MAX_SECONDS,
    PLACES,
    check_places,
    check_range,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import observation, require_containerd
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    hosts_toml,
    plan,
    preflight,
    promises,
    request,
    summary,
    undo,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs


class ActionModule(Action):
    """Read, plan, apply."""

    argument_spec = ARGUMENT_SPEC
    libraries = ("tomlkit",)

    def run(self, tmp=None, task_vars=None):
        prefix = self._task.args.get("from_variables")
        if prefix:
            given = options.from_variables(ARGUMENT_SPEC, str(prefix), task_vars or {}, self._templar)
            self._task.args = {**given, **self._task.args}
        return super().run(tmp, task_vars)

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        prefix = args["from_variables"]
        present = args["state"] == "present"
        merged = desired.merged(args, prefix, task_vars, self._templar.template)
        wanted = desired.desired(merged, prefix, self._read) if present else None
        check_places(args, prefix)
        check_range(f"{prefix}restart_timeout", args["restart_timeout"], 1, MAX_SECONDS)
        check_range(f"{prefix}restart_throttle", args["restart_throttle"], 0, None)
        settings = self._settings(args, prefix)
        if args["validate_only"]:
            return {"changed": False, "msg": "the variables are right", **_validate(wanted, settings, args["version"])}
        asked = preflight.questions(wanted) if wanted and args["preflight"] else []
        question = {**observation(args), "endpoints": asked, "previous": args["state"] == "previous"}
        observed = execute.execute(self, question, task_vars)
        if wanted:
            require_containerd(observed, args["version"], prefix)
            todo = plan.make(wanted, observed, settings, args["version"])
        else:
            todo = (undo.make_absent if args["state"] == "absent" else undo.make_previous)(observed)
        restarts = bool(todo.restart_due and args["restart"] and observed["version"])
        if restarts:
            _check_restart(args, observed, prefix)
        outcome = None
        if (todo.changed or restarts or todo.record_changed or observed["interrupted"]) and not self._task.check_mode:
            outcome = self._apply(args, todo, observed, restarts, task_vars)
        result = self._result(args, todo, observed, restarts, outcome)
        if args["verify_images"] and present and not self._task.check_mode:
            self._verify(args, result, task_vars)
        return result

    def _read(self, path: str) -> str:
        """Return the text of a file on the controller, looked for where Ansible looks for files."""
        try:
            found = self._find_needle("files", path)
        except AnsibleError as exc:
            raise FileNotFoundError(path) from exc
        return _text(found)

    def _settings(self, args: dict[str, Any], prefix: str) -> Settings:
        try:
            path = self._find_needle("templates", args["hosts_template"]) if args["hosts_template"] else TEMPLATE
        except AnsibleError as exc:
            raise Refusal(f"{prefix}hosts_template: there is no {args['hosts_template']!r} on the controller") from exc
        template = _text(path)
        chosen = {key: args[key] for key in ("mode", "auth_method", "prune", "migrate")}
        return Settings(template=template, prefix=prefix, **chosen)

    def _apply(self, args, todo, observed, restarts, task_vars) -> dict[str, Any]:
        restart = {
            "service": args["service"],
            "command": args["restart_command"],
            "force": args["restart_force"],
            "timeout": args["restart_timeout"],
            "socket": observed["socket"],
        }
        message = request.apply(todo, observed, restart if restarts else None)
        with throttle.slot(args["restart_throttle"] if restarts else 0):
            return execute.execute(self, message, task_vars)

    def _verify(self, args, result, task_vars) -> None:
        """Pull images now that all is applied, and add what became of them to the result."""
        from ansible_collections.airgap.containerd.plugins.action import containerd_pull

        known = (self._task, self._connection, self._play_context, self._loader, self._templar, self._shared_loader_obj)
        action = containerd_pull.ActionModule(*known)
        given = {option: spec.get("default") for option, spec in action.argument_spec.items()}
        given.update({place: args[place] for place in PLACES}, images=args["verify_images"])
        pulled = action.carry_out(given, task_vars)
        result.update(images=pulled["images"], failed=pulled["failed"])
        result["msg"] = pulled["msg"] if pulled["failed"] else f"{result['msg']}; images: {pulled['msg']}"

    def _result(self, args, todo, observed, restarts, outcome) -> dict[str, Any]:
        if outcome and outcome["restarted"]:
            restart = f"containerd restarted ({todo.restart_due}), CRI answered after {outcome['seconds']} s"
        elif restarts:
            restart = f"containerd is to be restarted ({todo.restart_due})"
        elif todo.restart_due:
            restart = f"a restart of containerd is due ({todo.restart_due})"
        else:
            restart = "no restart needed"
        left = [
            f"{path} stays, it holds files of others: containerd does not apply the catch-all to it"
            for path in (outcome or {}).get("left", [])
            if path.startswith(observed["hosts_dir"])
        ]
        result: dict[str, Any] = {
            "changed": todo.changed or restarts,
            "msg": summary.sentence(todo, observed["hosts_dir"], args["url"] or "their endpoints", restart),
            "version": todo.version,
            "mode": todo.mode,
            "hosts_dir": observed["hosts_dir"],
            "namespaces": todo.namespaces,
            "migrated": todo.migrated,
            "config_changes": diffs.changes(todo.config_before, todo.config_after),
            "written": list(todo.tree.writes) + ([todo.config_path] if todo.config_changed else []),
            "removed": todo.tree.removes,
            "restarted": bool(outcome and outcome["restarted"]),
            "restart_due": bool(todo.restart_due and not (outcome and outcome["restarted"])),
        }
        warnings = list(dict.fromkeys(todo.warnings + left))
        if warnings:
            result["warnings"] = warnings
        if self._task.diff:
            result["diff"] = summary.plan_diff(todo)
        return result


def _validate(wanted: Desired | None, settings: Settings, version: str | None) -> dict[str, Any]:
    """Check what needs no node: what the template makes of the variables, and the release, if it is given."""
    if not wanted:
        return {"depends_on_release": False}
    hosts_toml.render_all(settings.template, wanted.mirrors)
    chosen = settings.mode, settings.auth_method
    if version:
        promises.check_on(wanted, releases.release(releases.parse(version)), *chosen, settings.prefix)
    return {"depends_on_release": not version and promises.depends_on_release(wanted, *chosen)}


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as handle:
        return handle.read()


hosts_toml.compiled(
    _text(TEMPLATE)
)  # ansible-core imports this file before it forks: no fork has to do it for its node


def _check_restart(args: dict[str, Any], observed: dict[str, Any], prefix: str) -> None:
    """Refuse, before anything is written, a restart that cannot be done or would kill pods."""
    if args["restart_command"]:
        return
    if not observed["unit"]["found"]:
        raise Refusal(
            f"systemd knows no unit {args['service']!r} on this node: set {prefix}service, or {prefix}restart_command "
            f"for another service manager, or {prefix}restart to false"
        )
    refusal = verdicts.kill_mode_refusal(args["service"], observed["unit"])
    if refusal and not args["restart_force"]:
        raise Refusal(refusal.replace("set restart_force", f"set {prefix}restart_force"))
