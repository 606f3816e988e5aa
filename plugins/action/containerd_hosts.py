# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the tree of hosts.toml files what is asked, in one execution to read and one to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, namespaces, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import options
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Applied
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    conflicts,
    distribution,
    docker,
    hosts_toml,
    records,
    request,
    summary,
    tree,
)

ENDPOINT: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "capabilities": {"type": "list", "elements": "str", "choices": list(hosts_file.CAPABILITIES)},
    "override_path": {"type": "bool"},
    "ca": {"type": "list", "elements": "path"},
    "client": {"type": "list", "elements": "raw"},
    "skip_verify": {"type": "bool"},
    "dial_timeout": {"type": "str"},
    "header": {"type": "dict", "no_log": False},
}


class ActionModule(Action):
    """Render, compare, write."""

    argument_spec = {
        **options.PLACES,
        "namespaces": {"type": "dict", "required": True},
        "prune": {"type": "bool", "default": True},
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        template = hosts_toml.own_template()
        files = {}
        for name, value in args["namespaces"].items():
            server, asked = _endpoints(name, value)
            files[f"{namespaces.directory(name)}/hosts.toml"] = hosts_toml.render(template, name, server, asked)
        observed = execute.execute(self, requests.observe(args), task_vars, Observation)
        docker.check_engine(observed, "")
        if observed.version:
            hosts_toml.check_on(releases.release(releases.parse(observed.version)), files, observed.hosts_dir)
        record = records.read(observed)
        conflicts.check_hosts_dir(observed, args["namespaces"])
        distribution.check(observed, args["namespaces"], "")
        here = {path: each for path, each in record.hosts.items() if path.startswith(f"{observed.hosts_dir}/")}
        planned = tree.plan(files, observed.hosts_dir, observed.hosts, here, args["prune"])
        elsewhere = {path: each for path, each in record.hosts.items() if path not in here}
        new_record = record._replace(hosts={**elsewhere, **planned.files})
        changed = bool(planned.writes or planned.removes)
        if (changed or new_record != observed.record or observed.interrupted) and not self._task.check_mode:
            apply = request.of_tree(planned, observed)._replace(record=new_record)
            execute.execute(self, apply, task_vars, Applied)
        result: dict[str, Any] = {
            "changed": changed,
            "written": list(planned.writes),
            "removed": planned.removes,
        }
        ours = {*planned.files, *planned.removes}
        hidden = conflicts.shadowing(files, observed.hosts_dir, observed.hosts, ours)
        if planned.warnings or hidden:
            result["warnings"] = [*planned.warnings, *hidden.values()]
        if self._task.diff:
            result["diff"] = summary.tree_diff(planned)
        return result


def _endpoints(name: str, value: Any) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Return `(server, hosts)` of one namespace, checked; every error names the namespace."""
    if name != "*":
        Check("").namespace("namespaces", name)
    if not isinstance(value, Mapping) or set(value) - {"server", "hosts"}:
        raise Refusal(f"namespaces[{name}]: give `server` (an endpoint) and `hosts` (a list of endpoints)")
    if not isinstance(value.get("hosts") or [], list):
        raise Refusal(f"namespaces[{name}].hosts: give a list of endpoints")
    server = value.get("server")
    hosts = [_endpoint(name, each) for each in value.get("hosts") or []]
    return None if server is None else _endpoint(name, server), hosts


def _endpoint(name: str, value: Any) -> dict[str, Any]:
    """Return the options of one endpoint as hosts.toml has them, those that are set."""
    if not isinstance(value, Mapping):
        raise Refusal(f"namespaces[{name}]: an endpoint must be a mapping with at least `url`")
    unknown = sorted(str(key) for key in value if key not in ENDPOINT)
    if unknown:
        raise Refusal(
            f"namespaces[{name}]: unknown endpoint option {', '.join(unknown)}: valid options are {', '.join(ENDPOINT)}"
        )
    checked = ArgumentSpecValidator(ENDPOINT).validate(dict(value))
    if checked.error_messages:
        raise Refusal(f"namespaces[{name}]: {checked.error_messages[0]}")
    found = {key: option for key, option in checked.validated_parameters.items() if option is not None}
    if "client" in found:
        found["client"] = [_pair(name, each) for each in found["client"]]
    return found


def _pair(name: str, client: Any) -> list[str]:
    """Return an entry of `client` as certificate and key; one file with both is both."""
    pair = client if isinstance(client, list) else [client, client]
    if len(pair) != 2 or not all(isinstance(path, str) and path for path in pair):
        raise Refusal(
            f"namespaces[{name}]: client: {client!r} is neither [CERTIFICATE, KEY] nor the path of a file with both"
        )
    return pair
