# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter `resolve`: its arguments checked, its errors in Ansible's form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airgap.containerd.plugins.action.containerd_registry import ARGUMENT_SPEC
from ansible_collections.airgap.containerd.plugins.module_utils import _common
from ansible_collections.airgap.containerd.plugins.plugin_utils import model, plan, resolve_node, resolve_report
from ansible_collections.airgap.containerd.plugins.plugin_utils.controller import REFUSALS, TEMPLATE, require

PREFIX = "containerd_registry_"
_DEFAULTS = Path(TEMPLATE).parents[1] / "defaults" / "main.yml"


def resolve(
    images: Any,
    version: str,
    config: str | None = None,
    hosts: Mapping[str, str] | None = None,
    hosts_dir: str = _common.DEFAULT_HOSTS_DIR,
    variables: Mapping[str, Any] | None = None,
) -> Any:
    """Return the answer for an image, or answers for a list of them; raises AnsibleFilterError."""
    if variables is not None and (config is not None or hosts is not None):
        raise AnsibleFilterError("resolve: variables excludes config and hosts, which the role would write from them")
    try:
        require()
        if variables is None:
            node = resolve_node.from_files(version, config, hosts, hosts_dir)
        else:
            node = _from_variables(version, variables)
    except REFUSALS as exc:
        raise AnsibleFilterError(f"resolve: {exc}") from None  # Ansible would add the cause to the message
    answers = resolve_report.answers(images if isinstance(images, list) else [images], node)
    return answers if isinstance(images, list) else answers[0]


def _from_variables(version: str, variables: Mapping[str, Any]) -> Any:
    values = {**yaml.safe_load(_DEFAULTS.read_text(encoding="utf-8"))}
    values.update((name, variables[name]) for name in variables if str(name).startswith(PREFIX))
    options = {name: values[f"{PREFIX}{name}"] for name in ARGUMENT_SPEC if values.get(f"{PREFIX}{name}") is not None}
    checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    if checked.error_messages:
        raise AnsibleFilterError(f"resolve: variables: {checked.error_messages[0]}")
    options = model.merged(checked.validated_parameters, PREFIX, variables)
    template = Path(options["hosts_template"] or TEMPLATE).read_text(encoding="utf-8")
    chosen = {key: options[key] for key in ("mode", "auth_method", "prune", "migrate")}
    return resolve_node.from_variables(version, options, plan.Settings(template=template, prefix=PREFIX, **chosen))
