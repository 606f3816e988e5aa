# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to change in config.toml, for each mode and release, and what a node's legacy settings mean.

The two modes never meet in one file: `mirrors` beside `config_path` keeps the whole CRI plugin from loading while
the unit stays active (`ValidateRegistryConfig`, every release from 1.5 on).
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import model, plain, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils.releases import Release


class ConfigError(ValueError):
    """config.toml cannot be made right without losing something; the message says what and the way out."""


class Change(NamedTuple):
    """A change of config.toml: keys to remove first, then a mapping to merge."""

    merge: dict[str, Any]
    remove: list[plain.KeyPath]
    warnings: list[str]


def choose_mode(
    rel: Release, asked: str, mirrors: Mapping[str, model.Mirror], before: Container[str], prefix: str = ""
) -> str:
    """Return "config_path" or "legacy" for a node; raises ConfigError where `asked` cannot be had.

    `before` are the namespaces that config.toml has mirrors for already: those that hosts.toml cannot take over
    keep the node in legacy mode.
    """
    projects = sorted(name for name, each in mirrors.items() if any(e.overrides_path for e in each.endpoints))
    ipv6 = sorted(name for name, each in mirrors.items() if name in before and any(e.is_ipv6 for e in each.in_headers))
    reason = None
    if not rel.config_path:
        reason = "does not know config_path"
    elif projects and not rel.override_path:
        reason = f"cannot use projects in it ({projects[0]})"
    elif "*" in before and not rel.catch_all:
        reason = "has no catch-all in it, as the mirror of * in config.toml is one"
    elif ipv6 and not rel.hosts_by_header:
        reason = f"can have no IPv6 address before another endpoint in it, as the mirror of {ipv6[0]} has"
    if asked == "config_path" and reason:
        raise ConfigError(f"{prefix}mode is config_path, and containerd {rel} {reason}: set it to auto or legacy")
    mode = asked if asked != "auto" else "legacy" if reason else "config_path"
    if mode == "legacy" and rel.mirrors_impossible:
        raise ConfigError(f"{prefix}mode is legacy, and containerd {rel} cannot load mirrors at all: set it to auto")
    return mode


def registry_path(rel: Release, data: Mapping[str, Any]) -> plain.KeyPath:
    """Return the key path of the registry table that this containerd reads from this file."""
    return ["plugins", _images_plugin(rel, version_after(rel, data), data.get("plugins") or {}), "registry"]


