# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.toml: rendered from a template, and refused when containerd would silently ignore it.

containerd logs a hosts.toml that it cannot read and goes to the internet, so everything that it would ignore is an
error here (`parseHostsFile` and `loadHostDir` in containerd's remotes/docker/config/hosts.go).
"""

from __future__ import annotations

import itertools
import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import checks
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import keys, scan, writing
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Entry

TEMPLATE = os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "roles", "containerd_registry", "templates", "hosts.toml.j2"
)
"""The template of hosts.toml files."""

_OPTIONS: dict[str, tuple[type, ...]] = {
    "capabilities": (list,),
    "override_path": (bool,),
    "skip_verify": (bool,),
    "ca": (str, list),
    "client": (str, list),
    "dial_timeout": (str,),
    "header": (dict,),
}


@lru_cache(maxsize=8)
def compiled(source: str) -> jinja2.Template:
    """Return a template of hosts.toml files, ready to render."""
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["toml"] = writing.quote
    environment.filters["toml_key"] = keys.key
    return environment.from_string(source)


@lru_cache(maxsize=1)
def own_template() -> str:
    """Return the text of our own template."""
    with open(TEMPLATE, encoding="utf-8") as handle:
        return handle.read()


def chosen_template(given: str | None, find: Callable[[str, str], str], prefix: str) -> str:
    """Return the text of the user's template, which `find(folder, path)` finds on the control node, or of our own."""
    if not given:
        return own_template()
    try:
        with open(find("templates", given), encoding="utf-8") as handle:
            return handle.read()
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise Refusal(f"{prefix}hosts_template: {given!r} cannot be read on the control node ({reason})") from exc


def render(template: str, namespace: str, server: Mapping[str, Any] | None, hosts: Sequence[Mapping[str, Any]]) -> str:
    """Render one hosts.toml and check it.

    `server` is the endpoint tried last (None: the registry itself), `hosts` those tried before it, in order; an
    endpoint is `{url, capabilities, override_path, ca, client, skip_verify, dial_timeout, header}`, all but `url`
    optional, and in `server` `url` too: then the options are for the registry itself. Raises Refusal.
    """
    try:
        text = compiled(template).render(namespace=namespace, server=server, hosts=hosts)
    except TomlError as exc:
        raise Refusal(f"hosts.toml of {namespace}: {exc}") from exc
    except Exception as exc:  # a template can do anything wrong
        reason = exc if isinstance(exc, jinja2.TemplateError) else f"{type(exc).__name__}: {exc}"
        raise Refusal(f"the template of hosts.toml failed for {namespace}: {reason}") from exc
    data = check(text, namespace)
    if server is not None and "url" in server and "server" not in data:
        raise Refusal(
            f"hosts.toml of {namespace} does not set server, although {_secrets.quoted(server['url'])} is to be tried "
            "last: containerd would fall back to the registry itself"
        )
    return text


def check(text: str, namespace: str) -> dict[str, Any]:
    """Return what is in `text`; raise Refusal where containerd would ignore it, or part of it, without a word."""
    try:
        data = load(text)
    except TomlError as exc:
        raise Refusal(f"hosts.toml of {namespace} is not TOML ({exc}): containerd would go to the internet") from exc
    hosts = data.get("host")
    if not isinstance(hosts, dict) or not any(line.strip().startswith("[host") for line in text.splitlines()):
        raise Refusal(f"hosts.toml of {namespace} has no [host] table: containerd up to 1.7.31 discards such a file")
    _check_endpoint(namespace, data.get("server"), {key: data[key] for key in data if key not in ("server", "host")})
    for url, options in hosts.items():
        if not isinstance(options, dict):
            raise Refusal(f"hosts.toml of {namespace}: host {_secrets.quoted(url)} is not a table")
        _check_endpoint(namespace, url, options)
    headers = [entry.path[1] for entry in scan.scan(text).entries if _is_host_header(entry)]
    asked = [url for url, dummy in itertools.groupby(headers)]
    for url in hosts:
        if asked.count(url) != 1:
            raise Refusal(
                f'hosts.toml of {namespace}: {_secrets.quoted(url)} needs one [host."URL"] header, its tables right '
                f"below it: containerd takes the hosts and their order from the headers"
            )
    return data


def _is_host_header(entry: Entry) -> bool:
    return entry.is_header and entry.path[0] == "host" and len(entry.path) > 1


def check_on(rel: Release, files: Mapping[str, str], hosts_dir: str) -> None:
    """Raise Refusal where this release would discard one of `files`, or ignore part of it.

    `files` is `{DIRECTORY/hosts.toml: text}`.
    """
    for path, text in files.items():
        directory = posixpath.dirname(path)
        found = hosts_file.read(text, rel, posixpath.join(hosts_dir, directory))
        reason = found.discarded or (f"{found.ignored[0]}, so it would have no effect" if found.ignored else None)
        if reason:
            raise Refusal(f"hosts.toml of {namespaces.namespace(directory)} on containerd {rel}: {reason}")


def _check_endpoint(namespace: str, url: Any, options: Mapping[str, Any]) -> None:
    where = f"hosts.toml of {namespace}, {'server' if url is None else _secrets.quoted(url)}"
    if url is not None and not _is_url(url):
        raise Refusal(f"{where}: write it as http://HOST[:PORT][/PATH] or https://…, without user or password")
    for key, value in options.items():
        if key not in _OPTIONS:
            raise Refusal(f"{where}: containerd does not support the option {key!r}")
        if not isinstance(value, _OPTIONS[key]):
            raise Refusal(f"{where}: {key} has the wrong type")
    unknown = set(options.get("capabilities", ())) - set(hosts_file.CAPABILITIES)
    if unknown:
        raise Refusal(
            f"{where}: unknown capability {sorted(unknown)[0]!r}; valid ones are {', '.join(hosts_file.CAPABILITIES)}"
        )
    insecure = {"ca", "client", "skip_verify"} & set(options)
    if insecure and isinstance(url, str) and url.startswith("http://"):
        raise Refusal(f"{where}: {sorted(insecure)[0]} on an http:// endpoint makes containerd try HTTPS first")
    _check_header(where, options.get("header", {}))
    if "dial_timeout" in options and not checks.DURATION.fullmatch(options["dial_timeout"]):
        raise Refusal(
            f"{where}: dial_timeout is not a duration with a unit, such as 5s, so containerd ignores the file"
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
            raise Refusal(f"{where}: {name!r} is not a header's name")
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str) or any(ord(char) < 32 or ord(char) == 127 for char in each):
                raise Refusal(f"{where}: header {name} is not a string that fits on a line")


Extras = Callable[[Endpoint], Mapping[str, Any]]
"""Returns the TLS options and the header of an endpoint, as hosts.toml has them."""


def _endpoint(endpoint: Endpoint, extras: Extras) -> dict[str, Any]:
    options: dict[str, Any] = {"url": endpoint.url}
    if endpoint.capabilities:
        options["capabilities"] = list(endpoint.capabilities)
    if endpoint.overrides_path:
        options["override_path"] = True
    if endpoint.dial_timeout:
        options["dial_timeout"] = endpoint.dial_timeout
    return {**options, **extras(endpoint)}


def render_all(template: str, mirrors: Mapping[str, Mirror], extras: Extras = lambda endpoint: {}) -> dict[str, str]:
    """Return `{directory/hosts.toml: text}` of all host namespaces; raises Refusal.

    With fallback "none" the last endpoint becomes `server`, because containerd tries `server` last in any case, and
    the registry itself where there is none (`parseHostsFile`). How a registry on the node itself is asked is left to
    containerd, which tries plain HTTP there too: it gets no `server`.
    """
    files = {}
    for namespace, mirror in mirrors.items():
        asked = [_endpoint(each, extras) for each in mirror.in_headers]
        last = mirror.endpoints[-1] if len(asked) < len(mirror.endpoints) else mirror.upstream(namespace)
        server = _endpoint(last, extras) if last else None
        if server and last not in mirror.endpoints and namespaces.is_on_the_node(namespace):
            del server["url"]
        files[f"{namespaces.directory(namespace)}/hosts.toml"] = render(template, namespace, server or None, asked)
    return files
