# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node gets in each of the two modes: the settings of the variables, and the node's existing settings."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Wanted
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces, registry_table, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import types
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer, CarriedTables, Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    config_toml,
    conflicts,
    from_directories,
    from_legacy,
    hosts_toml,
    placement,
    to_legacy,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.config_toml import Change
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Text, place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain


class Settings(NamedTuple):
    """How to go about it: the role's variables that do not describe registries."""

    mode: str = "auto"
    auth_method: str = "auto"
    prune: bool = True
    migrate: bool = True
    template: str = ""
    prefix: str = ""  # of the variables' names in messages
    registries_yaml: bool = False


def settings(options: Mapping[str, Any], find: Callable[[str, str], str], prefix: str) -> Settings:
    """Return the Settings in the role's options; `find` finds a template on the control node. Raises Refusal."""
    chosen = {key: options[key] for key in ("mode", "auth_method", "prune", "migrate")}
    chosen["registries_yaml"] = options.get("registries_yaml") or False
    return Settings(
        template=hosts_toml.chosen_template(options["hosts_template"], find, prefix), prefix=prefix, **chosen
    )


class Situation(NamedTuple):
    """What matters of a node, its history included."""

    rel: Release
    observed: Observation
    data: dict[str, Any]  # config.toml
    pristine: dict[str, Any]  # config.toml without what earlier runs set
    record: Record

    def registry(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the registry table that containerd reads from config.toml with this data."""
        return registry_table.images_table(self.rel, data).get("registry") or {}


class Target(NamedTuple):
    """What is to be on the node."""

    files: dict[str, str]  # below hosts_dir, or absolute: {path: text}
    change: Change  # of config.toml
    effective: Wanted | None  # what containerd must make of it, None: Docker, which has no such file
    carried: Mapping[str, Text]  # for the record: what only this run could read
    carried_legacy: CarriedTables  # the same
    migrated: tuple[str, ...]  # what this run carries over, for people
    replaced: tuple[str, ...]  # what it does not


def choose(node: Situation, wanted: Desired, mode: str, prefix: str) -> str:
    """Return "config_path" or "legacy"; raises Refusal where what is asked for cannot be had."""
    before = from_legacy.mirrors_of(node.registry(node.pristine))
    return choose_mode(node.rel, mode, {**before, **wanted.mirrors}, set(before), prefix)


def config_path(node: Situation, wanted: Desired, settings: Settings, asked: Mapping[str, Answer]) -> Target:
    """Return what hosts.toml files make of `wanted`; `asked` is what the preflight found.

    config.toml keeps its own spelling of the directory.
    """
    rel, observed = node.rel, node.observed
    conflicts.check_hosts_dir(observed, wanted.mirrors)
    from_config = from_legacy.Carried()
    if not observed.manager:  # from its config.toml nothing moves
        from_config = from_legacy.from_registry(node.registry(node.pristine), wanted, settings.prefix)
    if node.record.config and not node.registry(node.data).get("mirrors"):
        from_config = from_config._replace(items=(), replaced=(), staying=())  # an earlier run has reported them
    from_roots = from_directories.from_roots(observed, wanted, rel, node.record, settings.template)
    _check_migrate((*from_config.items, *from_roots.items), settings)
    folder = placement.directory(observed.hosts_dir)
    tls = {**from_directories.docker_certificates(observed.hosts, observed.hosts_dir), **from_config.tls}

    def extras(endpoint: Endpoint) -> dict[str, Any]:
        access = wanted.access_to(endpoint)
        carried_tls = tls.get(endpoint.host, {}) if endpoint.is_tls else {}
        own_tls = placement.options(endpoint, access, folder)
        return {**carried_tls, **own_tls, **placement.in_hosts(access, settings.auth_method)}

    mirrors = {
        name: each
        for name, each in {**wanted.mirrors, **from_config.mirrors}.items()
        if each.endpoints or not conflicts.is_of_others(name, observed, node.record.files)
    }
    written = node.registry(node.pristine).get("config_path")
    conflicts.check_own_directory(observed, written, settings.prefix)
    spelled = written if written and place(written) == observed.hosts_dir else observed.hosts_dir
    logins = placement.in_config(wanted, rel, settings.auth_method, asked.values())
    auth = {each.host: access.auth for each, access in logins}
    rendered = hosts_toml.render_all(settings.template, mirrors, extras)
    hosts_toml.check_on(rel, rendered, observed.hosts_dir)
    return Target(
        files={
            **placement.files(((each, wanted.access_to(each)) for each in types.asked(mirrors)), folder),
            **rendered,
            **from_roots.files,
        },
        change=config_toml.config_path_change(rel, node.pristine, spelled, auth),
        effective=Wanted(spelled, tls=not rel.tls_tables_block_config_path, plugins=sorted(releases.CRI_PLUGINS)),
        carried={path: Text(text) for path, text in from_roots.files.items()},
        carried_legacy=CarriedTables(),
        migrated=(*from_config.items, *from_config.staying, *from_roots.items),
        replaced=(
            *from_config.replaced,
            *from_roots.replaced,
            *from_directories.replaced_files(observed, wanted, rel, node.record),
        ),
    )


def in_legacy(node: Situation, wanted: Desired, settings: Settings) -> Target:
    """Return what `mirrors` and `configs` in config.toml make of `wanted`."""
    registry, now = node.registry(node.pristine), node.registry(node.data)
    tables = to_legacy.from_hosts(node.observed, registry, wanted, node.rel, node.record, settings.prefix)
    if not now.get("config_path"):
        tables = tables._replace(items=(), replaced=())  # an earlier run has reported them
    _check_migrate(tables.items, settings)
    themselves = from_legacy.asked_themselves(registry, {*(registry.get("mirrors") or {}), *wanted.mirrors})
    folder = placement.directory(node.observed.hosts_dir)
    configs = plain.deep_merge(dict(tables.configs), placement.legacy_configs(wanted, folder))
    mirrors = {
        **config_toml.legacy_mirrors(node.rel, wanted),
        **{host: [namespaces.legacy_url(host, node.rel)] for host in themselves},
        **tables.mirrors,
    }
    told = () if node.record.config else from_legacy.replaced_mirrors(registry, wanted)
    return Target(
        files=placement.files(((each, wanted.access_to(each)) for each in wanted.asked()), folder),
        change=config_toml.legacy_change(node.rel, node.pristine, mirrors, configs),
        effective=Wanted("", mirrors, not node.rel.tls_tables_block_config_path, sorted(releases.CRI_PLUGINS)),
        carried={},
        carried_legacy=CarriedTables({name: tuple(each) for name, each in tables.mirrors.items()}, tables.configs),
        migrated=(*(text for host, text in themselves.items() if host not in now.get("mirrors", {})), *tables.items),
        replaced=(*tables.replaced, *told),
    )


def _check_migrate(items: tuple[str, ...], settings: Settings) -> None:
    """Refuse to carry anything over where that is not wanted."""
    if items and not settings.migrate:
        raise Refusal(
            f"{settings.prefix}migrate is false, but existing settings would have to be moved: {'; '.join(items)}. Set "
            "it to true, or remove them yourself. Nothing was changed"
        )


def choose_mode(
    rel: Release, asked: str, mirrors: Mapping[str, Mirror], before: Container[str], prefix: str = ""
) -> str:
    """Return "config_path" or "legacy" for a node; raises Refusal where `asked` cannot be had.

    `before` are the namespaces that config.toml has mirrors for already: those that hosts.toml cannot take over
    keep the node in legacy mode.
    """
    projects = sorted(name for name, each in mirrors.items() if any(e.overrides_path for e in each.endpoints))
    ipv6 = sorted(name for name, each in mirrors.items() if name in before and any(e.is_ipv6 for e in each.in_headers))
    reason = None
    if not rel.config_path:
        reason = "does not support config_path"
    elif projects and not rel.override_path:
        reason = f"does not support projects with it ({projects[0]})"
    elif "*" in before and not rel.catch_all:
        reason = "does not support a catch-all with it, such as the mirror of * in config.toml"
    elif ipv6 and not rel.hosts_by_header:
        reason = f"does not support an IPv6 address before another endpoint with it, such as in the mirror of {ipv6[0]}"
    if asked == "config_path" and reason:
        raise Refusal(f"{prefix}mode is config_path, but containerd {rel} {reason}: set it to auto or legacy")
    mode = asked if asked != "auto" else "legacy" if reason else "config_path"
    if mode == "legacy" and rel.mirrors_impossible:
        raise Refusal(f"{prefix}mode is legacy, but containerd {rel} cannot load mirrors at all: set it to auto")
    return mode
