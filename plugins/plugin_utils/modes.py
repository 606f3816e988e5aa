# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node gets in each of the two modes: the wishes of the variables, and what the node was told before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    certificates,
    conflicts,
    credentials,
    endpoints,
    hosts,
    legacy,
    migration,
    model,
    plain,
    registry_config,
    tree,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils.registry_config import ConfigError
from ansible_collections.airgap.containerd.plugins.plugin_utils.releases import Release


class Node(NamedTuple):
    """What matters of a node, its history included."""

    rel: Release
    observed: Mapping[str, Any]
    data: dict[str, Any]  # config.toml
    pristine: dict[str, Any]  # config.toml without what earlier runs set
    record: Mapping[str, Any]

    def registry(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the registry table that containerd reads from config.toml with this data."""
        return registry_config.images_table(self.rel, data).get("registry") or {}


class Target(NamedTuple):
    """What is to be on the node."""

    files: dict[str, str]  # below hosts_dir, or absolute: {path: text}
    change: registry_config.Change  # of config.toml
    effective: dict[str, Any]  # {config_path, mirrors} that containerd must make of it
    remember: dict[str, Any]  # for the record: what only this run could read
    migrated: tuple[str, ...]  # what this run carries over, for people
    replaced: tuple[str, ...]  # what it does not


def choose(node: Node, wanted: model.Desired, mode: str, prefix: str) -> str:
    """Return "config_path" or "legacy"; raises ConfigError where what is asked for cannot be had."""
    before = migration.mirrors_of(node.registry(node.pristine))
    return registry_config.choose_mode(node.rel, mode, {**before, **wanted.mirrors}, set(before), prefix)


def config_path(node: Node, wanted: model.Desired, settings: Any, asked: Mapping[str, Any]) -> Target:
    """Return what hosts.toml files make of `wanted`; `asked` is what the preflight found, by API URL."""
    rel, observed = node.rel, node.observed
    conflicts.check_hosts_dir(observed, wanted.mirrors)
    from_config = migration.from_registry(node.registry(node.pristine), wanted, settings.prefix)
    if node.record.get("config") and not node.registry(node.data).get("mirrors"):
        from_config = from_config._replace(items=(), replaced=(), staying=())  # an earlier run has told them
    from_roots = migration.from_roots(observed, wanted, rel, node.record, settings.template)
    _check_migrate((*from_config.items, *from_roots.items), settings)
    folder = certificates.directory(observed["hosts_dir"])
    tls = {**migration.docker_certificates(observed["hosts"], observed["hosts_dir"]), **from_config.tls}

    def extras(endpoint: model.Endpoint) -> dict[str, Any]:
        access = wanted.access_to(endpoint)
        carried_tls = tls.get(endpoint.host, {}) if endpoint.is_tls else {}
        own_tls = certificates.options(endpoint, access, folder)
        return {**carried_tls, **own_tls, **credentials.in_hosts(access, settings.auth_method)}

    mirrors = {
        name: each
        for name, each in {**wanted.mirrors, **from_config.mirrors}.items()
        if each.endpoints or not conflicts.is_of_others(name, observed, node.record["files"])
    }
    auth = credentials.in_config(wanted, rel, settings.auth_method, asked)
    rendered = tree.render(settings.template, mirrors, extras)
    hosts.check_on(rel, rendered, observed["hosts_dir"])
    return Target(
        files={
            **certificates.files(((each, wanted.access_to(each)) for each in endpoints.asked(mirrors)), folder),
            **rendered,
            **from_roots.files,
        },
        change=registry_config.config_path_change(rel, node.pristine, observed["hosts_dir"], auth),
        effective={"config_path": observed["hosts_dir"], "mirrors": {}},
        remember={"carried": from_roots.files} if from_roots.files else {},
        migrated=(*from_config.items, *from_config.staying, *from_roots.items),
        replaced=(
            *from_config.replaced,
            *from_roots.replaced,
            *migration.replaced_files(observed, wanted, rel, node.record),
        ),
    )


def in_legacy(node: Node, wanted: model.Desired, settings: Any) -> Target:
    """Return what `mirrors` and `configs` in config.toml make of `wanted`."""
    registry, now = node.registry(node.pristine), node.registry(node.data)
    tables = legacy.from_hosts(node.observed, registry, wanted, node.rel, node.record, settings.prefix)
    if not now.get("config_path"):
        tables = tables._replace(items=(), replaced=())  # an earlier run has told them
    _check_migrate(tables.items, settings)
    themselves = migration.asked_themselves(registry, {*(registry.get("mirrors") or {}), *wanted.mirrors})
    folder = certificates.directory(node.observed["hosts_dir"])
    configs = plain.deep_merge(dict(tables.configs), credentials.legacy_configs(wanted, folder))
    mirrors = {
        **registry_config.legacy_mirrors(node.rel, wanted),
        **{host: [model.upstream_url(host)] for host in themselves},
        **tables.mirrors,
    }
    told = () if node.record.get("config") else migration.replaced_mirrors(registry, wanted)
    carried = {"mirrors": tables.mirrors, "configs": tables.configs}
    return Target(
        files=certificates.files(((each, wanted.access_to(each)) for each in wanted.asked()), folder),
        change=registry_config.legacy_change(node.rel, node.pristine, mirrors, configs),
        effective={"config_path": "", "mirrors": mirrors},
        remember={"carried_legacy": carried} if any(carried.values()) else {},
        migrated=(*(text for host, text in themselves.items() if host not in now.get("mirrors", {})), *tables.items),
        replaced=(*tables.replaced, *told),
    )


def _check_migrate(items: tuple[str, ...], settings: Any) -> None:
    """Refuse to carry anything over where that is not wanted."""
    if items and not settings.migrate:
        raise ConfigError(
            f"{settings.prefix}migrate is false, and settings of before would have to move: {'; '.join(items)}. Set it "
            f"to true, or take them away yourself. Nothing was changed"
        )
