# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else on a node decides where images come from, seen before anything is written.

Refused is what would leave our files without effect, or containerd without CRI; the rest is a warning.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces, proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation, Tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import WrittenConfig
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain

OTHER_TOOLS_BACKUP = "_backup"
"""Where Spegel puts everything it finds in `config_path` each time it starts, before it writes its own files."""


def check_own_directory(observed: Observation, config_path: str | None, prefix: str) -> None:
    """Refuse to replace, by the default, a `config_path` that no containerd is there to read yet. Raises Refusal."""
    own = next(filter(None, (config_path or "").split(":")), None)
    is_default = observed.hosts_dir == places.DEFAULT_HOSTS_DIR
    if own and is_default and not observed.version and place(own) != observed.hosts_dir:
        raise Refusal(
            f"{observed.config.path} has config_path = {own!r}, and nothing can be carried over from there before "
            f"containerd is installed: set {prefix}hosts_dir to {own}, or remove config_path from the file. Nothing "
            "was changed"
        )


def check_config_in_use(observed: Observation, prefix: str) -> None:
    """Refuse to change another config.toml than the one that containerd is started with. Raises Refusal."""
    used, unknown = observed.started_with.next_config, observed.started_with.unknown
    if used:
        raise Refusal(
            f"containerd is started with {used}, so settings in {observed.config.path} would have no effect: "
            f"set {prefix}config_file to {used}, or remove it from this node's variables. Nothing was changed"
        )
    if unknown:
        raise Refusal(
            f"the service's unit starts {unknown}, so it is unknown which configuration file containerd will read "
            f"while it is not running: start it, or set {prefix}config_file to that file. Nothing was changed"
        )


def check_hosts_dir(observed: Observation, names: Iterable[str]) -> None:
    """Refuse a hosts_dir in which the files of these namespaces cannot be, or would not stay. Raises Refusal."""
    hosts_dir, found = observed.hosts_dir, observed.hosts
    folders = {namespaces.directory(name) for name in names}
    blockers = [observed.blocked_by, *(f"{hosts_dir}/{name}" for name in folders if name in found.others)]
    for path in filter(None, blockers):
        raise Refusal(f"{path} is a file, but must be a directory: move it away. Nothing was changed")
    if found.holds(OTHER_TOOLS_BACKUP):
        raise Refusal(
            f"{hosts_dir}/{OTHER_TOOLS_BACKUP} shows that another tool (Spegel does so) moves the files of {hosts_dir} "
            "away whenever it starts, which would include those of this role: uninstall it or give it another "
            f"directory, then move the contents of {OTHER_TOOLS_BACKUP} back and remove it. Nothing was changed"
        )


def check_writable(observed: Observation, changes_config: bool, paths: Iterable[str]) -> None:
    """Refuse a change of files that cannot be replaced. Raises Refusal."""
    held = observed.config_held if changes_config else None
    path: str = observed.config.real_path
    if not held and any(each.startswith(f"{observed.hosts_dir}/") for each in paths):
        held, path = observed.hosts_held, observed.hosts_dir
    if held:
        raise Refusal(f"{path} has to change, but {held}. Nothing was changed")


def check_backup(observed: Observation) -> list[str]:
    """Warn, when everything is removed, about copies that another tool made of our files."""
    if not observed.hosts.holds(OTHER_TOOLS_BACKUP):
        return []
    return [
        f"{observed.hosts_dir}/{OTHER_TOOLS_BACKUP} may contain copies of files of this role, made by another tool "
        "that restores them when it is uninstalled: check it"
    ]


def shadowing(wanted: Mapping[str, str], hosts_dir: str, found: Tree, written: Container[str]) -> dict[str, str]:
    """Return, for each registry that a directory of others hides from the catch-all, what containerd does with it.

    `written` are the files of ours, with those that go now.
    """
    hidden: dict[str, str] = {}
    if f"{namespaces.CATCH_ALL}/hosts.toml" not in wanted:
        return hidden
    ours = {posixpath.dirname(name) for name in wanted}
    for name, registry in namespaces.looked_up(found.directories):
        if name in (namespaces.CATCH_ALL, OTHER_TOOLS_BACKUP) or namespaces.directory(registry) in ours:
            continue
        path = f"{hosts_dir}/{name}"
        if not found.holds(f"{name}/hosts.toml"):
            hidden[registry] = (
                f"{path} has no hosts.toml: containerd does not apply the catch-all to {registry}, and pulls from it "
                "directly"
            )
        elif f"{path}/hosts.toml" not in written:
            hidden[registry] = (
                f"{path}/hosts.toml was not written by this role: images of {registry} come from the endpoints in it, "
                "not from the catch-all"
            )
    return hidden


def is_of_others(namespace: str, observed: Observation, recorded: Container[str]) -> bool:
    """Whether a namespace has a directory in which we wrote nothing yet."""
    names = (name for name in observed.hosts.directories if namespaces.namespace(name) == namespace)
    return any(f"{observed.hosts_dir}/{name}/hosts.toml" not in recorded for name in names)


def edited_keys(data: Mapping[str, Any], recorded: WrittenConfig | None, current_sha256: str | None) -> list[str]:
    """Return the keys of config.toml that earlier runs set and something else has changed since, dotted."""
    if not recorded or not recorded.undo or current_sha256 == recorded.sha256:
        return []
    return [".".join(path) for path, value in plain.leaves(recorded.undo.ours) if plain.at(data, path) != value]


def proxied(observed: Observation, mirrors: Mapping[str, Mirror]) -> list[str]:
    """Warn about endpoints that containerd uses through a proxy of its environment."""
    found: dict[str, list[str]] = {}
    for base in dict.fromkeys(each.base for mirror in mirrors.values() for each in mirror.endpoints):
        for environment in (observed.started_with.next, observed.started_with.running):
            proxy = proxies.proxy_for(base, environment)
            if proxy:
                found.setdefault(proxy, []).append(base)
                break
    return [
        f"containerd's environment sends requests for {', '.join(bases)} through the proxy {proxy}: add "
        f"{','.join(urlsplit(base).hostname or '' for base in bases)} to NO_PROXY in the environment of its unit and "
        "restart it, otherwise pulls depend on that proxy"
        for proxy, bases in found.items()
    ]
