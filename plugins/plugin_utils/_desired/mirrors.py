# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variable `mirrors`: the endpoints of each upstream in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import access
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror

_KEYS = ("endpoints", "fallback")
_ENDPOINT_KEYS = ("url", "project", "path", "capabilities", "dial_timeout")
_FALLBACKS = ("none", "upstream")


def collect(check: Check, options: Mapping[str, Any]) -> dict[str, Mirror]:
    """Return what the variable `mirrors` says."""
    fallback = options.get("fallback") or "none"
    found = {}
    for name, value in check.mapping("mirrors", options.get("mirrors") or {}).items():
        if name != "*":
            check.namespace("mirrors", name)
        elif options.get("catch_all") is False:
            check.refuse("catch_all", f"false, but {check.prefix}mirrors['*'] is a catch-all: remove one of the two")
        found[str(name)] = _mirror(check, f"mirrors[{name}]", value, fallback)
    return found


def explicit(options: Mapping[str, Any]) -> set[str]:
    """Return the options that `mirrors` sets by hand, of those that have a default."""
    given = options.get("mirrors") or {}
    fallbacks = {name for name, value in given.items() if isinstance(value, Mapping) and value.get("fallback")}
    return {f"mirrors[{name}].fallback" for name in fallbacks} | ({"catch_all"} if "*" in given else set())


def _mirror(check: Check, option: str, value: Any, fallback: str) -> Mirror:
    if isinstance(value, (str, list)):
        value = {"endpoints": value}
    given = check.mapping(option, value, _KEYS)
    fallback = given.get("fallback") or fallback
    if fallback not in _FALLBACKS:
        check.fail(f"{option}.fallback", fallback, "is neither none nor upstream")
    endpoints = given.get("endpoints")
    endpoints = [endpoints] if isinstance(endpoints, str) else endpoints
    if not isinstance(endpoints, list) or not endpoints:
        fix = f"empty list: to pull from this registry directly, list it in {check.prefix}direct"
        check.refuse(f"{option}.endpoints", fix)
    found = [_endpoint(check, f"{option}.endpoints[{index}]", each) for index, each in enumerate(endpoints)]
    for index, each in enumerate(found):
        if each.url in [earlier.url for earlier in found[:index]]:
            check.fail(f"{option}.endpoints[{index}]", each.url, "is listed twice")
    return Mirror(tuple(found), fallback)


def _endpoint(check: Check, option: str, value: Any) -> Endpoint:
    given = check.mapping(option, {"url": value} if isinstance(value, str) else value)
    own = access.beside(check, option, given, _ENDPOINT_KEYS)
    if not given.get("url"):
        check.refuse(f"{option}.url", "not set: give the endpoint's address, such as http://harbor.lan")
    endpoint = check.url(f"{option}.url", given["url"], "username and password of this endpoint")._replace(access=own)
    project, path = given.get("project"), given.get("path")
    if path is not None and (project is not None or endpoint.path != "/v2"):
        check.fail(f"{option}.path", path, "is the complete path: use it without project and without a path in url")
    if path is not None:
        endpoint = endpoint._replace(path=check.path(f"{option}.path", path))
    if project is not None:
        endpoint = endpoint._replace(path=f"{endpoint.path}/{check.project(f'{option}.project', project)}")
    if given.get("capabilities") is not None:
        found = check.capabilities(f"{option}.capabilities", given["capabilities"])
        endpoint = endpoint._replace(capabilities=found)
    if given.get("dial_timeout") is not None:
        endpoint = endpoint._replace(dial_timeout=check.duration(f"{option}.dial_timeout", given["dial_timeout"]))
    return endpoint
