# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single values, which name the variable as the user wrote it, its value and the fix."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import kinds
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

_HOST = re.compile(r"(?:\[(?P<ipv6>.+)\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(?P<port>[0-9]{1,5}))?")
_PROJECT = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_URL_FORM = "http://HOST[:PORT][/PATH]"
_ALMOST_HTTP = re.compile(r"(https?)(?:[:;]*/+|[:;](?=[A-Za-z\[]))", re.I)
_NO_REGISTRIES = {
    "index.docker.io": "becomes docker.io in image names, so containerd never looks for it: write docker.io",
    "www.docker.io": "is Docker's website, not a registry: write docker.io",
    "hub.docker.com": "is Docker Hub's website, not a registry: write docker.io",
}


def is_host(text: str) -> bool:
    """Whether this is HOST or HOST:PORT, where HOST may be an IPv6 address in brackets."""
    match = _HOST.fullmatch(text)
    if not match or ".." in text or (match["port"] and not 0 < int(match["port"]) < 65536):
        return False
    try:
        return not match["ipv6"] or bool(ipaddress.IPv6Address(match["ipv6"]))
    except ValueError:
        return False


def odd_character(value: Any) -> str:
    """Return a hint at what a host's name cannot hold and people write all the same; "" where it is something else."""
    host = str(value).rpartition("://")[2].partition("/")[0]
    if "_" in host and is_host(host.replace("_", "-")):
        return (
            f"; {host} contains '_', which is not allowed in the registry part of an image name: give it another name "
            "in DNS"
        )
    name, colon, port = host.partition(":")
    try:
        encoded = "" if name.isascii() or not name.isprintable() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return f"; write {name} as it is in DNS: {encoded}{colon}{port}" if is_host(encoded) else ""


def _meant(value: str) -> str:
    """Return what is wrong with a text that does not begin as a URL, and what it may have been meant for."""
    text = value.strip()
    match = _ALMOST_HTTP.match(text)
    scheme = match[1].lower() if match else ""
    rest = (text[match.end() :] if match else text.rpartition("://")[2]).strip("/")
    if not is_host(rest.partition("/")[0]):
        return f"is not a registry URL: write it as {_URL_FORM}{odd_character(value)}"
    if scheme:
        return f"does not begin with {scheme}://: write {scheme}://{rest}"
    return f"does not begin with http:// or https://: write http://{rest} or https://{rest}"


