# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Existing hosts.toml files, in `hosts_dir` and in other directories of `config_path`.

What the variables leave out is carried over into `hosts_dir`; what is replaced is said.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation, Tree, TreeFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import conflicts, hosts_toml
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.from_legacy import GIVES_WAY, Carried
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place, place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import dialects, edit
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load


def docker_certificates(found: Tree, root: str) -> dict[str, dict[str, Any]]:
    """Return the TLS options in Docker-style directories of a tree, by host[:port].

    containerd reads such certificates only where there is no hosts.toml (`loadCertFiles`).
    """
    tls: dict[str, dict[str, Any]] = {}
    for path in (path for path, is_pem in found.certificates.items() if is_pem):
        directory, dummy, name = path.partition("/")
        options = tls.setdefault(namespaces.namespace(directory), {})
        base, extension = posixpath.splitext(name)
        if extension == ".crt":
            options.setdefault("ca", []).append(f"{root}/{path}")
        elif extension == ".cert" and f"{directory}/{base}.key" in found.certificates:
            options.setdefault("client", []).append([f"{root}/{path}", f"{root}/{directory}/{base}.key"])
    return {host: options for host, options in tls.items() if options}


def other_roots(observed: Observation, rel: Release) -> dict[str, Tree]:
    """Return the trees of the other directories that containerd reads now, in the order in which it does."""
    config_path = observed.effective.config_path
    if not config_path and (rel.default_roots != "no-mirrors" or observed.effective.mirrors):
        return {}
    found = {root: each for root, each in observed.roots.items() if each is not None}
    order: list[str] = [place(root) for root in config_path.split(":") if root] or list(found)
    return {root: found[root] for root in dict.fromkeys(order) if root in found}


def from_roots(observed: Observation, wanted: Desired, rel: Release, record: Record, template: str) -> Carried:
    """Return what other directories of `config_path` hold, of which `hosts_dir` alone will be read.

    The first directory that knows a namespace decides, and one with `_default` knows all of them. Certificates stay
    where they are. The record's `carried` are the files of earlier runs, which did read those directories.
    """
    files = dict[str, str](record.carried)
    hosts_dir = observed.hosts_dir
    before = observed.effective.config_path or hosts_dir
    items: list[str] = []
    replaced = [f"config_path was {before} and is only {hosts_dir} now"] if _is_other(before, hosts_dir) else []
    taken: dict[str, str] = {}
    for root, found in other_roots(observed, rel).items():
        certificates = docker_certificates(found, root)
        for name, namespace in namespaces.looked_up(found.directories):
            path = f"{root}/{name}"
            ours = wanted.mirrors.get(namespace)
            if f"{path}/hosts.toml" in record.files or taken.setdefault(namespace, path) != path:
                continue
            if ours and ours.endpoints:
                replaced.append(f"{path} {GIVES_WAY}")
                continue
            if conflicts.is_of_others(namespace, observed, record.files):
                replaced.append(f"{path} is replaced by the directory for {namespace} in {hosts_dir}")
                continue
            if found.holds(f"{name}/hosts.toml"):
                text = _copy(found.files.get(f"{name}/hosts.toml"), rel, path)
            else:
                text = _from_certificates(certificates.get(namespace), namespace, template)
            if text is None:
                replaced.append(f"{path} contains nothing that containerd can use and is left in place")
                continue
            files[f"{namespaces.directory(namespace)}/hosts.toml"] = text
            items.append(f"{path} is copied to {hosts_dir}; certificates stay where they are")
        if rel.catch_all and found.holds(namespaces.CATCH_ALL):
            break
    named = {namespaces.directory(name) for name, each in wanted.mirrors.items() if each.endpoints}
    files = {path: text for path, text in files.items() if posixpath.dirname(path) not in named}
    return Carried(files=files, items=tuple(items), replaced=tuple(replaced))


def _is_other(config_path: str, hosts_dir: Place) -> bool:
    """Whether more or something else than `hosts_dir` is read."""
    return {place(root) for root in config_path.split(":") if root} != {hosts_dir}


def _from_certificates(tls: Mapping[str, Any] | None, namespace: str, template: str) -> str | None:
    """Return the hosts.toml that says what a Docker-style directory says, or None."""
    upstream = Mirror((), "upstream").upstream(namespace)
    return hosts_toml.render(template, namespace, {"url": upstream.url, **tls}, []) if tls and upstream else None


def _copy(file: TreeFile | None, rel: Release, directory: str) -> str | None:
    """Return the hosts.toml that says in another directory what this one says, None where that is nothing."""
    try:
        text = hosts_file.decode(file.content if file and file.content else b"", rel)
    except UnicodeDecodeError:
        return None
    if not text.strip() or hosts_file.read(text, rel, directory).discarded:
        return None
    try:
        return absolute(dialects.read(text, old=not rel.hosts_by_header)[0], directory)
    except TomlError as exc:
        raise Refusal(f"{directory}/hosts.toml is in use but cannot be copied as it is ({exc}): correct it") from exc


def absolute(text: str, directory: str) -> str:
    """Return a hosts.toml with the paths of its certificates made absolute; relative ones are below its directory."""
    data = load(text)
    merge = _absolute_options(data, directory)
    tables = {url: _absolute_options(each, directory) for url, each in (data.get("host") or {}).items()}
    tables = {url: each for url, each in tables.items() if each}
    return edit.edit(text, {**merge, **({"host": tables} if tables else {})}, [])


def _absolute_options(table: Mapping[str, Any], directory: str) -> dict[str, Any]:
    found = {key: _joined(table[key], directory) for key in ("ca", "client") if key in table}
    return {key: value for key, value in found.items() if value != table[key]}


def _joined(value: Any, directory: str) -> Any:
    if isinstance(value, list):
        return [_joined(each, directory) for each in value]
    return posixpath.normpath(posixpath.join(directory, value)) if isinstance(value, str) and value else value


def replaced_files(observed: Observation, wanted: Desired, rel: Release, record: Record) -> list[str]:
    """Return where images came from until now, for the hosts.toml files of others that ours replace."""
    told = []
    for name, file in observed.hosts.files.items():
        path, namespace = f"{observed.hosts_dir}/{name}", namespaces.namespace(posixpath.dirname(name))
        ours = wanted.mirrors.get(namespace)
        is_theirs = posixpath.basename(name) == "hosts.toml" and path not in record.files
        if not (is_theirs and file.content is not None and ours and ours.endpoints):
            continue
        reading = hosts_file.read_bytes(file.content, rel, posixpath.dirname(path))
        if reading.discarded:
            told.append(f"{path} had no effect until now because containerd discards it: {reading.discarded}")
            continue
        every = [each for each in (*reading.hosts, reading.server) if each and each.written]
        asked = ", ".join(str(_secrets.mask_data(each.written)) for each in every)
        login = ", with credentials" if any(each.headers for each in every) else ""
        told.append(f"images of {namespace} came from {asked}{login} until now: {path} {GIVES_WAY}")
    return told
