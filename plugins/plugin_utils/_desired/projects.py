# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variable `projects`: where in the internal registry the images of each upstream are, and by whose account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import access
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import NO_ACCESS, Access


class Project(NamedTuple):
    """A project in Harbor, or any path below a registry."""

    path: str | None = None  # None: the registry itself
    access: Access = NO_ACCESS  # credentials and headers for it alone

    @property
    def name(self) -> str:
        """The project itself, which is the beginning of the path."""
        return (self.path or "").partition("/")[0]


def collect(check: Check, value: Mapping[str, Any]) -> dict[str, Project]:
    """Return what the variable `projects` says, by upstream."""
    return {
        name if name == "*" else check.namespace("projects", name): _project(check, f"projects[{name}]", each)
        for name, each in value.items()
    }


def below(named: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """Return projects in a form that another variable's, such as one with credentials, can be merged into."""
    return {
        name: {"project": each} if isinstance(each, str) and isinstance(added.get(name), Mapping) else each
        for name, each in named.items()
    }


def _project(check: Check, option: str, value: Any) -> Project:
    if not isinstance(value, Mapping):
        return Project(check.project(option, value))
    own = access.beside(check, option, value, ("project",))
    if value.get("project") is None:
        check.refuse(f"{option}.project", "not set: give the Harbor project, or the path below the registry")
    return Project(check.project(f"{option}.project", value["project"]), own)
