# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials, headers and TLS: of the variable `endpoints`, keyed by the endpoint, and of an endpoint of a mirror."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import pem
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import HEADER, Check, is_host
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.pem import Read
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import (
    NO_ACCESS,
    Access,
    Endpoint,
    Mirror,
    asked,
    identity,
)

_LOGINS = {"username": "username", "password": "username", "identity_token": "identity_token", "auth": "auth"}
_KEYS = (*_LOGINS, "headers", "ca", "client_cert", "client_key", "skip_verify", "remote_src")

BESIDE = ("username", "password", "auth", "headers")
"""What can be set for one endpoint of a mirror, or for a project."""


def collect(
    check: Check, options: Mapping[str, Any], mirrors: Mapping[str, Mirror], read: Read
) -> tuple[dict[str, Access], list[str]]:
    """Return what the variables `endpoints`, `username` and `password` say, keyed by identity, and warnings."""
    used = {each.identity: each for each in asked(mirrors)}
    found: dict[str, Access] = {}
    keys: dict[str, str] = {}
    warnings = []
    for key, value in check.mapping("endpoints", options.get("endpoints") or {}).items():
        name = _identity(check, key, used)
        if name in keys:
            check.refuse(f"endpoints[{key}]", f"is the same endpoint as endpoints[{keys[name]}]: keep one of the two")
        keys[name] = key
        found[name] = _parse(check, f"endpoints[{key}]", value, read)
        if found[name].has_login:
            _check_upstream(check, key, mirrors)
        if name in used and not used[name].is_tls and found[name].has_tls:
            check.refuse(
                f"endpoints[{key}]",
                f"TLS settings cannot apply to {used[name].base}: use https:// in the URL, or remove them",
            )
        if name not in used:
            warnings.append(f"{check.prefix}endpoints[{key}] is not an endpoint of any mirror, so nothing uses it")
    login = check.login("", options.get("username"), options.get("password"))
    if login:
        name = identity(options["url"])
        given = found.get(name, NO_ACCESS)
        if given.has_login:
            fix = (
                f"has credentials, and so have {check.prefix}username and {check.prefix}password for the same registry"
            )
            check.refuse(f"endpoints[{keys[name]}]", f"{fix}: keep one of them")
        found[name] = given._replace(auth=login)
    return found, warnings


def beside(check: Check, option: str, value: Mapping[str, Any], keys: tuple[str, ...]) -> Access:
    """Return what stands of BESIDE in a mapping, whose other `keys` are not looked at; `option` names the mapping."""
    for key in value:
        if key in _KEYS and key not in BESIDE:
            check.refuse(f"{option}.{key}", f"is for a whole host: write it as {check.prefix}endpoints[HOST].{key}")
    check.mapping(option, value, (*keys, *BESIDE))
    given = {key: value[key] for key in BESIDE if value.get(key) is not None}
    if not given:
        return NO_ACCESS
    auth, prepared = _login(check, option, given)
    headers = _headers(check, f"{option}.headers", given.get("headers") or {})
    return Access(option, auth, headers={**headers, **prepared})


def _identity(check: Check, key: Any, used: Mapping[str, Endpoint]) -> str:
    """Return which endpoint a key of `endpoints` names: a URL, or host[:port]."""
    if isinstance(key, str) and "://" in key:
        return check.url("endpoints", key).identity
    if not isinstance(key, str) or "@" in key:
        check.refuse("endpoints", "a key is not an endpoint: write the URL or host[:port], without user or password")
    if not is_host(key):
        check.fail("endpoints", key, "is not an endpoint: write the URL or host[:port]")
    found = sorted({identity(f"{scheme}://{key}") for scheme in ("https", "http")} & set(used))
    if len(found) > 1:
        check.fail("endpoints", key, f"can be http://{key} or https://{key}, which are both used: write the URL")
    return found[0] if found else identity(f"https://{key}")


