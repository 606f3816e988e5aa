# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter `resolve`: its arguments checked, its errors in Ansible's form."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import ARGUMENT_SPEC
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._libraries import require
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as node_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import table
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Node

PREFIX = "containerd_registry_"
_DEFAULTS = Path(TEMPLATE).parents[1] / "defaults" / "main.yml"


def resolve(
    images: Any,
    version: str,
    config: str | None = None,
    hosts: Mapping[str, str] | None = None,
    hosts_dir: str = places.DEFAULT_HOSTS_DIR,
    variables: Mapping[str, Any] | None = None,
) -> Any:
    """Return the answer for an image, or answers for a list of them; raises AnsibleFilterError."""
    if variables is not None and (config is not None or hosts is not None):
        raise AnsibleFilterError("resolve: variables excludes config and hosts, which the role would write from them")
    try:
        require()
        if variables is None:
            node = node_module.from_files(version, config, hosts, hosts_dir)
        else:
            node = _from_variables(version, variables)
    except Refusal as exc:
        raise AnsibleFilterError(f"resolve: {exc}") from None  # Ansible would add the cause to the message
    answers = table.answers(images if isinstance(images, list) else [images], node)
    return answers if isinstance(images, list) else answers[0]


def _from_variables(version: str, variables: Mapping[str, Any]) -> Any:
    values = {**yaml.safe_load(_DEFAULTS.read_text(encoding="utf-8"))}
    values.update((name, variables[name]) for name in variables if str(name).startswith(PREFIX))
    options = {name: values[f"{PREFIX}{name}"] for name in ARGUMENT_SPEC if values.get(f"{PREFIX}{name}") is not None}
    checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    if checked.error_messages:
        raise AnsibleFilterError(f"resolve: variables: {checked.error_messages[0]}")
    options = desired.merged(checked.validated_parameters, PREFIX, variables)
    template = Path(options["hosts_template"] or TEMPLATE).read_text(encoding="utf-8")
    chosen = {key: options[key] for key in ("mode", "auth_method", "prune", "migrate")}
    return from_variables(version, options, Settings(template=template, prefix=PREFIX, **chosen))


def from_variables(version: str, options: Mapping[str, Any], settings: Settings) -> Node:
    """Return a new node with this release as the role would set it up; raises what the role's checks raise."""
    wanted = desired.desired(options, settings.prefix)
    todo = plan.make(wanted, _new_node(options), settings, version)
    hosts_dir = options.get("hosts_dir") or places.DEFAULT_HOSTS_DIR
    below = {path: text for path, text in todo.tree.writes.items() if path.startswith(f"{hosts_dir.rstrip('/')}/")}
    written = {posixpath.relpath(path, hosts_dir): text for path, text in below.items()}
    return node_module.from_files(version, todo.config_after, written, hosts_dir)


def _new_node(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the node half would read of a node without containerd and without any file."""
    no_proxies = dict.fromkeys(("http", "https", "no"))
    return {
        "version": None,
        "unit": {"found": False, "config": None},
        "daemon": None,
        "started_with": {"config": None, "running": no_proxies, "next": no_proxies},
        "blocked_by": None,
        "config": {"path": options.get("config_file") or places.DEFAULT_CONFIG, "content": None, "sha256": None},
        "effective": {"error": None},
        "imports": [],
        "hosts_dir": options.get("hosts_dir") or places.DEFAULT_HOSTS_DIR,
        "hosts": {},
        "record": None,
        "endpoints": [],
    }
