# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.toml: rendered from a template, and refused when containerd would silently ignore it.

containerd logs a hosts.toml that it cannot read and goes to the internet, so everything that it would ignore is an
error here (`parseHostsFile` and `loadHostDir` in containerd's remotes/docker/config/hosts.go).
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import jinja2

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    checks,
    hosts_reader,
    secrets,
    toml_edit,
    toml_scan,
    toml_values,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils.releases import Release

CATCH_ALL = "_default"
"""The directory for every registry without one of its own (containerd's name for `*`)."""

_OPTIONS: dict[str, tuple[type, ...]] = {
    "capabilities": (list,),
    "override_path": (bool,),
    "skip_verify": (bool,),
    "ca": (str, list),
    "client": (str, list),
    "dial_timeout": (str,),
    "header": (dict,),
}
_CAPABILITIES = ("pull", "resolve", "push", "referrers")


_DIRECTORY = re.compile(r"[A-Za-z0-9_[][A-Za-z0-9._:\[\]-]*")
"""Host namespaces, from variables or from a node's own config.toml, that can be a directory's name."""


class HostsError(ValueError):
    """A hosts.toml that containerd would not use as it reads."""


def directory(namespace: str) -> str:
    """Return the directory name of a host namespace below `config_path`.

    `host_port_` is the first name that containerd looks for, so nothing else can shadow it (hostPaths,
    config_unix.go).
    """
    if namespace == "*":
        return CATCH_ALL
    if not _DIRECTORY.fullmatch(namespace):
        raise HostsError(f"{namespace!r} is not a registry's name, so there is no directory for its hosts.toml")
    host, colon, port = namespace.rpartition(":")
    return f"{host}_{port}_" if colon and port.isdigit() else namespace


def namespace(name: str) -> str:
    """Return the host namespace of a directory below `config_path`."""
    if name == CATCH_ALL:
        return "*"
    match = re.fullmatch(r"(.+)_([0-9]+)_", name)
    return f"{match.group(1)}:{match.group(2)}" if match else name


@lru_cache(maxsize=8)
def compiled(source: str) -> jinja2.Template:
    """Return a template of hosts.toml files, ready to render."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["toml"] = toml_edit.quote
    environment.filters["toml_key"] = toml_values.key
    return environment.from_string(source)


def render(template: str, namespace: str, server: Mapping[str, Any] | None, hosts: list[Mapping[str, Any]]) -> str:
    """Render one hosts.toml and check it.

    `server` is the endpoint asked last (None: the registry itself), `hosts` those asked before it, in order; an
    endpoint is `{url, capabilities, override_path, ca, client, skip_verify, dial_timeout, header}`, all but `url`
    optional. Raises HostsError.
    """
    try:
        text = compiled(template).render(namespace=namespace, server=server, hosts=hosts)
    except jinja2.TemplateError as exc:
        raise HostsError(f"the template of hosts.toml failed for {namespace}: {exc}") from exc
    except toml_edit.TomlError as exc:
        raise HostsError(f"hosts.toml of {namespace}: {exc}") from exc
    data = check(text, namespace)
    if server is not None and "server" not in data:
        raise HostsError(
            f"hosts.toml of {namespace} names no server, though {secrets.quoted(server['url'])} is to be asked last: "
            f"containerd would ask the registry itself last"
        )
    return text


def check(text: str, namespace: str) -> dict[str, Any]:
    """Return what is in `text`; raise HostsError where containerd would ignore it, or part of it, without a word."""
    try:
        data = toml_edit.load(text)
    except toml_edit.TomlError as exc:
        raise HostsError(f"hosts.toml of {namespace} is not TOML ({exc}): containerd would go to the internet") from exc
    hosts = data.get("host")
    if not isinstance(hosts, dict) or not any(line.strip().startswith("[host") for line in text.splitlines()):
        raise HostsError(f"hosts.toml of {namespace} has no [host] table: containerd up to 1.7.31 discards such a file")
    _check_endpoint(namespace, data.get("server"), {key: data[key] for key in data if key not in ("server", "host")})
    for url, options in hosts.items():
        if not isinstance(options, dict):
            raise HostsError(f"hosts.toml of {namespace}: host {secrets.quoted(url)} is not a table")
        _check_endpoint(namespace, url, options)
    headers = [entry.path[1] for entry in toml_scan.scan(text).entries if _is_host_header(entry)]
    asked = [url for url, dummy in itertools.groupby(headers)]
    for url in hosts:
        if asked.count(url) != 1:
            raise HostsError(
                f'hosts.toml of {namespace}: {secrets.quoted(url)} needs one [host."URL"] header, its tables right '
                f"below it: containerd takes the hosts to ask from the headers, in their order"
            )
    return data


def _is_host_header(entry: toml_scan.Entry) -> bool:
    return entry.is_header and entry.path[0] == "host" and len(entry.path) > 1


def check_on(rel: Release, files: Mapping[str, str], hosts_dir: str) -> None:
    """Raise HostsError where this release would discard one of `files`, or ignore part of it.

    `files` is `{DIRECTORY/hosts.toml: text}`.
    """
    for path, text in files.items():
        directory = posixpath.dirname(path)
        found = hosts_reader.read(text, rel, posixpath.join(hosts_dir, directory))
        reason = found.discarded or (f"{found.ignored[0]}, so it would have no effect" if found.ignored else None)
        if reason:
            raise HostsError(f"hosts.toml of {namespace(directory)} on containerd {rel}: {reason}")


def _check_endpoint(namespace: str, url: Any, options: Mapping[str, Any]) -> None:
    where = f"hosts.toml of {namespace}, {'server' if url is None else secrets.quoted(url)}"
    if url is not None and not _is_url(url):
        raise HostsError(f"{where}: write it as http://HOST[:PORT][/PATH] or https://…, without user or password")
    for key, value in options.items():
        if key not in _OPTIONS:
            raise HostsError(f"{where}: containerd knows no option {key!r}")
        if not isinstance(value, _OPTIONS[key]):
            raise HostsError(f"{where}: {key} has the wrong type")
    unknown = set(options.get("capabilities", ())) - set(_CAPABILITIES)
    if unknown:
        raise HostsError(f"{where}: unknown capability {sorted(unknown)[0]!r}; there are {', '.join(_CAPABILITIES)}")
    insecure = {"ca", "client", "skip_verify"} & set(options)
    if insecure and isinstance(url, str) and url.startswith("http://"):
        raise HostsError(f"{where}: {sorted(insecure)[0]} on an http:// endpoint makes containerd try HTTPS first")
    _check_header(where, options.get("header", {}))
    if "dial_timeout" in options and not checks.DURATION.fullmatch(options["dial_timeout"]):
        raise HostsError(
            f"{where}: dial_timeout is no duration with a unit, such as 5s, so containerd ignores the file"
        )


def _is_url(url: Any) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return bool(parts and parts.scheme in ("http", "https") and checks.is_host(parts.netloc) and url.isprintable())
    except ValueError:
        return False


def _check_header(where: str, header: Mapping[str, Any]) -> None:
    """Refuse what would end a header and begin another; never quotes a value."""
    for name, value in header.items():
        if not checks.HEADER.fullmatch(name):
            raise HostsError(f"{where}: {name!r} is not a header's name")
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str) or any(ord(char) < 32 or ord(char) == 127 for char in each):
                raise HostsError(f"{where}: header {name} is not a string that fits on a line")