def images_table(rel: Release, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the plugin table with the registry settings that this release reads from this file."""
    plugins = data.get("plugins") or {}
    version = releases.file_version(dict(data))
    old = plugins.get(releases.V2) or {}
    if rel.newest_file >= 4 and version == 3 and "registry" in old:
        return old
    return plugins.get(_images_plugin(rel, version, plugins)) or {}


def _images_plugin(rel: Release, version: int, plugins: Mapping[str, Any]) -> str:
    """Return the plugin that holds the registry settings in such a file.

    From 2.0 on a file of version 2 may have them under version 3's name, if it has none under its own.
    """
    old, new = (plugins.get(name) or {} for name in (releases.V2, releases.V3_IMAGES))
    if rel.newest_file >= 3 and version == 2 and "registry" not in old and "registry" in new:
        return releases.V3_IMAGES
    return releases.images_plugin(rel, version)


def _gets_version(data: Mapping[str, Any]) -> bool:
    """Whether `version` can be added without changing the meaning of anything in the file.

    Short plugin names (`cri`) are looked up in files of version 1 only, so a file with any of them stays as it is.
    """
    if "version" in data or data.get("plugins") or data.get("imports"):
        return False
    names = [name for key in ("disabled_plugins", "required_plugins") for name in data.get(key) or []]
    return all("." in name or name in releases.CRI_PLUGINS for name in names)


def version_after(rel: Release, data: Mapping[str, Any]) -> int:
    """Return the version that the file has once it was changed."""
    return rel.new_file if _gets_version(data) else releases.file_version(dict(data))


def base_change(rel: Release, data: Mapping[str, Any]) -> Change:
    """Return what any mode needs: a `version` where it can be given, CRI enabled, nothing that would override us."""
    merge: dict[str, Any] = {}
    warnings: list[str] = []
    remove: list[plain.KeyPath] = []
    if _gets_version(data):
        merge["version"] = rel.new_file
    disabled = data.get("disabled_plugins") or []
    kept = [name for name in disabled if name not in releases.CRI_PLUGINS]
    if kept != disabled:
        merge["disabled_plugins"] = kept
        warnings.append("disabled_plugins switched CRI off, as Docker's package does: CRI is enabled now")
    version = releases.file_version(dict(data))
    old = plain.at(data, ["plugins", releases.V2, "registry"])
    if rel.newest_file >= 4 and version == 3 and old is not None:
        remove.append(["plugins", releases.V2, "registry"])
        kept = {key: old[key] for key in ("configs", "auths", "headers") if old.get(key)}
        plain.deep_merge(merge, plain.nested(["plugins", releases.V3_IMAGES, "registry"], kept) if kept else {})
        warnings.append("the registry table of a version 2 file stood in this version 3 file and won: removed")
    return Change(merge, remove, warnings)


def config_path_change(
    rel: Release, data: Mapping[str, Any], hosts_dir: str, auth: Mapping[str, Mapping[str, str]]
) -> Change:
    """Return the change that makes containerd read `hosts_dir`.

    `auth` are the logins that hosts.toml cannot carry: a table for `configs."HOST".auth` by HOST.
    """
    change = base_change(rel, data)
    registry = registry_path(rel, data)
    settings: dict[str, Any] = {"config_path": hosts_dir}
    if auth:
        settings["configs"] = {host: {"auth": dict(each)} for host, each in auth.items()}
    plain.deep_merge(change.merge, plain.nested(registry, settings))
    if plain.at(data, [*registry, "mirrors"]):
        change.remove.append([*registry, "mirrors"])
    if rel.tls_tables_block_config_path:
        for host, config in (plain.at(data, [*registry, "configs"]) or {}).items():
            if isinstance(config, Mapping) and "tls" in config:
                change.remove.append([*registry, "configs", host, "tls"])
    return change


def with_logins_of(change: Change, recorded: Mapping[str, Any]) -> Change:
    """Return a change that keeps the logins that an earlier run set, by its record, beside those of `change`.

    hosts.toml files that rely on logins in config.toml work with it whether they are the old ones or the new ones.
    """
    ours = (recorded.get("undo") or {}).get("ours") or {}
    merge: dict[str, Any] = {}
    for name, plugin in (ours.get("plugins") or {}).items():
        configs = plain.at(plugin, ["registry", "configs"])
        plain.deep_merge(merge, plain.nested(["plugins", name, "registry", "configs"], configs) if configs else {})
    return change._replace(merge=plain.deep_merge(copy.deepcopy(merge), change.merge))


def legacy_change(
    rel: Release, data: Mapping[str, Any], mirrors: Mapping[str, list[str]], configs: Mapping[str, Mapping[str, Any]]
) -> Change:
    """Return the change that configures mirrors in config.toml itself.

    `mirrors` are endpoints by namespace, `configs` the tables of that name by host[:port].
    """
    change = base_change(rel, data)
    registry = registry_path(rel, data)
    settings: dict[str, Any] = {"mirrors": {name: {"endpoint": each} for name, each in mirrors.items()}}
    if configs:
        settings["configs"] = dict(configs)
    plain.deep_merge(change.merge, plain.nested(registry, settings))
    if plain.at(data, [*registry, "config_path"]):
        change.remove.append([*registry, "config_path"])
    return change


def legacy_mirrors(rel: Release, wanted: model.Desired) -> dict[str, list[str]]:
    """Return the endpoints by namespace. A registry left alone is listed with itself, or `*` would catch it."""
    mirrors = {
        name: [each.legacy_url for each in mirror.endpoints] or [model.upstream_url(name)]
        for name, mirror in wanted.mirrors.items()
    }
    if rel.implicit_docker_mirror and "*" in mirrors and "docker.io" not in mirrors:
        mirrors["docker.io"] = mirrors["*"]
    return mirrors