def _check_upstream(check: Check, key: str, mirrors: Mapping[str, Mirror]) -> None:
    """Refuse credentials under an upstream's name, as other tools expect: containerd looks under the endpoint's."""
    mirror = mirrors.get(key)
    if not mirror or not mirror.endpoints or any(each.is_called(key) for each in mirror.endpoints):
        return
    own = "registry-1.docker.io" if key == "docker.io" else f"https://{key}"
    check.refuse(
        f"endpoints[{key}]",
        f"{key} is an upstream, whose images come from {mirror.endpoints[0].base}: write the credentials under "
        f"endpoints[{mirror.endpoints[0].host}], or those for {key} itself under endpoints[{own}]",
    )


def _parse(check: Check, option: str, value: Any, read: Read) -> Access:
    """Check the settings of one endpoint and return them; `option` names them in messages."""
    given = {key: each for key, each in check.mapping(option, value, _KEYS).items() if each is not None}
    headers = _headers(check, f"{option}.headers", given.get("headers") or {})
    auth, prepared = _login(check, option, given)
    return Access(option, auth, headers={**headers, **prepared}, **_tls(check, option, given, read))


def _login(check: Check, option: str, given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the credentials as a table for `configs."HOST".auth`, or as a header where that cannot hold it."""
    kinds = sorted({kind for key, kind in _LOGINS.items() if key in given})
    if len(kinds) > 1:
        check.refuse(option, f"has two sets of credentials, {' and '.join(kinds)}: keep one of them")
    if "identity_token" in given:
        return {"identitytoken": check.text(f"{option}.identity_token", given["identity_token"])}, {}
    if "auth" in given:
        return _prepared(check, f"{option}.auth", check.text(f"{option}.auth", given["auth"]))
    return check.login(f"{option}.", given.get("username"), given.get("password")), {}


def _prepared(check: Check, option: str, text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Read a prepared Authorization header, or the base64 in it."""
    scheme, blank, rest = text.partition(" ")
    if blank and scheme.lower() != "basic":
        return {}, {"Authorization": text}
    encoded = rest if blank else text
    try:
        account = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        account = ""
    if ":" not in account:
        check.refuse(option, "is neither base64 of USER:PASSWORD nor the value of an Authorization header")
    return {"auth": encoded}, {}


def _headers(check: Check, option: str, value: Any) -> dict[str, Any]:
    found: dict[str, str | list[str]] = {}
    for name, content in check.mapping(option, value).items():
        if not isinstance(name, str) or not HEADER.fullmatch(name):
            check.fail(option, name, "is not a header's name")
        if name.lower() == "authorization":
            check.refuse(f"{option}[{name}]", "credentials do not belong in headers: write the value as auth instead")
        if isinstance(content, list):
            found[str(name)] = [check.text(f"{option}[{name}]", each) for each in content]
        else:
            found[str(name)] = check.text(f"{option}[{name}]", content)
    return found


def _tls(check: Check, option: str, given: Mapping[str, Any], read: Read) -> dict[str, Any]:
    on_node = check.boolean(f"{option}.remote_src", given.get("remote_src", False))
    found = {
        key: pem.take(check, f"{option}.{key}", given[key], on_node, read)
        for key in ("ca", "client_cert", "client_key")
        if key in given
    }
    certificate, key = found.get("client_cert"), found.get("client_key")
    if key and not certificate:
        check.refuse(f"{option}.client_cert", "not set, but client_key is: set both or neither")
    if certificate and not key:
        if certificate.text and not pem.holds_key(certificate.text):
            check.refuse(f"{option}.client_key", "not set, and client_cert does not contain a private key")
        found["client_key"] = key = certificate
    ca = found.get("ca")
    if ca and ca.text:
        pem.check_ca(check, f"{option}.ca", ca.text)
    if certificate and certificate.text and key and key.text:
        pem.check_pair(check, option, certificate.text, key.text)
    return {**found, "skip_verify": check.boolean(f"{option}.skip_verify", given.get("skip_verify", False))}
