# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the role and of containerd_registry, and how they are taken from variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from ansible import constants, errors
from ansible import template as templating

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import distributions, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

PLACES: dict[str, dict[str, Any]] = {
    "config_file": {"type": "path"},
    "hosts_dir": {"type": "path"},
    "binary": {"type": "path"},
    "service": {"type": "str", "default": "containerd"},
    "socket": {"type": "path"},
    "distribution": {"type": "str", "choices": list(distributions.CHOICES), "default": distributions.AUTO},
    "docker": {"type": "bool"},
}
"""Where things are on a node; None stands for "as the node has it"."""


_LISTS = {"type": "list", "elements": "str"}

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "url": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "upstreams": {**_LISTS, "default": []},
    "extra_upstreams": {**_LISTS, "default": []},
    "projects": {"type": "dict", "default": {}},
    "mirrors": {"type": "dict", "default": {}},
    "endpoints": {"type": "dict", "default": {}, "no_log": False},
    "catch_all": {"type": "bool"},
    "direct": {**_LISTS, "default": []},
    "fallback": {"type": "str", "choices": ["none", "upstream"]},
    "state": {"type": "str", "choices": ["present", "absent", "previous"], "default": "present"},
    "mode": {"type": "str", "choices": ["auto", "config_path", "legacy"], "default": "auto"},
    "auth_method": {"type": "str", "choices": ["auto", "header", "config"], "default": "auto"},
    "preflight": {"type": "bool", "default": True},
    "prune": {"type": "bool", "default": True},
    "migrate": {"type": "bool", "default": True},
    "registries_yaml": {"type": "bool", "default": False},
    "restart": {"type": "bool", "default": True},
    "restart_force": {"type": "bool", "default": False},
    "restart_command": {"type": "raw"},
    "restart_throttle": {"type": "int", "default": 1},
    "restart_timeout": {"type": "int", "default": 60},
    **PLACES,
    "version": {"type": "str"},
    "hosts_template": {"type": "path"},
    "verify": {"type": "bool", "default": False},
    "verify_images": {**_LISTS, "default": []},
    "from_variables": {"type": "str", "default": ""},
    "validate_only": {"type": "bool", "default": False},
    "fleet": {"type": "str", "choices": ["plan", "change"]},
    "planned": {"type": "dict"},
}

MAX_SECONDS = 3600
"""For a restart."""

_OMITTED: Any = getattr(errors, "AnsibleValueOmittedError", ())  # raised from ansible-core 2.19 on
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.@\\-]*")


def from_variables(
    spec: Mapping[str, Mapping[str, Any]], prefix: str, variables: Mapping[str, Any], templar: Any
) -> dict[str, Any]:
    """Return `{option: value}` of the variables that are called as the options in `spec` with a prefix.

    Variables that are not set, or are `omit`, are left out. Raises Refusal where a template uses one that is not set,
    and AnsibleError where it fails otherwise.
    """
    found = {}
    is_old = not hasattr(templar, "evaluate_expression")
    for option in spec:
        name = prefix + option
        if name not in variables:
            continue
        try:
            if is_old and spec[option]["type"] == "str":
                value = _text(variables[name], templar)
            else:
                value = templar.template(variables[name])
        except _OMITTED:
            continue
        except errors.AnsibleUndefinedVariable as exc:
            raise undefined(name, exc) from exc
        if value is not None and not (isinstance(value, str) and value == variables.get("omit")):
            found[option] = value
    return found


def _text(template: Any, templar: Any) -> Any:
    """Return what a template gives before ansible-core 2.19, where a text that looks like a list or number is none."""
    if getattr(constants, "DEFAULT_JINJA2_NATIVE", False):
        templar = templar.copy_with_new_env(environment_class=vars(templating)["AnsibleEnvironment"])
    return templar.template(template, convert_data=False)


def undefined(name: str, exc: Exception) -> Refusal:
    """Return the refusal of a variable whose template uses one that is not there."""
    reason = str(exc).strip().rpartition("The error was: ")[2].splitlines()[0].partition(". ")[0]
    return Refusal(f"{name}: its template cannot be rendered: {reason}")


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


def check_version(value: str | None, prefix: str) -> None:
    """Refuse what is not a release of containerd."""
    try:
        if value:
            releases.parse(value)
    except Refusal as exc:
        raise Refusal(f"{prefix}version: {value!r} is not a full containerd version: write it like 1.7.24") from exc


def check_range(option: str, value: int, least: int, most: int | None) -> None:
    """Refuse a number that nobody can mean."""
    if value < least or (most is not None and value > most):
        bounds = f"less than {least}" if value < least else f"more than {most}"
        raise Refusal(f"{option}: {value} is {bounds}")


def command(value: Any, option: str) -> list[str] | None:
    """Return a command as its words: a list of them, or a string that is split as a shell does; None where none is set.

    `option` is what it is called in messages. Raises Refusal.
    """
    if value is None:
        return None
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError as exc:
        raise Refusal(f"{option}: {value!r} cannot be split as a shell does ({exc}): close the quotes") from exc
    if not isinstance(words, list) or not words or not all(isinstance(each, str) and each for each in words):
        raise Refusal(f"{option}: {value!r} is not a command: write it as in a shell, or as a list of words")
    return [str(each) for each in words]
