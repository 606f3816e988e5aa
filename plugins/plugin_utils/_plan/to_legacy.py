# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Existing hosts.toml files as `mirrors` and `configs` in config.toml, for nodes that are to be in legacy mode.

What config.toml has no words for is an error, because it would be lost; see from_directories for the usual direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_file import HostEntry, HostsFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation, Tree, TreeFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Record, Written
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import from_directories
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain


class Tables(NamedTuple):
    """What goes into the `registry` table, and what is said of it."""

    mirrors: dict[str, list[str]] = {}  # endpoints by namespace
    configs: dict[str, dict[str, Any]] = {}  # by host[:port]
    items: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def from_hosts(
    observed: Observation,
    registry: Mapping[str, Any],
    wanted: Desired,
    rel: Release,
    record: Record,
    prefix: str,
) -> Tables:
    """Return what the hosts.toml files mean that the previous `registry` made containerd read.

    The record's `carried_legacy` are the tables of earlier runs. Raises Refusal for what would be lost.
    """
    before = record.carried_legacy
    mirrors = {name: list(endpoints) for name, endpoints in before.mirrors.items()}
    configs: dict[str, Any] = dict(before.configs)
    items, replaced = [], []
    named = {name for name, each in wanted.mirrors.items() if each.endpoints}
    for namespace, path, asked in _before(observed, registry, rel, record):
        if namespace in named:
            replaced.append(
                f"{path} has no effect any more: images of {namespace} come from the mirrors in the variables"
            )
            continue
        try:
            listed = [_url(each) for each in asked if each.host and not _is_upstream(each, namespace)]
            if listed or namespace != "*":
                mirrors[namespace] = listed or [namespaces.legacy_url(namespace, rel)]
            for each in asked:
                plain.deep_merge(configs, _config(each, namespace, rel))
        except Refusal as exc:
            raise Refusal(
                f"{path}: {exc}, which config.toml cannot express. Set {prefix}mode to auto, or name {namespace} in "
                f"{prefix}mirrors or {prefix}extra_upstreams"
            ) from exc
        items.append(f"{path} moves to the legacy settings in config.toml")
    mirrors = {name: each for name, each in mirrors.items() if name not in named}
    return Tables(mirrors, configs, tuple(items), tuple(replaced))


def _before(
    observed: Observation, registry: Mapping[str, Any], rel: Release, record: Record
) -> Iterator[tuple[str, str, list[HostEntry]]]:
    """Yield `(namespace, path, endpoints)` of every directory that containerd used before us, the registry last."""
    roots = [place(root) for root in (registry.get("config_path") or "").split(":") if root]
    trees = {**from_directories.other_roots(observed, rel), observed.hosts_dir: observed.hosts}
    done = set()
    for root in roots if rel.config_path else ():
        found = trees.get(root) or Tree()
        certificates = from_directories.docker_certificates(found, root)
        for name, namespace in namespaces.looked_up(found.directories):
            path = f"{root}/{name}"
            if namespace in done:
                continue
            done.add(namespace)
            reading = _reading(found.files.get(f"{name}/hosts.toml"), record.files.get(f"{path}/hosts.toml"), rel, path)
            if reading and reading.server:
                yield namespace, path, [*reading.hosts, reading.server]
            elif namespace in certificates:
                yield namespace, path, [_registry_itself(certificates[namespace])]


def _reading(file: TreeFile | None, entry: Written | None, rel: Release, directory: str) -> HostsFile | None:
    """Return what a hosts.toml said before us, None where it said nothing; `entry` is our record of it."""
    if not file or file.content is None:
        return None
    content = file.content if entry is None else (entry.original or "").encode()
    reading = hosts_file.read_bytes(content, rel, directory)
    return reading if content.strip() and not reading.discarded else None


def _registry_itself(tls: Mapping[str, Any]) -> HostEntry:
    client = tuple((certificate, key) for certificate, key in tls.get("client") or ())
    return HostEntry("", "https", "", "/v2", (), ca=tuple(tls.get("ca") or ()), client=client)


def _is_upstream(endpoint: HostEntry, namespace: str) -> bool:
    """Whether this is the registry itself, which legacy mode tries last in any case."""
    return f"{endpoint.scheme}://{endpoint.host}" == namespaces.upstream_url(namespace)


def _url(endpoint: HostEntry) -> str:
    if not {"pull", "resolve"} <= set(endpoint.capabilities):
        raise Refusal(f"{endpoint.written} is for {', '.join(endpoint.capabilities)} only")
    return f"{endpoint.scheme}://{endpoint.host}{'' if endpoint.path == '/v2' else endpoint.path}"


def _config(endpoint: HostEntry, namespace: str, rel: Release) -> dict[str, Any]:
    """Return the `configs` table of an endpoint, keyed by its host[:port]."""
    host = endpoint.host or namespaces.upstream_url(namespace).rpartition("/")[2]
    table: dict[str, Any] = {}
    for name, values in endpoint.headers.items():
        kind, dummy, word = values[0].partition(" ")
        if name.lower() != "authorization" or kind.lower() != "basic" or len(values) != 1:
            raise Refusal(f"the header {name} of {host}")
        table["auth"] = {"auth": word.strip()}
    tls = _tls(endpoint, host)
    if tls and endpoint.scheme in ("", "https"):
        if not rel.tls_tables:
            raise Refusal(f"the TLS settings of {host} with containerd {rel}")
        table["tls"] = tls
    return {host: table} if table else {}


def _tls(endpoint: HostEntry, host: str) -> dict[str, Any]:
    tls: dict[str, Any] = {}
    if len(endpoint.ca or ()) > 1 or len(endpoint.client or ()) > 1:
        raise Refusal(f"more than one CA or client certificate of {host}")
    if endpoint.ca:
        tls["ca_file"] = endpoint.ca[0]
    if endpoint.client:
        tls["cert_file"], key = endpoint.client[0]
        tls["key_file"] = key or tls["cert_file"]
    if endpoint.skip_verify:
        tls["insecure_skip_verify"] = True
    return tls
