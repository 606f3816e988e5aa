# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a plan: a diff and a sentence, with every secret masked."""

from __future__ import annotations

import posixpath

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Applied
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import TreePlan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs


def tree_diff(planned: TreePlan) -> list[dict[str, str]]:
    """Return the diff of every file that changes, one for hosts.toml files that differ in the registry's name alone."""
    changes: list[tuple[str, str | None, str | None]]
    changes = [(path, planned.before.get(path), text) for path, text in planned.writes.items()]
    changes += [(path, planned.before[path], None) for path in planned.removes]
    alike: dict[tuple[str | None, ...], list[tuple[str, str | None, str | None]]] = {}
    for path, before, after in changes:
        folder, name = posixpath.split(posixpath.dirname(path))
        is_one_of_many = posixpath.basename(path) == "hosts.toml"
        key = (folder, _nameless(before, name), _nameless(after, name)) if is_one_of_many else (path,)
        alike.setdefault(key, []).append((path, before, after))
    return [
        diffs.file_diff(*first, also=[posixpath.basename(posixpath.dirname(path)) for path, *dummy in others])
        for first, *others in alike.values()
    ]


def _nameless(text: str | None, directory: str) -> str | None:
    """Return the text of a hosts.toml without the name of the registry that it is for."""
    name = "all other registries" if directory == namespaces.CATCH_ALL else namespaces.namespace(directory)
    return text and text.replace(f" {name} ", "  ").replace(f'//{name}"', '//"')


def plan_diff(plan: Plan) -> list[dict[str, str]]:
    """Return the diff of every file that the plan changes."""
    config = [diffs.file_diff(plan.config_path, plan.config_before, plan.config_after)] if plan.config_changed else []
    return tree_diff(plan.tree) + config


def restart(plan: Plan, restarts: bool, outcome: Applied | None, idle: bool = False) -> str:
    """Say whether there was, will be or should be a restart; `idle`: containerd is not running on this node."""
    if idle:
        return "containerd is not running here and reads this when it starts"
    if outcome and outcome.restarted:
        return f"containerd restarted ({plan.restart_due}), CRI answered after {outcome.seconds} s"
    if restarts:
        return f"containerd will be restarted ({plan.restart_due})"
    return f"containerd needs a restart ({plan.restart_due})" if plan.restart_due else "no restart needed"


def sentence(plan: Plan, hosts_dir: str, source: str, restart: str) -> str:
    """Say in one line what a node runs and does; `source` is what mirrors the registries, with the verb."""
    if plan.mode is None:
        if plan.restores:
            done = f"files restored to their state before the run of {plan.since}"
        elif not plan.forgets:
            done = "nothing to undo"
        else:
            done = "configuration removed and previous files restored" if plan.changed else "nothing to remove"
        return f"{_called(plan)}: {done}; {restart}"
    where = f"{hosts_dir} (config_path)" if plan.mode == "config_path" else f"{plan.config_path} (legacy mirrors)"
    named = [name for name in plan.namespaces if name != "*"]
    rest = ["all others" if named else "all registries"] if "*" in plan.namespaces else []
    some = ["1 registry" if len(named) == 1 else f"{len(named)} registries"] if named or not rest else []
    registries = " and ".join(some + rest)
    return f"{_called(plan)}: {source} {registries}, in {where}; {_files(plan)}{restart}"


def _called(plan: Plan) -> str:
    """Say what is configured on the node."""
    found = plan.version if plan.rel and plan.rel.engine else f"containerd {plan.version}"
    return f"{found} and {plan.beside}" if plan.beside else found


def _files(plan: Plan) -> str:
    """Say how many files change; nothing for a node that is up to date."""
    written, removed = len(plan.tree.writes) + plan.config_changed, len(plan.tree.removes)
    counts = (written, "1 file changes", "files change"), (removed, "1 file is removed", "files are removed")
    told = [one if count == 1 else f"{count} {several}" for count, one, several in counts if count]
    return f"{', '.join(told)}; " if told else ""
