# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the user's variables to what every node should do, for any containerd: checked once, on the controller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.plugin_utils import secrets

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?")
_PROJECT = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_DOCKER_HUB_ALIASES = ("index.docker.io", "registry-1.docker.io", "www.docker.io", "hub.docker.com")


class ModelError(ValueError):
    """A variable that cannot be right: the message names it, its value and the fix."""


class Endpoint(NamedTuple):
    """One place to ask for images."""

    base: str  # scheme://host[:port]
    path: str = "/v2"  # of the registry's API, project included: /v2 or /v2/PROJECT

    @property
    def host(self) -> str:
        """The key of its credentials: host[:port] just as the URL spells it."""
        return urlsplit(self.base).netloc

    @property
    def overrides_path(self) -> bool:
        """Whether containerd must not append /v2 itself."""
        return not self.path.endswith("/v2")

    @property
    def url(self) -> str:
        """How hosts.toml and legacy mirrors write it; /v2 is left to containerd where it appends it."""
        return self.base + (self.path if self.overrides_path else self.path[: -len("/v2")])

    @property
    def api(self) -> str:
        """The URL that tells whether the registry is there, ends in /v2/."""
        return self.base + self.path.partition("/v2")[0] + "/v2/"


class Mirror(NamedTuple):
    """Where images of one host namespace come from."""

    endpoints: tuple[Endpoint, ...]  # in the order of asking; none: the registry itself
    fallback: str  # "none": nothing but the endpoints is asked; "upstream": the registry itself last


class Desired(NamedTuple):
    """All that the variables say, independent of any node."""

    mirrors: dict[str, Mirror]  # keyed by host namespace, "*" for every other one
    credentials: dict[str, tuple[str, str]]  # (username, password) keyed by endpoint host[:port]
    explicit: frozenset[str]  # options that were set by hand: what a release cannot keep of them is an error
    warnings: tuple[str, ...]


def upstream_url(namespace: str) -> str:
    """Return the URL of the registry that a host namespace stands for."""
    return "https://registry-1.docker.io" if namespace == "docker.io" else f"https://{namespace}"


class Check:
    """Checks that name the variable as the user wrote it."""

    def __init__(self, prefix: str):
        self.prefix = prefix

    def fail(self, option: str, value: Any, fix: str) -> None:
        raise ModelError(f"{self.prefix}{option}: {value!r} {fix}")

    def namespace(self, option: str, name: Any) -> str:
        """Check one host namespace."""
        if not isinstance(name, str) or not _HOST.fullmatch(name) or ".." in name:
            fix = "is not a registry's name: write it as in image names, HOST or HOST:PORT"
            if isinstance(name, str) and "://" in name:
                fix += f" ({urlsplit(name).netloc})"
            self.fail(option, name, fix)
        if name.lower() in _DOCKER_HUB_ALIASES:
            self.fail(option, name, "is no name in images of Docker Hub: write docker.io")
        return str(name)

    def url(self, option: str, value: Any) -> Endpoint:
        """Check a registry's URL and return its endpoint without a project."""
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            host = str(value).rpartition("://")[2]
            self.fail(option, value, f"has no http:// or https:// in front: write http://{host} or https://{host}")
        if "@" in value:
            raise ModelError(
                f"{self.prefix}{option}: the URL holds a username or password: give them as {self.prefix}username and "
                f"{self.prefix}password"
            )
        parts = urlsplit(value)
        if not _HOST.fullmatch(parts.netloc) or parts.query or parts.fragment:
            self.fail(option, value, "is not a registry's URL: write it as http://HOST[:PORT][/PATH]")
        path = parts.path.rstrip("/")
        return Endpoint(f"{parts.scheme}://{parts.netloc}", path if "/v2" in path else path + "/v2")

    def project(self, option: str, value: Any) -> str:
        """Check a project (or deeper path) and return it without slashes around it."""
        name = value.strip("/") if isinstance(value, str) else ""
        if not _PROJECT.fullmatch(name):
            self.fail(option, value, "is not a project's name: lower-case letters, digits, and . _ - / between them")
        return name

    def credentials(self, username: Any, password: Any) -> None:
        """Check that username and password come together and can be sent; never quotes the password."""
        for option, value, other in (("username", username, password), ("password", password, username)):
            if other and not value:
                missing = "password" if option == "password" else "username"
                raise ModelError(f"{self.prefix}{missing}: missing or empty, while the other half of the login is set")
        if username and ":" in username:
            self.fail("username", username, "holds a colon, which no registry can receive in a username")
        for option, value in (("username", username), ("password", password)):
            if value and any(ord(char) < 32 or ord(char) == 127 for char in value):
                raise ModelError(
                    f"{self.prefix}{option}: holds a line break or another control character; a file read with "
                    f"lookup('file', …) needs | trim"
                )


