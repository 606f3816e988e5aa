# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what an image resolves to, the requests with which a node can see for itself what each endpoint answers.

The requests hold the node's own credentials: they go back to that node and nowhere else.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_dirs
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_file import HostEntry
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Asked, Node, Resolution
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


class Tls(NamedTuple):
    """How to speak TLS with an endpoint; paths on the node."""

    ca: list[str]
    client: list[list[str]]  # certificate and key, or "" where one file has both
    skip_verify: bool


class ProbeRequest(NamedTuple):
    """One endpoint to ask for a manifest (see the node half's `probe`)."""

    url: str
    headers: dict[str, str]
    login: str | None  # the Authorization header that answers a challenge
    tls: Tls


def requests(
    settings: Sequence[Mapping[str, Any]], there: Node, found: Resolution, login: tuple[str, str] | None = None
) -> list[ProbeRequest]:
    """Return the requests for every registry in `asked(found)`, in this order.

    `settings` are the node's `tables`, `there` and `found` what it means for the image. `login` is a pull secret,
    which containerd takes instead of the node's own credentials, but not instead of a header.
    """
    if not found.requests:
        return []
    entries = _entries(there, found)
    everywhere = [_table(table, "headers") for table in settings]
    wanted = []
    for each in asked(found):
        entry = entries.get((each.host, each.path))
        config = _config(settings, each.host)
        headers = {name: values for table in everywhere for name, values in table.items()}
        headers.update(entry.headers if entry else {})
        wanted.append(
            ProbeRequest(
                url=_manifest_url(found, each),
                headers={name.title(): _last(values) for name, values in headers.items()},
                login=_secrets.basic_authorization(*login) if login else _authorization(_table(config, "auth")),
                tls=_tls(entry, _table(config, "tls")),
            )
        )
    return wanted


def asked(found: Resolution) -> list[Asked]:
    """Return the registries from which containerd requests the manifest, in this order, each once."""
    hosts: dict[tuple[str, str, str], Asked] = {}
    for each in found.asked:
        if each.resolve and not each.skipped:
            hosts.setdefault((each.scheme, each.host, each.path), each)
    return list(hosts.values())


def endpoint(each: Asked) -> str:
    """Return how people write an endpoint: /v2 is left to the imagination, a project is not."""
    return f"{_scheme(each)}://{each.host}{'' if each.path == '/v2' else each.path}"


def _scheme(each: Asked) -> str:
    return "http" if each.http_after_tls else each.scheme


def _manifest_url(found: Resolution, each: Asked) -> str:
    path = next(
        request.path for request in found.requests if request.asked == each and request.kind == "manifests"
    )  # the resolver's own, with `ns`
    return f"{_scheme(each)}://{each.host}{path}"


def _entries(there: Node, found: Resolution) -> dict[tuple[str, str], HostEntry]:
    """Return the entries of the hosts.toml that is used, by host and path; a server without a name is tried last."""
    if not found.directory or not found.reference:
        return {}
    root = posixpath.dirname(found.directory)
    files = hosts_dirs.find(found.reference.host, there.release, [root], there.roots)
    entries = {(each.host, each.path): each for each in (files.server, *reversed(files.hosts))}
    if found.asked and not files.server.host:
        last = found.asked[-1]
        entries.setdefault((last.host, last.path), files.server)
    return entries


def tables(observed: Observation) -> list[Mapping[str, Any]]:
    """Return the registry settings in config.toml and the files that it imports, in the order of reading."""
    found = []
    for each in (observed.config, *observed.imports):
        try:
            found += tables_of(each.text or "")
        except Refusal:
            continue
    return found


def tables_of(text: str) -> list[Mapping[str, Any]]:
    """Return the registry settings in the text of one file; raises Refusal."""
    found = []
    for table in _table(load(text), "plugins").values():
        settings = plain.at(table, ["registry"]) if isinstance(table, Mapping) else None
        if isinstance(settings, Mapping):
            found.append(settings)
    return found


def _config(settings: Sequence[Mapping[str, Any]], host: str) -> Mapping[str, Any]:
    found = [plain.at(table, ["configs", host]) for table in settings]
    return next((each for each in reversed(found) if isinstance(each, Mapping)), {})


def _table(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return what is below a key, if it is the table that containerd takes there."""
    found = settings.get(key)
    return found if isinstance(found, Mapping) else {}


def _last(values: Any) -> str:
    return str(values[-1] if isinstance(values, (list, tuple)) and values else values or "")


def _authorization(auth: Mapping[str, Any]) -> str | None:
    """Return the header for a table `auth`; identity tokens take another way, which is not gone here."""
    if auth.get("username"):
        return _secrets.basic_authorization(str(auth["username"]), str(auth.get("password") or ""))
    return f"Basic {auth['auth']}" if auth.get("auth") else None


def _tls(entry: HostEntry | None, legacy: Mapping[str, Any]) -> Tls:
    if entry and entry.has_tls:
        client = [list(pair) for pair in entry.client or ()]
        return Tls(list(entry.ca or ()), client, bool(entry.skip_verify))
    return Tls(
        ca=[str(legacy["ca_file"])] if legacy.get("ca_file") else [],
        client=[[str(legacy["cert_file"]), str(legacy.get("key_file") or "")]] if legacy.get("cert_file") else [],
        skip_verify=bool(legacy.get("insecure_skip_verify")),
    )
