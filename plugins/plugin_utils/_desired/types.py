# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an endpoint: where it is, in which order it is tried, and its credentials and TLS settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces

_API = re.compile(r"(.*?/v2)(?:/.*)?")
_PORTS = {"http": 80, "https": 443}


class Pem(NamedTuple):
    """A PEM file: its text, or where the node has it already."""

    text: str | None = None
    path: str | None = None


class Access(NamedTuple):
    """Credentials and TLS settings of an endpoint."""

    option: str = ""  # the variable that says it, as in messages: endpoints[KEY], projects[UPSTREAM]
    auth: Mapping[str, str] = {}  # a table for `configs."HOST".auth`: username and password, auth or identitytoken
    headers: Mapping[str, str | list[str]] = {}
    ca: Pem | None = None
    client_cert: Pem | None = None
    client_key: Pem | None = None
    skip_verify: bool = False

    @property
    def authorization(self) -> str | None:
        """The value of the Authorization header; None without credentials and for an identity token."""
        if "username" in self.auth:
            return _secrets.basic_authorization(self.auth["username"], self.auth["password"])
        header = self.headers.get("Authorization")
        return f"Basic {self.auth['auth']}" if "auth" in self.auth else header if isinstance(header, str) else None

    @property
    def tls(self) -> dict[str, Any]:
        """What a node needs to know of TLS, where it asks by itself."""
        pems = {"ca": self.ca, "client_cert": self.client_cert, "client_key": self.client_key}
        return {"skip_verify": self.skip_verify, **{kind: pem._asdict() for kind, pem in pems.items() if pem}}

    @property
    def has_login(self) -> bool:
        """Whether there are credentials of any kind."""
        return bool(self.auth or self.authorization)

    @property
    def has_tls(self) -> bool:
        """Whether anything is said of TLS."""
        return bool(self.ca or self.client_cert or self.client_key or self.skip_verify)

    def over(self, other: Access) -> Access:
        """Return what holds where this is said of one mirror's endpoint, and `other` of the endpoint everywhere.

        Credentials replace others as a whole, a header the one of its name.
        """
        if self == NO_ACCESS:
            return other
        gone = {name.lower() for name in self.headers} | ({"authorization"} if self.has_login else set())
        headers = {name: value for name, value in other.headers.items() if name.lower() not in gone}
        auth, option = (self.auth, self.option) if self.has_login else (other.auth, other.option)
        return other._replace(option=option, auth=auth, headers={**headers, **self.headers})


NO_ACCESS = Access()


class Endpoint(NamedTuple):
    """One place to pull images from."""

    base: str  # scheme://host[:port]
    path: str = "/v2"  # of the registry's API, project included: /v2 or /v2/PROJECT
    capabilities: tuple[str, ...] = ("pull", "resolve")  # none: not said, which containerd takes for all
    dial_timeout: str | None = None  # as Go writes durations: 5s
    access: Access = NO_ACCESS  # credentials and headers that its mirror gives it, over those of `endpoints`

    @property
    def host(self) -> str:
        """The key of its `configs` table: host[:port] just as the URL spells it."""
        return urlsplit(self.base).netloc

    @property
    def identity(self) -> str:
        """Its host:port, which is the same for every spelling of its URL."""
        return identity(self.base)

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which images can begin with it, its own spelling first: with its scheme's port and without."""
        port = f":{_PORTS[urlsplit(self.base).scheme]}"
        other = self.host.removesuffix(port) if self.host.endswith(port) else f"{self.host}{port}"
        both = (self.host, other) if urlsplit(self.base).port is None or self.host.endswith(port) else (self.host,)
        return tuple(each for each in both if namespaces.is_nameable(each))

    @property
    def other_spelling(self) -> str | None:
        """Its URL with its scheme's port or without it, whichever it is not: another host to config.toml."""
        parts = urlsplit(self.base)
        if parts.port is None:
            return f"{self.base}:{_PORTS[parts.scheme]}"
        return self.base.removesuffix(f":{parts.port}") if parts.port == _PORTS[parts.scheme] else None

    def is_called(self, name: str) -> bool:
        """Whether a host namespace is this registry's own."""
        return name == self.host or name in self.names

    @property
    def is_tls(self) -> bool:
        """Whether it is contacted by HTTPS."""
        return self.base.startswith("https://")

    @property
    def is_ipv6(self) -> bool:
        """Whether its host is an IPv6 address, which go-toml v1 cannot read in a table header."""
        return "[" in self.base

    @property
    def overrides_path(self) -> bool:
        """Whether containerd must not append /v2 itself."""
        return not self.path.endswith("/v2")

    @property
    def url(self) -> str:
        """How hosts.toml writes it; /v2 is left to containerd where it appends it."""
        return self.base + (self.path if self.overrides_path else self.path[: -len("/v2")])

    @property
    def legacy_url(self) -> str:
        """How legacy mirrors write it: containerd takes a path as it is, and /v2 for none (`registryEndpoints`)."""
        return self.base + ("" if self.path == "/v2" else self.path)

    @property
    def root(self) -> Endpoint:
        """The registry itself: the same without a project."""
        match = _API.fullmatch(self.path)
        return Endpoint(self.base, match.group(1) if match else self.path)

    @property
    def api(self) -> str:
        """The URL that tells whether the registry is there, ends in a slash."""
        return f"{self.base}{self.root.path}/"


class Mirror(NamedTuple):
    """Where images of one host namespace come from."""

    endpoints: tuple[Endpoint, ...]  # in the order in which they are tried; none: the registry itself
    fallback: str = "none"  # "none": only the endpoints are tried; "upstream": the registry itself last

    @property
    def in_headers(self) -> tuple[Endpoint, ...]:
        """The endpoints after which another one is tried: each has a header in hosts.toml, the last is `server`."""
        return self.endpoints if self.fallback == "upstream" else self.endpoints[:-1]

    def is_own(self, namespace: str) -> bool:
        """Whether these are a registry's own images, which it serves under its own name."""
        return len(self.endpoints) == 1 and self.endpoints[0].is_called(namespace)

    def upstream(self, namespace: str) -> Endpoint | None:
        """Return the registry itself, if it is asked and has a name."""
        asked = self.fallback == "upstream" or not self.endpoints
        return Endpoint(namespaces.upstream_url(namespace), capabilities=()) if asked and namespace != "*" else None


def asked(mirrors: Mapping[str, Mirror]) -> Iterator[Endpoint]:
    """Yield every endpoint of every mirror, and the registries themselves where they are used too."""
    for name, mirror in mirrors.items():
        upstream = mirror.upstream(name)
        yield from (*mirror.endpoints, upstream) if upstream else mirror.endpoints


def identity(url: str) -> str:
    """Return host:port of a URL, in lower case and with the port that its scheme implies."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or _PORTS[parts.scheme]}"
