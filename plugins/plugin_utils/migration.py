# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node was told of registries before us, as hosts.toml: from legacy settings, and from other directories.

The variables decide about the namespaces that they name; everything else is carried over, so that what worked still
works. See legacy.py for the way back, into config.toml.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.module_utils import _wire
from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    checks,
    conflicts,
    endpoints,
    go_url,
    hosts,
    hosts_reader,
    model,
    node,
    secrets,
    toml_edit,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils.model import Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils.registry_config import ConfigError
from ansible_collections.airgap.containerd.plugins.plugin_utils.releases import Release

_TLS = ("ca_file", "cert_file", "key_file", "insecure_skip_verify")
_HUB = "registry-1.docker.io"


class Carried(NamedTuple):
    """Settings of before that stay in force, and what is said of them."""

    mirrors: dict[str, Mirror] = {}  # of namespaces that the variables leave out
    tls: dict[str, dict[str, Any]] = {}  # options of hosts.toml for https endpoints, by host[:port]
    files: dict[str, str] = {}  # hosts.toml files as they are: {DIRECTORY/hosts.toml: text}
    items: tuple[str, ...] = ()  # what moves, for people
    staying: tuple[str, ...] = ()  # what stays in config.toml
    replaced: tuple[str, ...] = ()  # what is not, because the variables say otherwise


def mirrors_of(registry: Mapping[str, Any]) -> dict[str, Mirror]:
    """Return the `mirrors` of a legacy `registry` table; raises ConfigError for what is no name or no URL."""
    for namespace in registry.get("mirrors") or {}:
        if namespace != "*" and not checks.is_host(namespace):
            raise ConfigError(f"config.toml has a legacy mirror for {namespace!r}, no registry's name: take it out")
    return {
        namespace: _mirror(namespace, (each or {}).get("endpoint") or [])
        for namespace, each in (registry.get("mirrors") or {}).items()
    }


def _mirror(namespace: str, urls: list[str]) -> Mirror:
    """Return one mirror as containerd reads it (`registryEndpoints` in image_pull.go).

    The registry itself is asked last, unless an endpoint is the registry itself; no endpoint means the registry alone.
    """
    found = {each.url: each for each in map(_endpoint, urls)}
    own = urlsplit(endpoints.upstream_url(namespace)).netloc
    last = "none" if own in [each.host for each in found.values()] else "upstream"
    return Mirror(tuple(found.values()), last)


def _endpoint(url: str) -> Endpoint:
    try:
        scheme = "http" if go_url.is_loopback(url.partition("/")[0]) else "https"
        found = go_url.parse(url if "://" in url else f"{scheme}://{url}")
    except go_url.UrlError as exc:
        raise ConfigError(f"config.toml has the legacy mirror endpoint {secrets.quoted(url)}, which is no URL") from exc
    # A path is used verbatim, an empty one becomes /v2; user and password are dropped.
    return Endpoint(f"{found.scheme}://{found.host}", found.path.rstrip("/") or "/v2")


def from_registry(registry: Mapping[str, Any], wanted: model.Desired, prefix: str) -> Carried:
    """Return what a legacy `registry` table of config.toml means for hosts.toml.

    Logins stay in config.toml, because containerd honours `configs.*.auth` and `auths` beside `config_path`.
    """
    named = {name for name, each in wanted.mirrors.items() if each.endpoints}
    mirrors = {name: each for name, each in mirrors_of(registry).items() if name not in named}
    moving = "moves from config.toml to hosts.toml"
    items = [f"the mirror of {name} ({_asks(each)}) {moving}" for name, each in mirrors.items()]
    replaced = replaced_mirrors(registry, wanted)
    for host, text in asked_themselves(registry, {*mirrors, *wanted.mirrors}).items():
        mirrors[host] = Mirror((), "upstream")
        items.append(text)
    asked = {each.host for each in endpoints.asked({**wanted.mirrors, **mirrors})}
    tls = {}
    for host, config in (registry.get("configs") or {}).items():
        options = _tls_options((config or {}).get("tls") or {})
        if options and host in asked:
            tls[host] = options
            items.append(f"TLS settings of {host} ({', '.join(options)}) move from config.toml to hosts.toml")
        elif options:
            replaced.append(
                f"config.toml has TLS settings for {host}, whose images come from the internal registry now: list it "
                f"in {prefix}direct if it is to be asked itself"
            )
    return Carried(mirrors, tls, {}, tuple(items), tuple(_staying(registry)), tuple(replaced))


_GIVES_WAY = "gives way to the variables, and comes back with state=absent"


