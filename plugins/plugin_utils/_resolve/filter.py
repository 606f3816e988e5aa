# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter `resolve`: its arguments checked, its errors in Ansible's form."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airgap.containerd.plugins.plugin_utils import _origin
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import ARGUMENT_SPEC
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._libraries import require
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import modes, plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.node import from_files
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Node

_DEFAULTS = Path(TEMPLATE).parents[1] / "defaults" / "main.yml"


def resolve(
    images: Any,
    version: str,
    config: str | None = None,
    hosts: Mapping[str, str] | None = None,
    hosts_dir: str | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Any:
    """Return the answer for an image, or answers for a list of them; raises AnsibleFilterError."""
    if variables is not None and (config is not None or hosts is not None):
        raise AnsibleFilterError("resolve: variables excludes config and hosts, which the role would write from them")
    try:
        require()
        if variables is None:
            node = from_files(version, config, hosts, hosts_dir)
        else:
            _origin.check(variables, variables.get("ansible_facts") or {}, {})
            node = _from_variables(version, variables)
    except Refusal as exc:
        raise AnsibleFilterError(f"resolve: {exc}") from None  # Ansible would add the cause to the message
    answers = plain.answers(images if isinstance(images, list) else [images], node)
    return answers if isinstance(images, list) else answers[0]


def defaults() -> dict[str, Any]:
    """Return the role's defaults, which outside of the role are not set."""
    return {**yaml.safe_load(_DEFAULTS.read_text(encoding="utf-8"))}


def _from_variables(version: str, variables: Mapping[str, Any]) -> Node:
    values = defaults()
    values.update((name, variables[name]) for name in variables if str(name).startswith(_origin.PREFIX))
    options = {
        name: values[f"{_origin.PREFIX}{name}"]
        for name in ARGUMENT_SPEC
        if values.get(f"{_origin.PREFIX}{name}") is not None
    }
    checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    if checked.error_messages:
        raise AnsibleFilterError(f"resolve: variables: {checked.error_messages[0]}")
    options = desired.merged(checked.validated_parameters, _origin.PREFIX, variables)
    settings = modes.settings(options, lambda _folder, path: path, _origin.PREFIX)
    return from_variables(version, options, settings)


class New(NamedTuple):
    """A node that does not exist yet, as the role would set it up."""

    node: Node
    config: str | None  # the text of its config.toml


def from_variables(version: str, options: Mapping[str, Any], settings: Settings) -> Node:
    """Return a new node with this release as the role would set it up; raises what the role's checks raise."""
    return new_node(version, desired.desired(options, settings.prefix), options, settings).node


def new_node(version: str, wanted: Desired, options: Mapping[str, Any], settings: Settings) -> New:
    """Return a new node with this release, as `options` ask for it, which `wanted` are too; raises Refusal.

    That of a Docker Engine stands for a node with Docker alone, whose image store is containerd's.
    """
    new = observation.before_installation(version, options.get("config_file"), options.get("hosts_dir"))
    todo = plan.make(wanted, new, settings, version)
    below = {path: text for path, text in todo.tree.writes.items() if path.startswith(f"{new.hosts_dir}/")}
    written = {posixpath.relpath(path, new.hosts_dir): text for path, text in below.items()}
    return New(from_files(version, todo.config_after, written, new.hosts_dir), todo.config_after)
