# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What resolve needs to know of a node: from what was read there, from files alone, or from the role's variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import (
    hosts_dirs,
    hosts_file,
    registry_table,
    releases,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_dirs import Content, Root
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.notes import Note
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation, Tree, TreeFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import (
    Node,
    Registry,
    unknown_config_path,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain

_DOWNLOADS = 3  # max_concurrent_downloads that the transfer service takes


def from_observation(observed: Observation) -> Node:
    """Return the node that was read; raises ReleaseError where it has no containerd."""
    rel = releases.release(releases.parse(observed.version or observed.version_error or ""))
    if observed.engine and not observed.engine.reads_hosts:
        raise Refusal(f"{rel.name} uses its classic image store and does not read hosts.toml files with it")
    effective = observed.effective
    has_legacy = bool(effective.mirrors or effective.configs or effective.auths)
    registry = Registry(
        config_path=effective.config_path,
        mirrors={name: tuple(each) for name, each in effective.mirrors.items()},
        logins=frozenset(host for host, each in effective.configs.items() if each.auth) | _auths(effective.auths),
        tls={host: frozenset(each) for host, each in effective.tls_options.items()},
        headers=frozenset(name.lower() for name in effective.headers),
        local_pull=not rel.transfer_service or has_legacy or _pulls_itself(effective.images),
    )
    not_loaded = effective.error and f"containerd does not accept the configuration: {effective.error}"
    if not not_loaded:
        tls_tables = any(each.tls for each in effective.configs.values())
        not_loaded = why_not_loaded(rel, registry, tls_tables, effective.disabled_plugins)
    trees: dict[str, Tree | None] = {observed.hosts_dir: observed.hosts, **observed.roots}
    return Node(
        release=rel,
        registry=registry,
        roots={hosts_file.clean(root): _tree(found) for root, found in trees.items()},
        not_loaded=not_loaded,
        notes=tuple(_observed_notes(observed, rel)),
        proxies=observed.started_with.running,
    )


def from_files(
    version: str,
    config: str | None = None,
    hosts: Mapping[str, str] | None = None,
    hosts_dir: str | None = None,
) -> Node:
    """Return the node that has these files alone: the text of a config.toml, and `{DIRECTORY/NAME: text}`.

    Raises Refusal. Files that the config.toml imports are not looked for. Docker has none, and a directory of its own.
    """
    rel = releases.release(releases.parse(version))
    if rel.engine and config is not None:
        raise Refusal(f"config: {rel.name} does not read a config.toml of containerd: leave it out")
    hosts_dir = hosts_dir or (places.DOCKER_HOSTS_DIR if rel.engine else places.DEFAULT_HOSTS_DIR)
    data = registry_table.parse(config or "", "config.toml")
    table = registry_table.images_table(rel, data)
    settings, containerd = table.get("registry") or {}, table.get("containerd")
    configs = settings.get("configs") or {}
    registry = Registry(
        config_path=hosts_dir if rel.engine else _config_path(rel, data, settings),
        mirrors=_mirrors(rel, settings),
        logins=frozenset(h for h, each in configs.items() if verdicts.auth_digest(each.get("auth")))
        | _auths(settings.get("auths") or {}),
        tls={
            h: frozenset(key for key, value in (each.get("tls") or {}).items() if value) for h, each in configs.items()
        },
        headers=frozenset(name.lower() for name in settings.get("headers") or {}),
        local_pull=not rel.transfer_service
        or any(settings.get(key) for key in ("mirrors", "configs", "auths"))
        or _pulls_itself({**table, **(containerd if isinstance(containerd, Mapping) else {})}),
    )
    tls_tables = any("tls" in each for each in configs.values())
    tree: dict[str, dict[str, Content]] = {}
    for path, text in (hosts or {}).items():
        directory, dummy, name = path.partition("/")
        tree.setdefault(directory, {})[name] = text.encode()
    return Node(
        release=rel,
        registry=registry,
        roots={hosts_file.clean(hosts_dir): tree},
        not_loaded=why_not_loaded(rel, registry, tls_tables, data.get("disabled_plugins") or []),
        notes=tuple(_misplaced(rel, data)),
    )


def why_not_loaded(rel: Release, registry: Registry, tls_tables: bool, disabled: Iterable[str]) -> str | None:
    """Return why CRI does not load with these settings, or None (`ValidateRegistryConfig`)."""
    off = sorted(releases.CRI_PLUGINS.intersection(disabled))
    if off:
        return f"disabled_plugins disables {off[0]}"
    if not rel.config_path or not registry.config_path:
        return None
    words = "cannot be set when `config_path` is provided"
    if registry.mirrors:
        return f"mirrors ({', '.join(sorted(registry.mirrors))}) together with config_path: `mirrors` {words}"
    if tls_tables and rel.tls_tables_block_config_path:
        return f"configs.*.tls together with config_path: `configs.tls` {words}"
    return None


def _pulls_itself(images: Mapping[str, Any]) -> bool:
    """Whether CRI falls back from the transfer service to pulling by itself (`CheckLocalImagePullConfigs`).

    Legacy registry settings make it do so too.
    """
    wanted = images.get("use_local_image_pull") or images.get("disable_snapshot_annotations") is False
    wanted = wanted or images.get("discard_unpacked_layers") or images.get("image_pull_with_sync_fs")
    downloads = images.get("max_concurrent_downloads", _DOWNLOADS) != _DOWNLOADS
    return bool(wanted or downloads)


def _auths(urls: Iterable[str]) -> frozenset[str]:
    """Return the hosts of the old table `auths`, whose keys are URLs."""
    return frozenset(url.partition("://")[2].partition("/")[0] or url for url in urls)


def _config_path(rel: Release, data: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    found = settings.get("config_path")
    if rel.default_roots == "baked-in" and not (found or (found == "" and releases.file_version(dict(data)) == 3)):
        return places.DEFAULT_ROOTS
    return found or ""


def _mirrors(rel: Release, settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    built_in = {"docker.io": ("https://registry-1.docker.io",)} if rel.implicit_docker_mirror else {}
    written = settings.get("mirrors") or {}
    return {**built_in, **{name: tuple(each.get("endpoint") or ()) for name, each in written.items()}}


def _tree(found: Tree | None) -> Root | None:
    """Return a tree as resolve has it, from a tree as the node half reads it."""
    if found is None:
        return None
    tree: dict[str, dict[str, Content] | None] = {name: {} for name in found.directories}
    contents: dict[str, Content] = {path: _content(file) for path, file in found.files.items()}
    contents.update(found.certificates)
    contents.update(dict.fromkeys(found.others))
    for path, content in contents.items():
        directory, slash, name = path.partition("/")
        files = tree.get(directory)
        if not slash:
            tree[path] = None
        elif files is not None:
            files[name] = content
            if path in found.files and found.files[path].link:
                files[hosts_dirs.UNLISTED] = None
    return tree


def _content(file: TreeFile) -> Content:
    if file.content is not None:
        return file.content
    return f"it is a link to {file.link}, which is not followed" if file.link else None


def _observed_notes(observed: Observation, rel: Release) -> Iterable[Note]:
    if observed.cri_error:
        yield Note(f"CRI does not answer now: {observed.cri_error}")
    due = observed.restart_due
    if due and observed.daemon:
        yield Note(f"the running containerd may not use the settings in its files: {due}")
    try:
        yield from _misplaced(rel, observed.config.data())
    except Refusal:
        return


def _misplaced(rel: Release, data: Mapping[str, Any]) -> Iterable[Note]:
    """Yield the registry tables that stand where this release does not look for them."""
    read = registry_table.images_table(rel, data)
    if not rel.config_path and plain.at(read, ["registry", "config_path"]):
        yield unknown_config_path(rel)
    configs = plain.at(read, ["registry", "configs"]) or {}
    unread = [] if rel.tls_tables else [host for host, each in configs.items() if each.get("tls")]
    if unread:
        shown = ", ".join(unread)
        yield Note(f"TLS settings in config.toml ({shown}) have no effect: containerd {rel} reads them in hosts.toml")
    for name, table in (data.get("plugins") or {}).items():
        settings = table.get("registry") if isinstance(table, Mapping) else None
        if settings and plain.at(read, ["registry"]) != settings and name in releases.CRI_PLUGINS:
            version = releases.file_version(dict(data))
            text = (
                f"the registry table of plugins.{name!r} has no effect: containerd {rel} reads that of "
                f"{releases.images_plugin(rel, version)!r} in a config.toml of version {version}"
            )
            yield Note(text, "wrong_table")