def _asks(mirror: Mirror) -> str:
    return ", ".join(each.base + ("" if each.path == "/v2" else each.path) for each in mirror.endpoints) or "itself"


def replaced_mirrors(registry: Mapping[str, Any], wanted: model.Desired) -> list[str]:
    """Return, for people, which legacy mirrors are not what the variables say of their namespaces."""
    found = {name: (each, wanted.mirrors.get(name)) for name, each in mirrors_of(registry).items()}
    return [
        f"the mirror of {name} in config.toml ({_asks(old)}) {_GIVES_WAY}"
        for name, (old, new) in found.items()
        if new and new.endpoints and [each.url for each in new.endpoints] != [each.url for each in old.endpoints]
    ]


def asked_themselves(registry: Mapping[str, Any], mirrors: Container[str]) -> dict[str, str]:
    """Return what is said of registries with a login or TLS settings, but no mirror: their images came from them.

    A registry that is an endpoint with plain HTTP cannot have been one of them, as no mirror said so.
    """
    plain_http = {each.host for mirror in mirrors_of(registry).values() for each in mirror.endpoints if not each.is_tls}
    found = {}
    for host, config in (registry.get("configs") or {}).items():
        tls, auth = ((config or {}).get(table) for table in ("tls", "auth"))
        used = tls or (auth and host not in plain_http)
        if used and host not in mirrors and host != _HUB and checks.is_host(host):
            found[host] = f"{host} has settings of its own in config.toml: it is asked itself, as before"
    return found


