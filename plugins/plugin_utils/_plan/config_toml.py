# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to change in config.toml, for each mode and release.

The two modes are never in one file: `mirrors` together with `config_path` keeps the whole CRI plugin from loading while
the unit stays active (`ValidateRegistryConfig`, every release from 1.5 on).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import (
    moves,
    namespaces,
    registry_table,
    releases,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Undo, WrittenConfig
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Text
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import KeyPath


class Change(NamedTuple):
    """A change of config.toml: keys to remove first, then a mapping to merge."""

    merge: dict[str, Any]
    remove: list[KeyPath]
    warnings: list[str]


def base_change(rel: Release, data: Mapping[str, Any]) -> Change:
    """Return what any mode needs: a `version` where it can be given, CRI enabled, nothing that would override us."""
    merge: dict[str, Any] = {}
    warnings: list[str] = []
    remove: list[KeyPath] = []
    if registry_table.gets_version(data):
        merge["version"] = rel.new_file
    elif _is_old(rel, data) and set(plain.at(data, ["plugins", moves.V1]) or {}) - {"registry"}:
        warnings.append(
            "config.toml has no version: containerd 2.0 to 2.2 ignore [plugins.cri] in such a file, except for the "
            "registry settings, which are written for them as well. Before upgrading to them, convert the file with "
            "containerd_config and config_version 2"
        )
    disabled = data.get("disabled_plugins") or []
    kept = [name for name in disabled if name not in releases.CRI_PLUGINS]
    if kept != disabled:
        merge["disabled_plugins"] = kept
        warnings.append("disabled_plugins disabled CRI, as Docker's package does: CRI is enabled now")
    version = releases.file_version(dict(data))
    old = plain.at(data, ["plugins", moves.V2, "registry"])
    if rel.newest_file >= 4 and version == 3 and old is not None:
        remove.append(["plugins", moves.V2, "registry"])
        logins = {key: old[key] for key in ("configs", "auths", "headers") if old.get(key)}
        plain.deep_merge(merge, plain.nested(["plugins", moves.V3_IMAGES, "registry"], logins) if logins else {})
        warnings.append(
            "this version 3 file contained the registry table of a version 2 file, which took precedence: removed"
        )
    return Change(merge, remove, warnings)


def _is_old(rel: Release, data: Mapping[str, Any]) -> bool:
    """Whether the file is one without a version, and stays one, on a containerd that reads its short plugin names."""
    return rel.newest_file == 2 and releases.file_version(dict(data)) == 1 and not registry_table.gets_version(data)


def _for_newer_ones(rel: Release, data: Mapping[str, Any], change: Change) -> Change:
    """Return a change that has the registry table of a file without a version twice, by the name in version 3 too.

    containerd 2.0 to 2.2 take nothing but the second one from such a file, and 1.x nothing but the first. So pulls go
    on if containerd is upgraded under a node.
    """
    ahead = ["plugins", moves.V3_IMAGES, "registry"]
    if _is_old(rel, data) and plain.at(data, ahead) is None:
        after = edit.merged(dict(data), change.merge, change.remove)
        plain.deep_merge(change.merge, plain.nested(ahead, plain.at(after, registry_table.registry_path(rel, data))))
    return change


def config_path_change(
    rel: Release, data: Mapping[str, Any], hosts_dir: str, auth: Mapping[str, Mapping[str, str]]
) -> Change:
    """Return the change that makes containerd read `hosts_dir`.

    `auth` are the credentials that hosts.toml cannot carry: a table for `configs."HOST".auth` by HOST.
    """
    change = base_change(rel, data)
    registry = registry_table.registry_path(rel, data)
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
    return _for_newer_ones(rel, data, change)


def with_logins_of(change: Change, recorded: WrittenConfig | None) -> Change:
    """Return a change that keeps the credentials that an earlier run set, by its record, beside those of `change`.

    hosts.toml files that rely on credentials in config.toml work with it whether they are the old ones or the new ones.
    """
    ours = recorded.undo.ours if recorded and recorded.undo else {}
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
    registry = registry_table.registry_path(rel, data)
    settings: dict[str, Any] = {"mirrors": {name: {"endpoint": each} for name, each in mirrors.items()}}
    if configs:
        settings["configs"] = dict(configs)
    plain.deep_merge(change.merge, plain.nested(registry, settings))
    if plain.at(data, [*registry, "config_path"]):
        change.remove.append([*registry, "config_path"])
    return _for_newer_ones(rel, data, change)


def legacy_mirrors(rel: Release, wanted: Desired) -> dict[str, list[str]]:
    """Return the endpoints by namespace. A registry left alone is listed with itself, or `*` would catch it."""
    mirrors = {
        name: [each.legacy_url for each in mirror.endpoints] or [namespaces.legacy_url(name, rel)]
        for name, mirror in wanted.mirrors.items()
    }
    if rel.implicit_docker_mirror and "*" in mirrors and "docker.io" not in mirrors:
        mirrors["docker.io"] = mirrors["*"]
    return mirrors


def pristine_data(data: dict[str, Any], recorded: WrittenConfig | None) -> dict[str, Any]:
    """Return config.toml's data as it would be without what earlier runs set."""
    undo = recorded.undo if recorded else None
    return plain.revert(data, undo.ours, undo.merge, undo.remove) if undo else data


class Edited(NamedTuple):
    """A text of config.toml, and the record's `config` for it."""

    text: str | None
    record: WrittenConfig | None


def edited(text: str | None, pristine: dict[str, Any], change: Change, recorded: WrittenConfig | None) -> Edited:
    """Return what config.toml becomes by a change.

    The change is made to what the file would be without us, so keys that an earlier run set and this one does not
    set are restored to what they were. The record has the `sha256` of what we leave, the `undo` of all our changes,
    and the `original` text before the first of them, which is `exact` while nothing else edits the file.
    """
    current = text or ""
    wanted = edit.merged(pristine, change.merge, change.remove)
    after = edit.edit(current, *plain.delta(load(current), wanted))
    merge, remove = plain.delta(wanted, pristine)
    record = WrittenConfig(
        sha256=tree.sha256(after),
        original=recorded.original if recorded else None if text is None else Text(text),
        exact=not recorded or (recorded.exact and recorded.sha256 == tree.sha256(current)),
        undo=Undo(ours=plain.delta(pristine, wanted)[0], merge=merge, remove=remove),
        shared=recorded.shared if recorded else None,
    )
    return Edited(None if text is None and not after else after, record)
