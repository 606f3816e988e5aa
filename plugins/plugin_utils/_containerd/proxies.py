# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy of its environment containerd uses for a URL (golang.org/x/net/http/httpproxy)."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import go_url
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.go_url import UrlError

_PORTS = {"http": "80", "https": "443"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies(NamedTuple):
    """The proxy settings of an environment, without username and password; None for one that is not set."""

    http: str | None = None
    https: str | None = None
    no: str | None = None


def proxy_for(url: str, environment: Proxies) -> str | None:
    """Return the proxy that Go uses for a URL, as the environment names it; None for a direct connection."""
    try:
        parts = go_url.parse(url)
    except UrlError:
        return None
    proxy = {"http": environment.http, "https": environment.https}.get(parts.scheme)
    if not proxy or not host_of(proxy) or not parts.host:
        return None
    host, port = go_url.split_port(parts.host)
    host = _ascii(host[1:-1] if host.startswith("[") else host)
    address = _address(host)
    if host == "localhost" or (address and address.is_loopback):
        return None
    entries = [each.strip().lower() for each in (environment.no or "").split(",")]
    exempt = any(_exempts(each, host.lower(), port or _PORTS[parts.scheme], address) for each in entries if each)
    return None if exempt else proxy


def host_of(proxy: str) -> str | None:
    """Return host[:port] of a proxy's address, which may lack its scheme; None where Go ignores it."""
    for text in (proxy, f"http://{proxy}"):
        try:
            parts = go_url.parse(text)
        except UrlError:
            continue
        if parts.scheme and parts.host:
            return parts.host
    return None


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _address(text: str) -> Address | None:
    """Return an address as net.ParseIP does: without a zone, and one of IPv4 in IPv6 is one of IPv4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return found
    return None if found.scope_id else found.ipv4_mapped or found


def _network(text: str) -> Network | None:
    """Return a network as net.ParseCIDR does: with the number of bits, not with a mask."""
    start, slash, bits = text.partition("/")
    if not slash or not bits.isdecimal() or not bits.isascii():
        return None
    try:
        found = ipaddress.ip_network(f"{start}/{int(bits)}", strict=False)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped and found.prefixlen >= 96:
        return ipaddress.ip_network(f"{found.network_address.ipv4_mapped}/{found.prefixlen - 96}")
    return found


def _exempts(entry: str, host: str, port: str, address: Address | None) -> bool:
    """Whether one entry of NO_PROXY exempts a host: `*`, CIDR, or address or domain, with or without a port."""
    if entry == "*":
        return True
    network = _network(entry)
    if network:
        return address is not None and address in network
    name, wanted = go_url.split_port(entry)
    if not name or (wanted and wanted != port):
        return False
    listed = _address(name)
    if listed:
        return listed == address
    name = name.removeprefix("*") if name.startswith("*.") else name  # a domain, whatever it looks like
    return host.endswith(_ascii(name) if name.startswith(".") else f".{_ascii(name)}") or host == _ascii(name)