def _tls_options(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of hosts.toml for a `configs."HOST".tls` table."""
    options: dict[str, Any] = {}
    if table.get("ca_file"):
        options["ca"] = table["ca_file"]
    if table.get("cert_file"):
        options["client"] = [[table["cert_file"], table.get("key_file", "")]]
    if table.get("insecure_skip_verify"):
        options["skip_verify"] = True
    return options


def _staying(registry: Mapping[str, Any]) -> Iterator[str]:
    logins = [host for host, config in (registry.get("configs") or {}).items() if (config or {}).get("auth")]
    for host in [*logins, *(secrets.mask_data(url) for url in registry.get("auths") or {})]:
        yield f"the login of {host} stays in config.toml, where containerd still reads it"
    if registry.get("headers"):
        yield f"the headers for all registries ({', '.join(registry['headers'])}) stay in config.toml"


def docker_certificates(found: Mapping[str, Any], root: str) -> dict[str, dict[str, Any]]:
    """Return the TLS options in Docker-style directories of a tree, by host[:port].

    containerd reads such certificates only where there is no hosts.toml (`loadCertFiles`).
    """
    tls: dict[str, dict[str, Any]] = {}
    for path in (path for path, about in found.items() if about is True):
        directory, dummy, name = path.partition("/")
        options = tls.setdefault(hosts.namespace(directory), {})
        base, extension = posixpath.splitext(name)
        if extension == ".crt":
            options.setdefault("ca", []).append(f"{root}/{path}")
        elif extension == ".cert" and f"{directory}/{base}.key" in found:
            options.setdefault("client", []).append([f"{root}/{path}", f"{root}/{directory}/{base}.key"])
    return {host: options for host, options in tls.items() if options}


def other_roots(observed: Mapping[str, Any], rel: Release) -> dict[str, Mapping[str, Any]]:
    """Return the trees of the other directories that containerd reads now, in the order in which it does."""
    config_path = observed["effective"].get("config_path") or ""
    if not config_path and (rel.default_roots != "no-mirrors" or observed["effective"].get("mirrors")):
        return {}
    found = {root: each for root, each in (observed.get("roots") or {}).items() if each is not None}
    order = [posixpath.normpath(root) for root in config_path.split(":") if root] or list(found)
    return {root: found[root] for root in dict.fromkeys(order) if root in found}


def from_roots(
    observed: Mapping[str, Any], wanted: model.Desired, rel: Release, record: Mapping[str, Any], template: str
) -> Carried:
    """Return what other directories of `config_path` hold, of which `hosts_dir` alone will be read.

    The first directory that knows a namespace decides, and one with `_default` knows all of them. Certificates stay
    where they are. The record's `carried` are the files of earlier runs, which did read those directories.
    """
    files = dict(record.get("carried") or {})
    hosts_dir = observed["hosts_dir"]
    before = observed["effective"].get("config_path") or hosts_dir
    items: list[str] = []
    replaced = [f"config_path was {before}: it is {hosts_dir} alone now"] if _is_other(before, hosts_dir) else []
    taken: dict[str, str] = {}
    for root, found in other_roots(observed, rel).items():
        certificates = docker_certificates(found, root)
        for name in (name for name, about in found.items() if about is None):
            namespace, path = hosts.namespace(name), f"{root}/{name}"
            ours = wanted.mirrors.get(namespace)
            if f"{path}/hosts.toml" in record["files"] or taken.setdefault(namespace, path) != path:
                continue
            if ours and ours.endpoints:
                replaced.append(f"{path} {_GIVES_WAY}")
                continue
            if conflicts.is_of_others(namespace, observed, record["files"]):
                replaced.append(f"{path} gives way to the directory for {namespace} in {hosts_dir}")
                continue
            about = found.get(f"{name}/hosts.toml")
            if about is None:
                text = _from_certificates(certificates.get(namespace), namespace, template)
            else:
                text = _copy(about, rel, path)
            if text is None:
                replaced.append(f"{path} has nothing that containerd can use, and is left where it is")
                continue
            files[f"{hosts.directory(namespace)}/hosts.toml"] = text
            items.append(f"{path} is copied to {hosts_dir}; certificates stay where they are")
        if rel.catch_all and hosts.CATCH_ALL in found:
            break
    named = {hosts.directory(name) for name, each in wanted.mirrors.items() if each.endpoints}
    files = {path: text for path, text in files.items() if posixpath.dirname(path) not in named}
    return Carried(files=files, items=tuple(items), replaced=tuple(replaced))


def _is_other(config_path: str, hosts_dir: str) -> bool:
    """Whether more or something else than `hosts_dir` is read."""
    return {posixpath.normpath(root) for root in config_path.split(":") if root} != {posixpath.normpath(hosts_dir)}


def _from_certificates(tls: Mapping[str, Any] | None, namespace: str, template: str) -> str | None:
    """Return the hosts.toml that says what a Docker-style directory says, or None."""
    upstream = Mirror((), "upstream").upstream(namespace)
    return hosts.render(template, namespace, {"url": upstream.url, **tls}, []) if tls and upstream else None


def _copy(about: Mapping[str, Any], rel: Release, directory: str) -> str | None:
    """Return the hosts.toml that says in another directory what this one says, None where that is nothing."""
    try:
        text = node.text(about.get("content")) or ""
    except UnicodeDecodeError:
        return None
    if not text.strip() or hosts_reader.read(text, rel, directory).discarded:
        return None
    return absolute(text, directory)


def absolute(text: str, directory: str) -> str:
    """Return a hosts.toml with the paths of its certificates made absolute; relative ones are below its directory."""
    data = toml_edit.load(text)
    merge = _absolute_options(data, directory)
    tables = {url: _absolute_options(each, directory) for url, each in (data.get("host") or {}).items()}
    tables = {url: each for url, each in tables.items() if each}
    return toml_edit.edit(text, {**merge, **({"host": tables} if tables else {})}, [])


def _absolute_options(table: Mapping[str, Any], directory: str) -> dict[str, Any]:
    found = {key: _joined(table[key], directory) for key in ("ca", "client") if key in table}
    return {key: value for key, value in found.items() if value != table[key]}


def _joined(value: Any, directory: str) -> Any:
    if isinstance(value, list):
        return [_joined(each, directory) for each in value]
    return posixpath.normpath(posixpath.join(directory, value)) if isinstance(value, str) and value else value


def replaced_files(observed: Mapping[str, Any], wanted: model.Desired, rel: Release, record: Mapping) -> list[str]:
    """Return where images came from until now, for the hosts.toml files of others that ours replace."""
    told = []
    for name, about in observed["hosts"].items():
        path, namespace = f"{observed['hosts_dir']}/{name}", hosts.namespace(posixpath.dirname(name))
        ours = wanted.mirrors.get(namespace)
        is_theirs = posixpath.basename(name) == "hosts.toml" and path not in record["files"]
        if not (is_theirs and about and "content" in about and ours and ours.endpoints):
            continue
        reading = hosts_reader.read_bytes(_wire.unpack(about["content"]), rel, posixpath.dirname(path))
        if reading.discarded:
            told.append(f"{path} had no effect until now, since containerd discards it: {reading.discarded}")
            continue
        every = [each for each in (*reading.hosts, reading.server) if each and each.written]
        asked = ", ".join(str(secrets.mask_data(each.written)) for each in every)
        login = ", with a login" if any(each.headers for each in every) else ""
        told.append(f"images of {namespace} came from {asked}{login} until now: {path} {_GIVES_WAY}")
    return told