class Check:
    """Checks that name the variable as the user wrote it: `prefix` is put before the option's name."""

    def __init__(self, prefix: str):
        self.prefix = prefix

    def fail(self, option: str, value: Any, fix: str) -> NoReturn:
        """Refuse a value that may be shown."""
        raise Refusal(f"{self.prefix}{option}: {_secrets.quoted(value)} {fix}")

    def refuse(self, option: str, fix: str) -> NoReturn:
        """Refuse a value that must not be shown, or that is missing."""
        raise Refusal(f"{self.prefix}{option}: {fix}")

    def mapping(self, option: str, value: Any, keys: Sequence[str] | None = None) -> Mapping[str, Any]:
        """Check that this is a mapping, and that all its keys are among `keys` if they are given."""
        if not isinstance(value, Mapping):
            self.refuse(option, f"is {kinds.name(value)}: give a mapping")
        for key in value:
            if keys is not None and key not in keys:
                likely = difflib.get_close_matches(str(key), keys, n=1)
                hint = f"did you mean {likely[0]}?" if likely else f"valid keys are {', '.join(keys)}"
                self.refuse(option, f"unknown key {key!r}: {hint}")
        return value

    def text(self, option: str, value: Any) -> str:
        """Check that this is a string that fits on a line; never quotes it."""
        if not isinstance(value, str) or not value:
            # ansible-core before 2.19 makes a list of a password like "[1]" when it comes from an expression.
            fix = "" if value in (None, "") else ": put it in quotes, or add | string to an expression"
            self.refuse(option, f"is {kinds.name(value)} but a string is required{fix}")
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            self.refuse(
                option,
                "contains a line break or another control character; a file read with lookup('file', …) needs | trim",
            )
        return str(value)

    def boolean(self, option: str, value: Any) -> bool:
        """Check a yes or no, as Ansible understands it."""
        try:
            return bool(boolean(value))
        except TypeError:
            self.fail(option, value, "is neither true nor false")

    def namespace(self, option: str, name: Any) -> str:
        """Check one host namespace."""
        if not isinstance(name, str) or not is_host(name):
            fix = "is not a registry name: write it as in image names, HOST or HOST:PORT"
            host = name.partition("://")[2].partition("/")[0] if isinstance(name, str) else ""
            self.fail(option, name, fix + (f" ({host})" if is_host(host) else odd_character(name)))
        if not namespaces.is_nameable(name):
            self.fail(option, name, "has no dot and no port, so no image name can begin with it: write the full name")
        if name.lower() in _NO_REGISTRIES:
            self.fail(option, name, _NO_REGISTRIES[name.lower()])
        return str(name)

    def url(self, option: str, value: Any, login: str | None = None) -> Endpoint:
        """Check a registry's URL and return its endpoint without a project; `login` says where the credentials go."""
        if isinstance(value, str) and "@" in value:
            login = login or f"{self.prefix}endpoints[{value.rpartition('@')[2]}], with username and password"
            self.refuse(option, f"the URL contains a username or password: set them as {login}")
        if not isinstance(value, str):
            self.refuse(option, f"is {kinds.name(value)} but a URL is required: write it as {_URL_FORM}")
        if not value.startswith(("http://", "https://")):
            self.fail(option, value, _meant(value))
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        if not is_host(parts.netloc) or parts.query or parts.fragment:
            rest = value.partition("://")[2].strip("/ ")
            right = f"{value.partition('://')[0]}://{rest}" if is_host(rest) else f"it as {_URL_FORM}"
            self.fail(option, value, f"is not a registry URL: write {right}{odd_character(value)}")
        path = parts.path.rstrip("/")
        if path:
            self.path(option, path)
        return Endpoint(f"{parts.scheme}://{parts.netloc}", path if "v2" in path.split("/") else f"{path}/v2")

    def path(self, option: str, value: Any) -> str:
        """Check the path of a registry's API and return it without a slash at its end."""
        path = value.rstrip("/") if isinstance(value, str) else ""
        if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
            self.fail(option, value, "is not a path: write it as /v2/PROJECT")
        return path

    def project(self, option: str, value: Any) -> str:
        """Check a project (or deeper path) and return it without slashes around it."""
        name = value.strip("/") if isinstance(value, str) else ""
        if not _PROJECT.fullmatch(name):
            self.fail(option, value, "is not a project name: use lower-case letters, digits, and . _ - / between them")
        return name

    def capabilities(self, option: str, value: Any) -> tuple[str, ...]:
        """Check what an endpoint may be asked for."""
        if not isinstance(value, list) or not value:
            self.fail(option, value, f"is not a list of any of {', '.join(hosts_file.CAPABILITIES)}")
        for each in value:
            if each not in hosts_file.CAPABILITIES:
                self.fail(option, each, f"is not a capability: valid ones are {', '.join(hosts_file.CAPABILITIES)}")
        return tuple(map(str, value))

    def duration(self, option: str, value: Any) -> str:
        """Check a duration as Go writes it."""
        if not isinstance(value, str) or not DURATION.fullmatch(value):
            self.fail(option, value, "is not a duration: write it with a unit, such as 5s or 500ms")
        return str(value)

    def login(self, option: str, username: Any, password: Any) -> dict[str, str]:
        """Check that username and password come together and can be sent; `option` leads to them."""
        for name, value, other in (("username", username, password), ("password", password, username)):
            if other and not value:
                given = "username" if name == "password" else "password"
                self.refuse(f"{option}{name}", f"missing or empty, but {given} is set: set both or neither")
        if not username:
            return {}
        self.text(f"{option}username", username)
        if ":" in username:
            self.refuse(f"{option}username", "a username cannot contain ':' (HTTP Basic authentication)")
        return {"username": str(username), "password": self.text(f"{option}password", password)}
