# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release does not support: a default is dropped with a warning, an explicitly set value is an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import modes, placement

_PULLING = {"pull", "resolve"}


class Broken(NamedTuple):
    """A setting that cannot apply."""

    option: str
    text: str
    explicit: bool = True
    remedy: str = ""  # instead of an upgrade


def keep(
    wanted: Desired, rel: Release, mode: str, auth_method: str, prefix: str, asked: Mapping[str, Answer] | None = None
) -> tuple[Desired, list[str]]:
    """Return what is left of `wanted` for a node, and warnings; raises Refusal where a value was set explicitly.

    `asked` is what the preflight found, where a node was queried.
    """
    if mode == "legacy" and auth_method == "header":
        raise Refusal(
            f"{prefix}auth_method is header, but containerd {rel} in legacy mode does not support headers: set it to "
            "auto"
        )
    find = _in_legacy_mode if mode == "legacy" else _in_config_path_mode
    found = [
        *find(wanted, rel),
        *_logins(wanted, mode, auth_method),
        *_accounts(wanted, rel, mode, auth_method, (asked or {}).values(), prefix),
    ]
    upgrade = f"set {prefix}mode to auto" if mode == "legacy" and rel.config_path else "upgrade its containerd"
    for each in found:
        if each.explicit:
            way_out = each.remedy.format(prefix=prefix) or upgrade
            raise Refusal(f"{each.text}. Remove {prefix}{each.option} from this node's variables, or {way_out}")
    if mode == "config_path" and not rel.catch_all:
        wanted = wanted._replace(mirrors={name: each for name, each in wanted.mirrors.items() if name != "*"})
    return wanted, list(dict.fromkeys(each.text for each in found))


def check_on(wanted: Desired, rel: Release, mode: str, auth_method: str, prefix: str) -> None:
    """Raise Refusal where a new node with this release could not apply an explicitly set value."""
    keep(wanted, rel, modes.choose_mode(rel, mode, wanted.mirrors, (), prefix), auth_method, prefix)


def _in_legacy_mode(wanted: Desired, rel: Release) -> Iterator[Broken]:
    where = f"containerd {rel} with legacy mirrors"
    for name, mirror in wanted.mirrors.items():
        own = any(each.is_called(name) for each in mirror.endpoints)  # what containerd adds is one of its endpoints
        if mirror.fallback == "none" and mirror.endpoints and not own:
            option = _fallback(wanted, name)
            text = f"{where} always falls back to the public registry when the mirror fails"
            yield Broken(option, text, option in wanted.explicit)
        for option, endpoint in _endpoints(name, mirror):
            if set(endpoint.capabilities) & _PULLING != _PULLING:
                yield Broken(
                    f"{option}.capabilities",
                    f"{where} does not support capabilities: each endpoint is used to pull and to resolve",
                )
            if endpoint.dial_timeout:
                yield Broken(f"{option}.dial_timeout", f"{where} does not support dial_timeout")
    for access in _accesses(wanted):
        if access.has_tls and not rel.tls_tables:
            yield Broken(access.option, f"{where} no longer supports TLS settings")
        elif access.has_tls:
            text = (
                f"TLS settings are in config.toml on containerd {rel} in legacy mode, where containerd 2 ignores them: "
                f"after an upgrade, run this again before anything else"
            )
            yield Broken(access.option, text, explicit=False)
        if any(name != "Authorization" for name in access.headers):
            yield Broken(f"{access.option}.headers", f"{where} does not support headers of an endpoint")


def _in_config_path_mode(wanted: Desired, rel: Release) -> Iterator[Broken]:
    if "*" in wanted.mirrors and not rel.catch_all:
        text = f"containerd {rel} does not support a catch-all: only listed registries are mirrored"
        yield Broken("catch_all", text, "catch_all" in wanted.explicit)
    for name, mirror in wanted.mirrors.items():
        for option, endpoint in _endpoints(name, mirror):
            if endpoint.dial_timeout and not rel.dial_timeout:
                yield Broken(f"{option}.dial_timeout", f"containerd {rel} does not support dial_timeout")
            elif endpoint.dial_timeout and rel.dial_timeout_is_tls and _has_plain_default_port(endpoint):
                text = f"containerd {rel} first tries HTTPS on port 443 for an http:// endpoint with dial_timeout"
                yield Broken(f"{option}.dial_timeout", text, remedy="write its URL with :80")
            if endpoint.is_ipv6 and endpoint in mirror.in_headers and not rel.hosts_by_header:
                text = f"containerd {rel} supports an IPv6 address only as the last endpoint"
                wish = _fallback(wanted, name) if mirror.fallback == "upstream" else option
                yield Broken(wish, text, remedy="give the address a name in DNS")
            if "referrers" in endpoint.capabilities and not rel.referrers:
                text = f"containerd {rel} discards a hosts.toml with the capability referrers"
                yield Broken(f"{option}.capabilities", text)


def _has_plain_default_port(endpoint: Endpoint) -> bool:
    return not endpoint.is_tls and not endpoint.host.rpartition("]")[2].rpartition(":")[1]


def _logins(wanted: Desired, mode: str, auth_method: str) -> Iterator[Broken]:
    remedy = "set {prefix}auth_method to auto"
    for access in _accesses(wanted):
        if "identitytoken" in access.auth and auth_method == "header":
            text = "an identity token can only be stored in config.toml, but auth_method is header"
            yield Broken(f"{access.option}.identity_token", text, remedy=remedy)
        if "Authorization" in access.headers and (mode == "legacy" or auth_method == "config"):
            text = "config.toml can only store a username and password, but auth is a header of another kind"
            yield Broken(f"{access.option}.auth", text, remedy="" if mode == "legacy" else remedy)


def _accounts(
    wanted: Desired, rel: Release, mode: str, auth_method: str, asked: Iterable[Answer], prefix: str
) -> Iterator[Broken]:
    """Two accounts of one host, where config.toml has to hold both: it has one set of credentials for each host."""
    logins: Iterable[tuple[Endpoint, Access]] = ((each, wanted.access_to(each)) for each in wanted.asked())
    if mode != "legacy":
        logins = placement.in_config(wanted, rel, auth_method, asked)
    found = placement.clash(logins)
    if not found:
        return
    if mode == "legacy":
        where = f"containerd {rel} in legacy mode"
    elif auth_method == "config":
        where = "with auth_method config, containerd"
    else:
        where = f"for a registry that requires tokens, containerd {rel}"
    host, other = found.endpoint.host, found.endpoint.other_spelling
    yield Broken(
        found.option,
        f"{where} supports one set of credentials per host, but for {host} {prefix}{found.option} differs from "
        f"{prefix}{found.other}",
        remedy=f"write its URL in {{prefix}}mirrors as {other}, which containerd treats as another host"
        if other
        else f"give {host} a second name in DNS, and write that in {{prefix}}mirrors",
    )


def _fallback(wanted: Desired, name: str) -> str:
    """Return the option that says what is tried after the endpoints of a mirror."""
    own = f"mirrors[{name}].fallback"
    return own if own in wanted.explicit else "fallback"


def _endpoints(name: str, mirror: Mirror) -> Iterator[tuple[str, Endpoint]]:
    for index, endpoint in enumerate(mirror.endpoints):
        yield f"mirrors[{name}].endpoints[{index}]", endpoint


def _accesses(wanted: Desired) -> Iterator[Access]:
    """Yield what each variable says of an endpoint, once."""
    for identity in {each.identity: None for each in wanted.asked()}:
        if identity in wanted.access:
            yield wanted.access[identity]
    yield from {each.access.option: each.access for each in wanted.asked() if each.access.option}.values()
