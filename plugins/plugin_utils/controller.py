# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins share: their arguments, their libraries and their errors."""

from __future__ import annotations

import importlib.util
import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    hosts,
    model,
    node,
    registry_config,
    releases,
    reply,
    toml_edit,
    toml_scan,
)

TEMPLATE = os.path.join(
    os.path.dirname(__file__), "..", "..", "roles", "containerd_registry", "templates", "hosts.toml.j2"
)
"""The template of hosts.toml files."""

PLACES: dict[str, dict[str, Any]] = {
    "config_file": {"type": "path"},
    "hosts_dir": {"type": "path"},
    "binary": {"type": "path"},
    "service": {"type": "str", "default": "containerd"},
    "socket": {"type": "path"},
}
"""Where things are on a node; None stands for "as the node has it"."""


MAX_SECONDS = 3600
"""For a restart."""

_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.@\\-]*")


class Refusal(ValueError):
    """Something that must not be done; the message says what to change."""


REFUSALS = (
    Refusal,
    node.NodeError,
    hosts.HostsError,
    model.ModelError,
    registry_config.ConfigError,
    releases.ReleaseError,
    toml_edit.TomlError,
)


class Action(ActionBase):
    """An action plugin that decides on the controller; subclasses give `argument_spec` and `carry_out`."""

    _supports_async = False
    _supports_check_mode = True
    argument_spec: dict[str, dict[str, Any]] = {}
    libraries: tuple[str, ...] = ()

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        try:
            dummy, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        except AnsibleActionFail as exc:
            exc.obj = None  # the arguments, logins too, which ansible-core 2.19 and later quote beside the message
            raise
        try:
            require(*self.libraries)
            result.update(self.carry_out(args, task_vars or {}))
            if self._discovered_interpreter_key:  # so that the next task need not look for it again
                result["ansible_facts"] = {self._discovered_interpreter_key: self._discovered_interpreter}
        except REFUSALS as exc:
            result.update(failed=True, msg=str(exc))
        except RecursionError:
            result.update(failed=True, msg="what this node or a variable holds is nested too deeply to be worked on")
        for key, value in result.items():
            if key in ("msg", "warnings"):  # printed as they are, and they may quote a node's files
                result[key] = reply.line(value) if isinstance(value, str) else list(map(reply.line, value))
        return result

    @abstractmethod
    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do the work for validated arguments and return the result; raises one of REFUSALS."""


def check_places(args: Mapping[str, Any], prefix: str = "") -> None:
    """Refuse what cannot be a place on a node, before anything reaches it."""
    for option in ("config_file", "hosts_dir", "binary", "socket"):
        value = args.get(option)
        if value and not (value.startswith("/") and value.isprintable()):
            raise Refusal(f"{prefix}{option}: {value!r} is not an absolute path")
    if ":" in (args.get("hosts_dir") or ""):
        raise Refusal(
            f"{prefix}hosts_dir: {args['hosts_dir']!r} is more than one directory, which containerd 2.1 and later "
            f"ignores: give one"
        )
    if not _UNIT.fullmatch(args.get("service") or "containerd"):
        raise Refusal(f"{prefix}service: {args['service']!r} is not the name of a service")


def check_range(option: str, value: int, least: int, most: int | None) -> None:
    """Refuse a number that nobody can mean."""
    if value < least or (most is not None and value > most):
        bounds = f"less than {least}" if value < least else f"more than {most}"
        raise Refusal(f"{option}: {value} is {bounds}")


def observation(args: dict[str, Any]) -> dict[str, Any]:
    """Return the request to read a node; `args` holds PLACES, those left out are as the node has them."""
    check_places(args)
    return {"do": "observe", **{key: args.get(key, spec.get("default")) for key, spec in PLACES.items()}}


def require_containerd(observed: Mapping[str, Any], version: str | None, prefix: str = "") -> None:
    """Refuse a node without containerd, unless the release to configure for is given."""
    if not observed["version"] and not version:
        raise Refusal(
            f"containerd does not run on this node ({observed['version_error']}): install it first, or set "
            f"{prefix}version to the release that will be installed, or {prefix}binary to where it is"
        )


def require(*libraries: str) -> None:
    """Refuse to go on without what all this needs, and more libraries, which are imported where they are used."""
    for library in (*toml_scan.LIBRARIES, *libraries):
        if importlib.util.find_spec(library) is None:
            raise Refusal(missing_required_lib(library, reason="on the controller"))
