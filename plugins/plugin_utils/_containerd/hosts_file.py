# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.toml as each containerd release reads it, whoever wrote it (see _plan.hosts_toml for those that we write).

A file that containerd cannot read is not an error there: it logs a line and continues as if there were no file. So the
reader returns, besides the endpoints, why a file is discarded and how that is logged. Source: `parseHostsFile`,
`parseHostConfig` and `getSortedHosts` in remotes/docker/config/hosts.go, with go-toml v1 up to 1.7 and v2 from 2.0 on.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import go_url
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.go_url import Url, UrlError
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import dialects, plain, scan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Entry

CAPABILITIES = ("pull", "resolve", "push", "referrers")

_OPTIONS = ("capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_TOML_WORDS = "…"  # stands for words of the TOML library, which quote the file


class HostEntry(NamedTuple):
    """One registry as a hosts.toml describes it, before the rules for its scheme are applied."""

    written: str  # the URL as the file has it, maybe with a password; "" for a `server` that is not there
    scheme: str
    host: str  # host[:port]; "" means the registry in the image's name, if this is the server entry
    path: str  # /v2 or what the URL and override_path make of it
    capabilities: tuple[str, ...]
    override_path: bool = False
    ca: tuple[str, ...] | None = None  # absolute paths; () is a setting too
    client: tuple[tuple[str, str], ...] | None = None  # absolute paths of certificate and key ("": in one file)
    skip_verify: bool | None = None
    headers: Mapping[str, tuple[str, ...]] = {}  # may hold a secret: never show the values
    dial_timeout: str = ""

    @property
    def has_tls(self) -> bool:
        """Whether any TLS option is set, be it to its default."""
        return self.ca is not None or self.client is not None or self.skip_verify is not None


class HostsFile(NamedTuple):
    """What containerd knows after reading one hosts.toml."""

    hosts: tuple[HostEntry, ...] = ()  # in the order in which they are tried
    server: HostEntry | None = None  # asked after them; None where the file is discarded
    discarded: str | None = None  # why containerd continues as if there were no file
    log: str | None = None  # how it logs that; "…" stands for words of its TOML library
    ignored: tuple[str, ...] = ()  # what is in the file and has no effect
    crash: bool = False  # containerd itself ends with a panic when it reads this file


class _Discard(ValueError):
    """containerd discards the file: the reason and its own words."""

    def __init__(self, reason: str, words: str, crash: bool = False):
        super().__init__(reason)
        self.words = words
        self.crash = crash


def all_capabilities(rel: Release) -> tuple[str, ...]:
    """Return what an endpoint without `capabilities` is used for."""
    return CAPABILITIES if rel.referrers else CAPABILITIES[:3]


def log_line(rel: Release, directory: str, words: str) -> str:
    """Return message and error as containerd logs them for a hosts.toml in `directory`."""
    name = posixpath.join(directory, "hosts.toml") if rel.hosts_log_path else "hosts.toml"
    return f"failed to decode {name}: {words}"


def decode(content: bytes, rel: Release) -> str:
    """Return the text of a file as containerd sees it; raises UnicodeDecodeError where it discards the file."""
    text = content.decode("utf-8", "strict" if rel.hosts_by_header else "replace")
    return text if rel.hosts_by_header else text.removeprefix("\ufeff")


def read_bytes(content: bytes, rel: Release, directory: str) -> HostsFile:
    """Read a hosts.toml as it lies on a node, in `directory` (an absolute path, the base of relative ones)."""
    try:
        return read(decode(content, rel), rel, directory)
    except UnicodeDecodeError as exc:
        reason = f"it is not UTF-8 (byte {exc.start})"
        return HostsFile(discarded=reason, log=log_line(rel, directory, f"toml: {_TOML_WORDS}"))


@lru_cache(maxsize=4096)
def read(text: str, rel: Release, directory: str) -> HostsFile:
    """Read the text of a hosts.toml in `directory`. An empty one is as good as none: the caller looks for that."""
    try:
        return _read(text, rel, directory)
    except _Discard as exc:
        return HostsFile(discarded=str(exc), log=log_line(rel, directory, exc.words), crash=exc.crash)


def _read(text: str, rel: Release, directory: str) -> HostsFile:
    try:
        text, data = dialects.read(text, old=not rel.hosts_by_header)
    except TomlError as exc:
        prefix = "toml: " if rel.hosts_by_header else "failed to parse TOML: "
        raise _Discard(str(exc), prefix + _TOML_WORDS) from exc
    entries = scan.scan(text).entries
    _check_headers(entries, rel)
    _check_dotted(entries, rel)
    _check_host_table(data, rel)
    ordered, tied = _ordered(entries, data, rel)
    _check_types(data, rel)
    tables = {name: table for key in _keys(data, "host", rel) for name, table in data[key].items()}
    hosts = tuple(_endpoint(name, tables.get(name, {}), rel, directory) for name in ordered)
    server = _field(data, "server", rel) or ""
    root = {key: value for key, value in data.items() if key.lower() not in ("server", "host")}
    ignored = [*_ignored(data, tables, ordered, rel)]
    if tied:
        ignored.append("the order of the hosts: several inline tables are tried in random order")
    return HostsFile(hosts, _endpoint(server, root, rel, directory), ignored=tuple(ignored))


def _keys(table: Mapping[str, Any], name: str, rel: Release) -> list[str]:
    """Return the keys that containerd takes for the option `name`: its TOML libraries are lax about capitals."""
    if rel.hosts_by_header:
        return [key for key in table if key.lower() == name]
    return [key for key in (name, name.upper()) if key in table][:1]


def _field(table: Mapping[str, Any], name: str, rel: Release) -> Any:
    keys = _keys(table, name, rel)
    return table[keys[-1]] if keys else None


def _known(rel: Release) -> list[str]:
    known = {"override_path": rel.override_path, "dial_timeout": rel.dial_timeout}
    return [name for name in _OPTIONS if known.get(name, True)]


def _check_headers(entries: list[Entry], rel: Release) -> None:
    """What go-toml v1 cannot read in a table header, quoted or not (`lexInsideTableKey`): an IPv6 address."""
    if rel.hosts_by_header:
        return
    for entry in entries:
        if entry.is_header and any("[" in each or "]" in each for each in entry.written):
            reason = (
                f"its table header [{'.'.join(entry.written)}] has brackets in it, which containerd {rel} cannot read"
            )
            raise _Discard(_secrets.mask_data(reason), f"failed to parse TOML: {_TOML_WORDS}")


def _check_dotted(entries: list[Entry], rel: Release) -> None:
    """What go-toml v2 sets in a copy of a host's options, where skip_verify alone is a pointer (`fieldByIndex`)."""
    seen = set()
    for entry in entries if rel.dotted_skip_verify_fatal else ():
        host, option = entry.path[:2], [each.lower() for each in entry.path[2:]]
        if entry.kind == "pair" and option == ["skip_verify"] and entry.section < 2 and host in seen:
            reason = (
                f"the key {'.'.join(entry.written)} follows another option of its host, which crashes containerd "
                f"{rel}: write it below the header [{'.'.join(host)}]"
            )
            raise _Discard(_secrets.mask_data(reason), "panic", crash=True)
        seen.add(host)


def _check_host_table(data: Mapping[str, Any], rel: Release) -> None:
    """What go-toml v1 finds under `host` before it decodes anything (`getSortedHosts` up to 1.7)."""
    if rel.hosts_by_header:
        return
    hosts = data.get("host")
    if not isinstance(hosts, dict):
        if rel.host_table_required:
            raise _Discard("it has no [host] table", "invalid `host` tree")
        return
    if len(hosts) > 1 and not all(isinstance(each, dict) for each in hosts.values()):
        raise _Discard("an entry below host is not a table, which crashes containerd", "panic", crash=True)


def _check_types(data: Mapping[str, Any], rel: Release) -> None:
    _check_option(data, "server", str, rel)
    _check_option(data, "host", dict, rel)
    _check_table(data, rel)
    for key in _keys(data, "host", rel):
        for name, table in data[key].items():
            if not isinstance(table, dict):
                raise _mistyped(f"host {name!r}", "table", rel)
            _check_table(table, rel)


def _check_table(table: Mapping[str, Any], rel: Release) -> None:
    kinds = {"skip_verify": bool, "override_path": bool, "header": dict, "dial_timeout": str, "capabilities": list}
    for name in _known(rel):
        if name in kinds:
            _check_option(table, name, kinds[name], rel)
    for key in _keys(table, "capabilities", rel):
        if not all(isinstance(each, str) for each in table[key]):
            raise _mistyped("capabilities", "list of strings", rel)


def _check_option(table: Mapping[str, Any], name: str, kind: type, rel: Release) -> None:
    for key in _keys(table, name, rel):
        if not isinstance(table[key], kind):
            raise _mistyped(name, {str: "string", dict: "table", bool: "boolean", list: "list"}[kind], rel)


def _mistyped(what: str, kind: str, rel: Release) -> _Discard:
    return _Discard(f"{what} is not a {kind}", ("toml: " if rel.hosts_by_header else "(") + _TOML_WORDS)


def _ordered(entries: list[Entry], data: Mapping[str, Any], rel: Release) -> tuple[list[str], bool]:
    """Return the hosts in the order in which containerd tries them, and whether chance has a part in it."""
    if rel.hosts_by_header:
        ordered: list[str] = []
        last = ""
        for entry in entries:
            if entry.kind == "table" and len(entry.path) > 1 and entry.path[0] == "host" and entry.path[1] != last:
                last = entry.path[1]
                ordered.append(last)
        return ordered, False
    lines: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if entry.path[:1] == ("host",) and len(entry.path) > (1 if entry.is_header else 2):
            lines.setdefault(entry.path[1], number)
    hosts = data.get("host")
    hosts = list(hosts) if isinstance(hosts, dict) else []
    # go-toml v1 gives an inline table no line of its own, so it comes before all others.
    return sorted(hosts, key=lambda name: lines.get(name, 0)), sum(name not in lines for name in hosts) > 1


def _endpoint(written: str, table: Mapping[str, Any], rel: Release, directory: str) -> HostEntry:
    options = {name: _field(table, name, rel) for name in _known(rel)}
    override = bool(options.get("override_path"))
    url = _url(written, override)
    timeout = options.get("dial_timeout") or ""
    capabilities = _capabilities(options["capabilities"] or [], rel)
    ca, client = _ca(options["ca"], directory), _client(options["client"], directory)
    headers = _headers(options["header"] or {})
    if timeout and not _DURATION.fullmatch(timeout):
        raise _Discard(f"dial_timeout {timeout!r} is not a duration", f"time: {_TOML_WORDS}")
    skip_verify = options["skip_verify"]
    return HostEntry(written, *url, capabilities, override, ca, client, skip_verify, headers, timeout)


def _url(written: str, override: bool) -> Url:
    if not written:
        return Url("", "", "")
    text = written if written.startswith("http") else f"https://{written}"
    try:
        url = go_url.parse(text)
    except UrlError as exc:
        shown = _secrets.mask_data(text)
        words = f"unable to parse server {shown}: parse {go_url.quoted(shown)}: {exc}"
        raise _Discard(f"{shown} is not a URL: {exc}", words) from exc
    path = clean(url.path) if url.path else ""
    if not override and not path.endswith("/v2"):
        path += "/v2"
    return url._replace(path=path)


def clean(path: str) -> str:
    """Return a path as Go's path.Clean does."""
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _capabilities(names: list[str], rel: Release) -> tuple[str, ...]:
    for name in names:
        if name.lower() not in all_capabilities(rel):
            raise _Discard(f"it names the unknown capability {name!r}", f"unknown capability {name}")
    wanted = {name.lower() for name in names}
    return tuple(name for name in all_capabilities(rel) if name in wanted or not wanted)


def _path(name: str, directory: str) -> str:
    return name if name.startswith("/") else clean(f"{directory}/{name}")


def _strings(values: list[Any], what: str) -> list[str]:
    for value in values:
        if not isinstance(value, str):
            raise _Discard(f"{what} contains a value that is not a string", f"unable to cast {_go(value)} to string")
    return values


def _ca(value: Any, directory: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return (_path(value, directory),)
    if isinstance(value, list) and not plain.is_array_of_tables(value):
        return tuple(_path(each, directory) for each in _strings(value, "ca"))
    raise _Discard("ca is neither a string nor a list", f'invalid type {_go(value)} for "ca"')


def _client(value: Any, directory: str) -> tuple[tuple[str, str], ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return ((_path(value, directory), ""),)
    if not isinstance(value, list) or plain.is_array_of_tables(value):
        raise _Discard("client is neither a string nor a list", f'invalid type {_go(value)} for "client"')
    pairs = []
    for each in value:
        if isinstance(each, str):
            pairs.append((_path(each, directory), ""))
        elif isinstance(each, list):
            pair = _strings(each, "client")
            if len(pair) != 2:
                raise _Discard("an entry of client is not a pair", f'invalid pair {_go(each)} for "client"')
            pairs.append((_path(pair[0], directory), _path(pair[1], directory)))
        else:
            raise _Discard("client contains a value that is not a path", f"invalid type {_TOML_WORDS}")
    return tuple(pairs) or None


def _headers(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        if isinstance(value, str):
            headers[name] = (value,)
        elif isinstance(value, list) and not plain.is_array_of_tables(value):
            headers[name] = tuple(_strings(value, f"header {name}"))
        else:
            # The value may be a secret, so it is not quoted as containerd does.
            raise _Discard(f"header {name} is not a string", f"invalid type {_TOML_WORDS}")
    return headers


def _go(value: Any) -> str:
    """Return a value as Go's %v prints it, as far as that is predictable."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{' '.join(map(_go, value))}]"
    return str(value) if isinstance(value, (str, int)) else _TOML_WORDS


def _ignored(data: Mapping[str, Any], tables: Mapping[str, Any], ordered: list[str], rel: Release) -> Iterator[str]:
    """Yield what is in the file and has no effect, in words for people."""
    known = _known(rel)
    for key in data:
        if key.lower() not in ("server", "host", *known):
            yield f"{key}: unknown"
    for name, table in tables.items():
        shown = _secrets.mask_data(name)
        for key in table:
            if key.lower() == "server":
                yield f"server: it is below [host.'{shown}'] and therefore belongs to that table"
            elif key.lower() not in known:
                yield f"{key} of {shown}: unknown"
        if name not in ordered:
            yield f"host {shown}: it has no [host.'{shown}'] header of its own, and containerd sees only such headers"
