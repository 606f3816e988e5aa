# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy of its environment containerd uses for a URL (golang.org/x/net/http/httpproxy)."""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


class Proxies(NamedTuple):
    """The proxy settings of an environment, without username and password; None for one that is not set."""

    http: str | None = None
    https: str | None = None
    no: str | None = None


def proxy_for(url: str, environment: Proxies) -> str | None:
    """Return the proxy that Go uses for a URL (golang.org/x/net/http/httpproxy), None for a direct connection."""
    parts = urlsplit(url)
    proxy = environment.https if parts.scheme == "https" else environment.http
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = _address(host)
    if not proxy or host == "localhost" or (address and address.is_loopback):
        return None
    exempt = any(_matches(entry.strip().lower(), host, port, address) for entry in (environment.no or "").split(","))
    return None if exempt else proxy


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _matches(entry: str, host: str, port: int, address: Any) -> bool:
    """Whether one entry of NO_PROXY exempts a host: `*`, CIDR (for literal addresses), address or domain, any port."""
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, wanted = entry.rpartition(":")
    if not colon or (":" in name and not name.endswith("]")):
        name, wanted = entry, ""
    if not name or (wanted and wanted != str(port)):
        return False
    if address or _address(name):
        return address is not None and address == _address(name)
    name = name[1:] if name.startswith("*.") else name
    return host.endswith(name if name.startswith(".") else f".{name}") or host == name
