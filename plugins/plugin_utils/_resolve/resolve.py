# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image comes from: the ordered requests that one containerd makes for one image name.

Pure: an image name, a release and its files in, requests out. Source, in containerd's tree: `ConfigureHosts` in
remotes/docker/config/hosts.go (config_path), `registryEndpoints` in the CRI plugin's image_pull.go (legacy mirrors),
`Resolve` and `Fetch` in remotes/docker/resolver.go and fetcher.go (who is asked for what).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import (
    go_url,
    hosts_dirs,
    hosts_file,
    image_names,
    namespaces,
    proxies,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.go_url import Url, UrlError
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_dirs import (
    Candidate,
    Found,
    LookupFailure,
    Root,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_file import HostEntry
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.image_names import ImageNameError, Reference
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.notes import Note
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release

UNKNOWN_DIGEST = "<digest>"


class Registry(NamedTuple):
    """The registry settings in effect, in whatever way they were found out."""

    config_path: str = ""
    mirrors: Mapping[str, tuple[str, ...]] = {}  # legacy endpoints, keyed by host namespace
    logins: frozenset[str] = frozenset()  # hosts with `configs."HOST".auth` or `auths`
    tls: Mapping[str, frozenset[str]] = {}  # names of the options in `configs."HOST".tls`
    headers: frozenset[str] = frozenset()  # names in the table `headers`, lower case
    local_pull: bool = False  # CRI pulls by itself, and not through the transfer service


class Node(NamedTuple):
    """What one containerd has: its release, its settings, its hosts.toml files."""

    release: Release
    registry: Registry
    roots: Mapping[str, Root | None] = {}  # directories in config_path; None: a file stands there
    not_loaded: str | None = None  # why CRI does not serve
    notes: tuple[Note, ...] = ()
    proxies: Proxies = Proxies()  # of the environment that it runs in


class Asked(NamedTuple):
    """One registry in the order in which they are tried."""

    origin: str  # "host", "server", "mirror", or "upstream" for the registry in the image's name
    scheme: str
    host: str  # host[:port]
    path: str  # of the API, as containerd keeps it
    capabilities: tuple[str, ...]
    resolve: bool  # asked which digest a tag has (for a digest: whether it is there)
    pull: bool  # counted as one that may be pulled from; the others are tried all the same
    ns: str | None  # the query that tells a mirror which registry is meant
    http_after_tls: bool = False  # HTTPS is tried first, plain HTTP when that fails
    ca: bool = False
    client: bool = False
    skip_verify: bool = False
    credentials: str | None = None  # "header": sent at once; "login": sent after a challenge
    skipped: str | None = None  # why it is never contacted
    own_client: bool = False  # has credentials and connections of its own; the others share theirs


class Request(NamedTuple):
    """One request, made if all before it in its step failed."""

    step: str  # "resolve" or "pull"
    method: str
    asked: Asked
    kind: str  # "manifests" or "blobs"
    path: str  # with the query

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.asked.scheme}://{self.asked.host}{self.path}"


class Resolution(NamedTuple):
    """The answer for one image on one node."""

    image: str
    reference: Reference | None = None
    mode: str | None = None  # "config_path", "legacy", or "defaults" where neither is configured
    directory: str | None = None  # the host namespace directory that is used
    candidates: tuple[Candidate, ...] = ()
    why: str = ""
    asked: tuple[Asked, ...] = ()
    requests: tuple[Request, ...] = ()
    error: str | None = None  # why nothing is tried at all
    log: tuple[str, ...] = ()  # what containerd logs about broken files
    notes: tuple[Note, ...] = ()

    @property
    def asks_mirrors(self) -> bool:
        """Whether anything else than the registry in the image's name is used."""
        return any(each.origin in ("host", "server", "mirror") for each in self.asked)


class _Hosts(NamedTuple):
    """What a lookup of a host namespace gives."""

    asked: tuple[Asked, ...]
    found: Found = Found()


def resolve(image: Any, node: Node) -> Resolution:
    """Return the requests that this containerd makes for an image, each of them if all before it in its step fail."""
    answer = Resolution(str(image), notes=node.notes)
    try:
        reference = image_names.parse(image, node.release)
    except ImageNameError as exc:
        return answer._replace(error=str(exc))
    answer = answer._replace(reference=reference)
    if node.not_loaded:
        return _not_loaded(answer, resolve(image, node._replace(not_loaded=None)), node.not_loaded)
    mode, roots = _mode(node)
    answer = answer._replace(mode=mode)
    try:
        hosts = _legacy(reference, node) if mode == "legacy" else _configured(reference, node, roots)
    except LookupFailure as exc:
        return answer._replace(error=str(exc), candidates=exc.candidates, directory=exc.directory)
    found = hosts.found
    notes = node.notes + found.notes + _mode_notes(node, mode, roots) + _proxy_notes(hosts.asked, node)
    notes += _on_the_node(reference.host, hosts.asked)
    answer = answer._replace(
        directory=found.directory, candidates=found.candidates, why=found.why, log=found.log, notes=notes
    )
    if not any(each.resolve for each in hosts.asked):
        return answer._replace(asked=hosts.asked, error="no endpoint has the capabilities to resolve it")
    return answer._replace(asked=hosts.asked, requests=_requests(reference, hosts.asked))


def _not_loaded(answer: Resolution, loaded: Resolution, reason: str) -> Resolution:
    """Return the answer where CRI is not loaded, with what would keep containerd from the mirrors if it were."""
    error = f"CRI is not loaded: {reason}"
    if loaded.asks_mirrors:
        return answer._replace(error=error)
    error += f". If it were loaded: {loaded.error}" if loaded.error else ""
    return loaded._replace(asked=(), requests=(), error=error)


def _mode(node: Node) -> tuple[str, list[str]]:
    """Return the mode, and the directories that are searched in turn."""
    rel, registry = node.release, node.registry
    path = registry.config_path if rel.config_path else ""
    if not path and rel.default_roots == "no-mirrors" and not registry.mirrors:
        path = places.DEFAULT_ROOTS
    through_transfer = rel.transfer_service and not registry.local_pull
    if path:
        return "config_path", [path] if through_transfer else path.split(":")
    return ("defaults" if through_transfer else "legacy"), []


def unknown_config_path(rel: Release) -> Note:
    """Return what is said of a `config_path` that this release does not read."""
    return Note(f"containerd {rel} does not support config_path: it has no effect", "config_path_unknown")


def _mode_notes(node: Node, mode: str, roots: list[str]) -> tuple[Note, ...]:
    if mode == "config_path" and len(roots) == 1 and ":" in roots[0]:
        text = (
            f"config_path is a list, which containerd {node.release} reads as the name of one directory: its "
            "hosts.toml files have no effect"
        )
        return (Note(text, "config_path_list"),)
    if mode == "legacy" and node.registry.config_path:
        return (unknown_config_path(node.release),)
    return ()


def _on_the_node(host: str, asked: tuple[Asked, ...]) -> tuple[Note, ...]:
    elsewhere = [each.host for each in asked if each.origin != "upstream" and not namespaces.is_on_the_node(each.host)]
    if not namespaces.is_on_the_node(host) or not elsewhere:
        return ()
    text = (
        f"{host} is a registry on the node itself, but its images are pulled from {elsewhere[0]}: list {host} in "
        "containerd_registry_direct if they are not there"
    )
    return (Note(text),)


def _proxy_notes(asked: tuple[Asked, ...], node: Node) -> tuple[Note, ...]:
    urls = dict.fromkeys(f"{each.scheme}://{each.host}" for each in asked if not each.skipped)
    found = {url: proxies.proxy_for(url, node.proxies) for url in urls}
    return tuple(
        Note(f"{url} is accessed through the proxy {_secrets.mask_data(proxy)} of containerd's environment")
        for url, proxy in found.items()
        if proxy
    )


def _ns(namespace: str, host: str) -> str | None:
    return None if host in (namespace, namespaces.upstream_host(namespace)) else namespace


def _configured(reference: Reference, node: Node, roots: list[str]) -> _Hosts:
    """config_path mode (`ConfigureHosts`); without a directory the registry itself is used."""
    rel = node.release
    found = hosts_dirs.find(reference.host, rel, roots, node.roots)
    entries = list(found.hosts)
    last = found.server
    origin = "server"
    if not last.host:
        last, origin = _itself(last, reference.host, rel), "upstream"
    elif last.host == namespaces.upstream_host(reference.host):
        origin = "upstream"
    asked = [_asked("host", each, reference, node) for each in entries]
    return _Hosts((*asked, _asked(origin, last, reference, node)), found)


def _itself(entry: HostEntry, namespace: str, rel: Release) -> HostEntry:
    """Return the registry in the image's name; the options with `server` apply to it, except its capabilities."""
    entry = entry._replace(
        scheme="https",
        host=namespaces.upstream_host(namespace),
        path="/v2",
        capabilities=hosts_file.all_capabilities(rel),
    )
    if namespace == image_names.DOCKER_HUB or not go_url.is_loopback(namespace) or rel.localhost == "https":
        return entry
    port = go_url.split_port(namespace)[1]
    if rel.localhost == "by-port":
        scheme = "https" if port in ("", "443") else "http"
        return entry._replace(scheme=scheme, skip_verify=True if port != "80" else entry.skip_verify)
    return entry._replace(scheme="http", skip_verify=True)


def _tries_tls_first(entry: HostEntry, rel: Release) -> bool:
    if entry.scheme != "http" or not _has_tls(entry, rel):
        return False
    port = go_url.split_port(entry.host)[1]
    return {
        "http": False,
        "https": True,
        "https-port": port not in ("", "80"),
        "https-not-80": port != "80",
    }[rel.http_with_tls]


def _has_tls(entry: HostEntry, rel: Release) -> bool:
    return entry.has_tls or bool(entry.dial_timeout and rel.dial_timeout_is_tls)


def _asked(origin: str, entry: HostEntry, reference: Reference, node: Node) -> Asked:
    tls_first = _tries_tls_first(entry, node.release)
    can_pull = "pull" in entry.capabilities
    return Asked(
        origin=origin,
        scheme="https" if tls_first else entry.scheme,
        host=entry.host,
        path=entry.path,
        capabilities=entry.capabilities,
        resolve=can_pull and (bool(reference.digest) or "resolve" in entry.capabilities),
        pull=can_pull,
        ns=_ns(reference.host, entry.host),
        http_after_tls=tls_first,
        ca=bool(entry.ca),
        client=bool(entry.client),
        skip_verify=bool(entry.skip_verify),
        credentials=_credentials(entry.host, node.registry, entry.headers),
        skipped=_unusable(entry.scheme, entry.host),
        own_client=_has_tls(entry, node.release)
        or bool(node.release.header_reaches_token_service and (entry.headers or entry.dial_timeout)),
    )


def _unusable(scheme: str, host: str) -> str | None:
    if scheme not in ("http", "https"):
        return "its URL has no scheme that containerd supports"
    return None if host else "its URL has no host"


def _credentials(host: str, registry: Registry, headers: Mapping[str, Any]) -> str | None:
    if "authorization" in {name.lower() for name in headers} | registry.headers:
        return "header"
    return "login" if host in registry.logins else None


def _legacy(reference: Reference, node: Node) -> _Hosts:
    """Legacy mode: endpoints of `mirrors`, the registry itself last unless one of them has its name."""
    rel, registry = node.release, node.registry
    namespace = reference.host
    key = namespace if namespace in registry.mirrors else "*"
    written = list(registry.mirrors.get(key, ()))
    urls = [_parsed(_with_scheme(url, rel)) for url in written]
    origins = ["mirror"] * len(urls)
    if namespace not in [url.host for url in urls]:
        host = namespaces.upstream_host(namespace)
        urls.append(_parsed(f"{_default_scheme(host, rel)}://{host}"))
        origins.append("upstream")
    if not written:
        why = f"no mirrors for {namespace}"
        if key == namespace:
            why = f"mirrors.{namespace!r} has no endpoint, and mirrors.'*' does not apply then"
    else:
        why = f"mirrors.{key!r}"
    asked = [_legacy_asked(*each, reference, node) for each in zip(origins, urls, strict=True)]
    return _Hosts(tuple(asked), Found(why=why))


def _parsed(text: str) -> Url:
    try:
        return go_url.parse(text)
    except UrlError as exc:
        raise LookupFailure(f"every pull fails: an endpoint in mirrors is not a URL: {exc}") from exc


def _default_scheme(host: str, rel: Release) -> str:
    return "http" if go_url.is_loopback(host, rel.loopback_names) else "https"


def _with_scheme(url: str, rel: Release) -> str:
    if "://" in url:
        return url
    return f"{_default_scheme(_parsed(f'dummy://{url}').host, rel)}://{url}"


def _legacy_asked(origin: str, url: Url, reference: Reference, node: Node) -> Asked:
    options = node.registry.tls.get(url.host, frozenset()) if node.release.tls_tables else frozenset()
    return Asked(
        origin="upstream" if url.host == namespaces.upstream_host(reference.host) else origin,
        scheme=url.scheme,
        host=url.host,
        path=url.path or "/v2",
        capabilities=("pull", "resolve"),
        resolve=True,
        pull=True,
        ns=_ns(reference.host, url.host),
        ca="ca_file" in options,
        client="cert_file" in options,
        skip_verify="insecure_skip_verify" in options,
        credentials=_credentials(url.host, node.registry, {}),
        skipped=_unusable(url.scheme, url.host),
        own_client=True,
    )


def _requests(reference: Reference, asked: tuple[Asked, ...]) -> tuple[Request, ...]:
    """Return the requests of both steps.

    Resolving asks those that may, for a digest at the blobs endpoint too when no manifest was found. Pulling begins
    with the first again, and asks all: `Fetch` looks only whether one of them has the capability.
    """
    wanted = [("resolve", "HEAD", "manifests", reference.object)]
    if reference.digest:
        wanted.append(("resolve", "HEAD", "blobs", reference.digest))
    wanted.append(("pull", "GET", "manifests", reference.digest or UNKNOWN_DIGEST))
    wanted.append(("pull", "GET", "blobs", UNKNOWN_DIGEST))
    return tuple(
        Request(step, method, each, kind, _request_path(each, reference.repository, kind, what))
        for step, method, kind, what in wanted
        for each in asked
        if not each.skipped and (step == "pull" or each.resolve)
    )


def _request_path(asked: Asked, repository: str, kind: str, what: str) -> str:
    path = hosts_file.clean(posixpath.join("/", asked.path.lstrip("/"), repository, kind, what))
    return f"{path}?ns={quote(asked.ns, safe='')}" if asked.ns else path
