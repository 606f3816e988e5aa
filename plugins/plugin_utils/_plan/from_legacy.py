# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Existing legacy settings in config.toml, as hosts.toml.

The variables decide about the namespaces that they name; everything else is carried over, so that what worked still
works. See to_legacy for the way back, into config.toml.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import go_url, namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.go_url import UrlError
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import checks, types
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror

_HUB = "registry-1.docker.io"


class Carried(NamedTuple):
    """Existing settings that stay in force, and what is reported about them."""

    mirrors: dict[str, Mirror] = {}  # of namespaces that the variables leave out
    tls: dict[str, dict[str, Any]] = {}  # options of hosts.toml for https endpoints, by host[:port]
    files: dict[str, str] = {}  # hosts.toml files as they are: {DIRECTORY/hosts.toml: text}
    items: tuple[str, ...] = ()  # what moves, for people
    staying: tuple[str, ...] = ()  # what stays in config.toml
    replaced: tuple[str, ...] = ()  # what is not, because the variables say otherwise


def mirrors_of(registry: Mapping[str, Any]) -> dict[str, Mirror]:
    """Return the `mirrors` of a legacy `registry` table that containerd can use; `useless` tells the others."""
    return {
        namespace: _mirror(namespace, (each or {}).get("endpoint") or [])
        for namespace, each in (registry.get("mirrors") or {}).items()
        if _is_namespace(namespace)
    }


def useless(registry: Mapping[str, Any]) -> list[str]:
    """Return, for people, which legacy mirrors and endpoints never served an image, and so are not carried over."""
    found = []
    for namespace, each in (registry.get("mirrors") or {}).items():
        if not _is_namespace(namespace):
            found.append(
                f"the mirror of {_secrets.quoted(namespace)} in config.toml had no effect, because that is not a "
                "registry name (HOST or HOST:PORT): if it was meant for a registry, add that to the variables"
            )
            continue
        found += [
            f"the endpoint {_secrets.quoted(url)} of the mirror of {namespace} in config.toml is dropped, because "
            "containerd cannot use it: an endpoint is http://HOST[:PORT] or https://…"
            for url in (each or {}).get("endpoint") or []
            if not _endpoint(url)
        ]
    return found


def _is_namespace(key: str) -> bool:
    """Whether an image name can have this as its registry: containerd compares it with the key as it is written."""
    return key == "*" or checks.is_host(key)


def _mirror(namespace: str, urls: list[str]) -> Mirror:
    """Return one mirror as containerd reads it (`registryEndpoints` in image_pull.go).

    The registry itself is tried last, unless an endpoint is the registry itself; no endpoint means the registry alone.
    """
    found = {each.url: each for each in map(_endpoint, urls) if each}
    own = urlsplit(namespaces.upstream_url(namespace)).netloc
    last = "none" if own in [each.host for each in found.values()] else "upstream"
    return Mirror(tuple(found.values()), last)


def _endpoint(url: str) -> Endpoint | None:
    """Return an endpoint, None where it is nothing that containerd could send a request to."""
    try:
        scheme = "http" if go_url.is_loopback(url.partition("/")[0]) else "https"
        found = go_url.parse(url if "://" in url else f"{scheme}://{url}")
    except UrlError:
        return None
    name, port = go_url.split_port(found.host)
    if found.scheme not in ("http", "https") or not name.strip(":") or (port and not 0 < int(port) < 65536):
        return None
    # A path is used verbatim, an empty one becomes /v2; user and password are dropped.
    endpoint = Endpoint(f"{found.scheme}://{found.host}", found.path.rstrip("/") or "/v2")
    try:
        return endpoint if endpoint.identity else None
    except ValueError:  # more colons than a port has
        return None


def from_registry(registry: Mapping[str, Any], wanted: Desired, prefix: str) -> Carried:
    """Return what a legacy `registry` table of config.toml means for hosts.toml.

    Credentials stay in config.toml, because containerd honours `configs.*.auth` and `auths` with `config_path`.
    """
    named = {name for name, each in wanted.mirrors.items() if each.endpoints}
    mirrors = {name: each for name, each in mirrors_of(registry).items() if name not in named}
    moving = "moves from config.toml to hosts.toml"
    items = [f"the mirror of {name} ({_asks(each)}) {moving}" for name, each in mirrors.items()]
    replaced = [*useless(registry), *replaced_mirrors(registry, wanted)]
    for host, text in asked_themselves(registry, {*mirrors, *wanted.mirrors}).items():
        mirrors[host] = Mirror((), "upstream")
        items.append(text)
    asked = {each.host for each in types.asked({**wanted.mirrors, **mirrors})}
    tls = {}
    for host, config in (registry.get("configs") or {}).items():
        options = _tls_options((config or {}).get("tls") or {})
        if options and host in asked:
            tls[host] = options
            items.append(f"TLS settings of {host} ({', '.join(options)}) move from config.toml to hosts.toml")
        elif options:
            replaced.append(
                f"config.toml has TLS settings for {host}, whose images come from the internal registry now: list it "
                f"in {prefix}direct to pull from it directly"
            )
    return Carried(mirrors, tls, {}, tuple(items), tuple(_staying(registry)), tuple(replaced))


GIVES_WAY = "is replaced by the variables, and restored with state=absent"


def _asks(mirror: Mirror) -> str:
    return ", ".join(each.base + ("" if each.path == "/v2" else each.path) for each in mirror.endpoints) or "itself"


def replaced_mirrors(registry: Mapping[str, Any], wanted: Desired) -> list[str]:
    """Return, for people, which legacy mirrors are not what the variables say of their namespaces."""
    found = {name: (each, wanted.mirrors.get(name)) for name, each in mirrors_of(registry).items()}
    return [
        f"the mirror of {name} in config.toml ({_asks(old)}) {GIVES_WAY}"
        for name, (old, new) in found.items()
        if new and new.endpoints and [each.url for each in new.endpoints] != [each.url for each in old.endpoints]
    ]


def asked_themselves(registry: Mapping[str, Any], mirrors: Container[str]) -> dict[str, str]:
    """Return what is said of registries with credentials or TLS settings, but no mirror: their images came from them.

    A registry that is an endpoint with plain HTTP cannot have been one of them, as no mirror said so.
    """
    plain_http = {each.host for mirror in mirrors_of(registry).values() for each in mirror.endpoints if not each.is_tls}
    found = {}
    for host, config in (registry.get("configs") or {}).items():
        tls, auth = ((config or {}).get(table) for table in ("tls", "auth"))
        used = tls or (auth and host not in plain_http)
        if used and host not in mirrors and host != _HUB and checks.is_host(host):
            found[host] = (
                f"{host} has settings of its own in config.toml: images are pulled from it directly, as before"
            )
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
    for host in [*logins, *(_secrets.mask_data(url) for url in registry.get("auths") or {})]:
        yield f"the credentials for {host} stay in config.toml, where containerd still reads them"
    if registry.get("headers"):
        yield f"the headers for all registries ({', '.join(registry['headers'])}) stay in config.toml"