def desired(options: Mapping[str, Any], prefix: str = "") -> Desired:
    """Return what `options` ask for; `prefix` is put before their names in messages. Raises ModelError.

    Options: `url`, `username`, `password`, `upstreams`, `extra_upstreams`, `projects`, `catch_all`, `direct`,
    `fallback`; None stands for "not set".
    """
    check = Check(prefix)
    if not options.get("url"):
        raise ModelError(f"{prefix}url: not set: give the internal registry's address, such as http://harbor.lan")
    base = check.url("url", options["url"])
    check.credentials(options.get("username"), options.get("password"))
    projects = {
        name if name == "*" else check.namespace("projects", name): check.project(f"projects[{name}]", value)
        for name, value in (options.get("projects") or {}).items()
    }
    direct = [check.namespace("direct", name) for name in options.get("direct") or []]
    asked = [check.namespace("extra_upstreams", name) for name in options.get("extra_upstreams") or []]
    asked += [name for name in projects if name != "*"]
    if base.host in projects:
        check.fail("projects", base.host, "is the internal registry itself, whose own images name their project")
    for name in direct:
        if name in asked or name == base.host:
            check.fail("direct", name, f"is mirrored too: take it out of {prefix}direct or out of the other variables")
    upstreams = [check.namespace("upstreams", name) for name in options.get("upstreams") or []] + asked
    fallback = options.get("fallback") or "none"

    def mirror(project: str | None) -> Mirror:
        path = f"{base.path}/{project}" if project else base.path
        return Mirror((base._replace(path=path),), fallback)

    mirrors = {
        name: mirror(projects.get(name, projects.get("*")))
        for name in dict.fromkeys(upstreams)
        if name not in direct and name != base.host
    }
    mirrors[base.host] = Mirror((base,), "none")
    mirrors.update({name: Mirror((), "upstream") for name in direct})
    if options.get("catch_all") is not False:
        mirrors["*"] = mirror(projects.get("*"))
    return Desired(
        mirrors=dict(sorted(mirrors.items())),
        credentials={base.host: (options["username"], options["password"])} if options.get("username") else {},
        explicit=frozenset(name for name in ("fallback", "catch_all") if options.get(name) is not None),
        warnings=tuple(_warnings(projects, mirrors, prefix)),
    )


def _warnings(projects: Mapping[str, str], mirrors: Mapping[str, Mirror], prefix: str) -> list[str]:
    flat = [name for name, each in mirrors.items() if each.endpoints and not each.endpoints[0].overrides_path]
    if not projects or "*" in projects or len(flat) <= 1:
        return []
    return [
        f"{prefix}projects has no '*', so images of registries it does not name are asked for without a project, which "
        f"Harbor refuses: add '*' with the project for every other registry"
    ]


def authorization(credentials: Mapping[str, tuple[str, str]], endpoint: Endpoint) -> str | None:
    """Return the Authorization header for an endpoint, or None where it has no credentials."""
    login = credentials.get(endpoint.host)
    return secrets.basic_authorization(*login) if login else None


def endpoints(wanted: Desired) -> dict[str, str | None]:
    """Return `{API URL: Authorization header}` of every endpoint, for the preflight."""
    found = (endpoint for mirror in wanted.mirrors.values() for endpoint in mirror.endpoints)
    return {endpoint.api: authorization(wanted.credentials, endpoint) for endpoint in found}
