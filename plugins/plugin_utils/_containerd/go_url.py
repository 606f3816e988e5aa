# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs and hosts as Go's net/url and net read them, which is what containerd makes of those in its files.

Python's urlsplit accepts what Go refuses (`http://h:port`) and refuses what Go accepts (`http://[::1`), and containerd
goes to the internet where the two differ.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_HOST = re.compile(r"[ \\^`{|}]|%(?![0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_PORT = re.compile(r":[0-9]*")


class UrlError(ValueError):
    """Go's net/url refuses this; the message is the reason in its words."""


class Url(NamedTuple):
    """The parts of a URL that containerd uses: user, query and fragment are dropped."""

    scheme: str
    host: str  # host[:port], brackets of an IPv6 address included; "" where Go finds none
    path: str  # unescaped


def parse(text: str) -> Url:
    """Return what Go's url.Parse finds; raises UrlError."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        raise UrlError("net/url: invalid control character in URL")
    rest = text.partition("#")[0]
    if rest.startswith(":"):
        raise UrlError("missing protocol scheme")
    match = _SCHEME.match(rest)
    scheme = match.group(1).lower() if match else ""
    rest = rest[match.end() :] if match else rest
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme, "", "")  # "opaque", such as mailto:somebody
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
        return Url("", "", _unescape(rest))
    if not rest.startswith("//") or (not scheme and rest.startswith("///")):
        return Url(scheme, "", _unescape(rest))
    authority, slash, path = rest[2:].partition("/")
    return Url(scheme, _host(authority.rpartition("@")[2]), _unescape(slash + path))


def _host(host: str) -> str:
    if host.startswith("["):
        inside, bracket, port = host.rpartition("]")
        if not bracket:
            raise UrlError("missing ']' in host")
        if port and not _PORT.fullmatch(port):
            raise UrlError(f"invalid port {quoted(port)} after host")
        return f"{inside}]{port}"
    port = host[host.rindex(":") :] if ":" in host else ""
    if port and not _PORT.fullmatch(port):
        raise UrlError(f"invalid port {quoted(port)} after host")
    bad = _BAD_HOST.search(host)
    if bad:
        raise UrlError(f"invalid character {quoted(bad.group())} in host name")
    return unquote(host)


def _unescape(path: str) -> str:
    bad = _BAD_ESCAPE.search(path)
    if bad:
        raise UrlError(f"invalid URL escape {quoted(bad.group())}")
    return unquote(path)


def quoted(text: str) -> str:
    """Return a text in double quotes, as Go's %q does for printable ones."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_port(host: str) -> tuple[str, str]:
    """Return host (without brackets) and port, "" where there is none; the whole where net.SplitHostPort fails."""
    match = re.fullmatch(r"\[([^\[\]]*)\]:([^\[\]:]*)|([^\[\]:]*):([^\[\]:]*)", host)
    if not match:
        return host, ""
    inside, inside_port, plain, plain_port = match.groups()
    return (inside, inside_port) if inside is not None else (plain, plain_port)


def is_loopback(host: str, all_names: bool = True) -> bool:
    """Return whether containerd takes `host[:port]` for this machine (`docker.IsLocalhost`).

    Without `all_names` only localhost, 127.0.0.1 and ::1 count, as in legacy mode before 1.6.
    """
    name = split_port(host)[0]
    if not all_names:
        return name in ("localhost", "127.0.0.1", "::1")
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
