# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins share: their libraries, and the one place where a refusal becomes a failed task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.airgap.containerd.plugins.plugin_utils import _origin, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._libraries import require


class Action(ActionBase):
    """An action plugin that decides on the control node; subclasses give `argument_spec` and `carry_out`.

    `relations` are those between options, as `validate_argument_spec` takes them.
    """

    _supports_async = False
    _supports_check_mode = True
    argument_spec: dict[str, dict[str, Any]] = {}
    relations: dict[str, Any] = {}
    libraries: tuple[str, ...] = ()
    of_all: tuple[str, ...] = ()  # warnings that are about no node, which Ansible prints once for all that have them

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        written = self._task.args
        try:
            self._check_origin(written, task_vars or {})
            self._task.args = self.given(task_vars or {})
            dummy, args = self.validate_argument_spec(argument_spec=self.argument_spec, **self.relations)
            require(*self.libraries)
            result.update(self.carry_out(args, task_vars or {}))
            if self._discovered_interpreter_key:  # so that the next task need not look for it again
                result["ansible_facts"] = {self._discovered_interpreter_key: self._discovered_interpreter}
        except AnsibleActionFail as exc:
            exc.obj = None  # the arguments, credentials too, which ansible-core 2.19 and later quote beside the message
            if not self.is_asked:
                raise
            result.update(msg=str(exc))
        except Refusal as exc:
            result.update(failed=not self.is_asked, msg=str(exc))
            if isinstance(exc, _origin.FromFacts):
                result["from_facts"] = True  # with which the playbooks leave this node out
        except RecursionError:
            result.update(failed=True, msg="data of this node or in a variable is nested too deeply")
        finally:
            self._task.args = written  # callbacks are shown them
        for key, value in result.items():
            if key in ("msg", "warnings", "notes"):  # printed as they are, and they may quote a node's files
                result[key] = _text.line(value) if isinstance(value, str) else list(map(_text.line, value))
        host = (task_vars or {}).get("inventory_hostname")
        if "warnings" in result and host:
            result["warnings"] = [self._warning(each, host) for each in result["warnings"]]
        return result

    @property
    def is_asked(self) -> bool:
        """Whether the answer is wanted, yes or no: then a refusal is one, and no failure."""
        return False

    def _warning(self, text: str, host: str) -> str:
        """Return a warning with the node that it is about, for Ansible prints it without."""
        return text if text in self.of_all else f"{host}: {text}"

    def given(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the options that were given, before they are validated; raises Refusal."""
        return self._task.args

    def _check_origin(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        """Refuse variables of this collection that come from the node's facts; raises Refusal."""
        said = task_vars.get("ansible_facts")
        if not said:
            return
        host = str(task_vars.get("inventory_hostname"))
        # Variables do not tell where they come from, the manager of all variables does.
        manager: Any = getattr(self._task, "_variable_manager", None)
        try:
            facts = manager._fact_cache.get(host) or said  # by the names that they have as variables
        except (AttributeError, KeyError):
            facts = said
        kept = {**getattr(manager, "_vars_cache", {}).get(host, {})}
        kept.update(getattr(manager, "_nonpersistent_fact_cache", {}).get(host, {}))
        _origin.check(task_vars, facts, kept, str(args.get("from_variables") or ""))

    def file(self, folder: str, path: str) -> str:
        """Return where a file of the control node is; the FileNotFoundError says where it is not."""
        try:
            return str(self._find_needle(folder, path))
        except AnsibleError as exc:
            raise FileNotFoundError(f"looked for as {', '.join(getattr(exc, 'paths', None) or [path])}") from exc

    def pem_file(self, path: str) -> str:
        """Return the text of a PEM file on the control node; around its blocks may be anything."""
        with open(self.file("files", path), encoding="utf-8", errors="replace") as handle:
            return handle.read()

    @abstractmethod
    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do the work for validated arguments and return the result; raises Refusal."""
