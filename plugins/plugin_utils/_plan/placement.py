# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where credentials and certificates go on a node, and how they are referred to.

Credentials go into hosts.toml as a header, into config.toml as a table, or both. CAs, client certificates and keys have
one copy for each endpoint. containerd takes every directory in `config_path` for a host namespace, so they are in one
beside it. It reads them on every pull, as it does hosts.toml (`ConfigureHosts`) and the files that legacy settings name
(`getTLSConfig`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint, Pem
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer


def in_hosts(access: Access, auth_method: str) -> dict[str, Any]:
    """Return the `header` that an endpoint gets in hosts.toml."""
    header = dict(access.headers)
    if access.authorization and auth_method != "config":
        header["Authorization"] = access.authorization
    return {"header": header} if header else {}


def in_config(
    wanted: Desired, rel: Release, auth_method: str, asked: Iterable[Answer]
) -> Iterator[tuple[Endpoint, Access]]:
    """Yield the endpoints whose credentials have to be in config.toml in config_path mode.

    An identity token can be nowhere else. Before 2.1 a header is not sent to the token service, so a registry that
    requires Bearer tokens needs its credentials here too (`WithAuthHeader` in containerd's hosts.go). `asked`: what the
    preflight found.
    """
    insisting = {each.url for each in asked if each.auth == "bearer"}
    for endpoint in wanted.asked():
        access = wanted.access_to(endpoint)
        auth = access.auth
        wants_token = endpoint.api in insisting and not rel.header_reaches_token_service
        if auth and (auth_method == "config" or "identitytoken" in auth or (auth_method == "auto" and wants_token)):
            yield endpoint, access


class Clash(NamedTuple):
    """Two sets of credentials for one host in config.toml, which holds one."""

    endpoint: Endpoint
    option: str  # that gives it the one
    other: str  # and the other


def clash(logins: Iterable[tuple[Endpoint, Access]]) -> Clash | None:
    """Return the first clash among endpoints whose credentials go to config.toml, if there is any."""
    first: dict[str, Access] = {}
    for endpoint, access in logins:
        known = first.setdefault(endpoint.host, access) if access.auth else access
        if known.auth != access.auth:
            named = access if endpoint.access.has_login else known
            other = known if named is access else access
            return Clash(endpoint, named.option, other.option or "username")
    return None


def legacy_configs(wanted: Desired, folder: str) -> dict[str, dict[str, Any]]:
    """Return the `configs` tables of legacy mode, keyed by host[:port] as the endpoint's URL spells it.

    `folder` is where the certificates are.
    """
    found = {}
    for endpoint in wanted.asked():
        access = wanted.access_to(endpoint)
        table: dict[str, Any] = {"auth": dict(access.auth)} if access.auth else {}
        tls = legacy_table(options(endpoint, access, folder))
        if tls:
            table["tls"] = tls
        if table:
            found[endpoint.host] = table
    return found


_NAMES = {"ca": "ca.crt", "client_cert": "client.crt", "client_key": "client.key"}


def directory(hosts_dir: str) -> str:
    """Return the directory of the files."""
    return places.certificates(hosts_dir)


def mode(path: str) -> int:
    """Return the mode of a file of ours: certificates are for everybody, everything else holds secrets."""
    return 0o644 if path.endswith(".crt") else 0o600


def _path(endpoint: Endpoint, kind: str, pem: Pem, folder: str) -> str:
    return pem.path or posixpath.join(folder, f"{namespaces.directory(endpoint.identity)}.{_NAMES[kind]}")


def options(endpoint: Endpoint, access: Access, folder: str) -> dict[str, Any]:
    """Return the TLS options of an endpoint as hosts.toml has them; none for plain HTTP."""
    found: dict[str, Any] = {}
    if not endpoint.is_tls:
        return found
    if access.ca:
        found["ca"] = _path(endpoint, "ca", access.ca, folder)
    if access.client_cert:
        key = _path(endpoint, "client_key", access.client_key or access.client_cert, folder)
        both = access.client_cert == access.client_key
        found["client"] = [[key if both else _path(endpoint, "client_cert", access.client_cert, folder), key]]
    if access.skip_verify:
        found["skip_verify"] = True
    return found


def legacy_table(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of hosts.toml as a table for `configs."HOST".tls`."""
    table: dict[str, Any] = {}
    if "ca" in found:
        table["ca_file"] = found["ca"]
    if "client" in found:
        ((table["cert_file"], table["key_file"]),) = found["client"]
    if "skip_verify" in found:
        table["insecure_skip_verify"] = True
    return table


def files(asked: Iterable[tuple[Endpoint, Access]], folder: str) -> dict[str, str]:
    """Return the files that the endpoints need and the node does not have yet: `{path: text}`."""
    found = {}
    for endpoint, access in asked:
        if not endpoint.is_tls:
            continue
        for kind in _NAMES:
            pem = getattr(access, kind)
            if pem and pem.text and not (kind == "client_cert" and pem == access.client_key):
                found[_path(endpoint, kind, pem, folder)] = pem.text
    return found
