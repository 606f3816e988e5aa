# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the user's variables to what every node should do, for any containerd: checked once, on the control node."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, NamedTuple

from ansible import errors

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import access, given, mirrors, names, projects
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import (
    ARGUMENT_SPEC,
    from_variables,
    undefined,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.pem import Read
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.projects import Project
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import (
    NO_ACCESS,
    Access,
    Endpoint,
    Mirror,
    asked,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain


class Desired(NamedTuple):
    """All that the variables say, independent of any node."""

    mirrors: dict[str, Mirror]  # keyed by host namespace, "*" for all others
    access: dict[str, Access]  # keyed by the endpoint's identity, host:port
    explicit: frozenset[str]  # options that were set by hand: what a release cannot keep of them is an error
    warnings: tuple[str, ...]

    def access_to(self, endpoint: Endpoint) -> Access:
        """Return the credentials and TLS settings of an endpoint."""
        return endpoint.access.over(self.access.get(endpoint.identity, NO_ACCESS))

    def asked(self) -> Iterator[Endpoint]:
        """Yield every endpoint of every mirror and the registries themselves where they are used too."""
        return asked(self.mirrors)


def merged(
    options: Mapping[str, Any],
    prefix: str,
    variables: Mapping[str, Any],
    template: Callable[[Any], Any] = lambda value: value,
) -> dict[str, Any]:
    """Return options with all variables added that begin with the name of a mapping or list, in their names' order.

    Without a prefix (a module's own options) there are no such variables. Raises Refusal.
    """
    found = dict(options)
    for option in names.ADDING_UP if prefix else ():
        for name in sorted(each for each in variables if str(each).startswith(f"{prefix}{option}_")):
            try:
                rendered = template(variables[name])
            except errors.AnsibleUndefinedVariable as exc:
                raise undefined(name, exc) from exc
            value = given.typed({name: ARGUMENT_SPEC[option]}, {name: rendered}, "").get(name)
            if isinstance(value, list):
                found[option] = list(dict.fromkeys([*found[option], *value]))
            elif value is not None:
                before = projects.below(found[option], value) if option == "projects" else found[option]
                found[option] = plain.deep_merge(copy.deepcopy(before), value)
    return found


def of_variables(prefix: str, variables: Mapping[str, Any], templar: Any) -> dict[str, Any]:
    """Return the role's options as variables with a prefix set them, `merged`; raises Refusal and AnsibleError."""
    set_by_user = given.typed(ARGUMENT_SPEC, from_variables(ARGUMENT_SPEC, prefix, variables, templar), prefix)
    options = {**{name: about.get("default") for name, about in ARGUMENT_SPEC.items()}, **set_by_user}
    return merged(options, prefix, variables, templar.template)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as handle:
        return handle.read()


def desired(options: Mapping[str, Any], prefix: str = "", read: Read = _read) -> Desired:
    """Return what `options` ask for; `prefix` is put before their names in messages. Raises Refusal.

    Options: `url`, `username`, `password`, `upstreams`, `extra_upstreams`, `projects`, `catch_all`, `direct`,
    `fallback`, `mirrors`, `endpoints`; None stands for "not set". `read` returns a file of the control node.
    """
    check = Check(prefix)
    full = mirrors.collect(check, options)
    if options.get("url"):
        derived, warnings = _derived(check, options, full)
    else:
        derived, warnings = {}, []
        _check_without_url(check, options, full)
    wanted = {**derived, **full, **_direct(check, options, {**derived, **full})}
    for endpoint in [each for mirror in wanted.values() for each in mirror.endpoints]:
        own = Mirror((endpoint.root,))  # its own images, or the catch-all would take them
        for name in endpoint.names:
            if endpoint.host.startswith(name) or "*" not in wanted or wanted["*"].endpoints != own.endpoints:
                wanted.setdefault(name, own)
    if not wanted:
        check.refuse("url", "not set: give the internal registry's address, such as http://harbor.lan")
    logins, more = access.collect(check, options, wanted, read)
    wanted.update(_own_images(wanted, {*full, *(options.get("direct") or [])}, logins))
    warnings += [
        f"{prefix}mirrors[{name}] has no endpoint with the capability resolve: images can be pulled by digest, not by "
        "tag"
        for name, mirror in full.items()
        if mirror.fallback == "none" and not any("resolve" in each.capabilities for each in mirror.endpoints)
    ]
    explicit = {name for name in ("fallback", "catch_all") if options.get(name) is not None}
    explicit |= mirrors.explicit(options)
    return Desired(dict(sorted(wanted.items())), logins, frozenset(explicit), tuple(warnings + more))


def _derived(
    check: Check, options: Mapping[str, Any], full: Mapping[str, Mirror]
) -> tuple[dict[str, Mirror], list[str]]:
    """Return the mirrors that follow from `url`, and warnings; `full` are those that `mirrors` gives instead."""
    base = check.url("url", options["url"], f"{check.prefix}username and {check.prefix}password")
    _check_path(check, options["url"], base)
    named = projects.collect(check, options.get("projects") or {})
    asked = [check.namespace("extra_upstreams", name) for name in options.get("extra_upstreams") or []]
    asked += [name for name in named if name != "*"]
    for name in named:
        if base.is_called(name):
            check.fail("projects", name, "is the internal registry itself; its own images already contain the project")
    upstreams = [check.namespace("upstreams", name) for name in options.get("upstreams") or []] + asked
    fallback = options.get("fallback") or "none"

    def mirror(project: Project) -> Mirror:
        path = f"{base.path}/{project.path}" if project.path else base.path
        return Mirror((base._replace(path=path, access=project.access),), fallback)

    upstreams = [name for name in dict.fromkeys(upstreams) if not base.is_called(name)]
    every_other = named.get("*", Project())
    found = {name: mirror(named.get(name, every_other)) for name in upstreams}
    found.update((name, Mirror((base,))) for name in base.names if name == base.host)
    if options.get("catch_all") is not False:
        found["*"] = mirror(every_other)
    kept = {name: each for name, each in found.items() if name not in {*full, *(options.get("direct") or [])}}
    warnings = _warnings(named, kept, check.prefix)
    if base.host not in base.names:
        fix = f"no image name begins with it: its own images can only be pulled as {base.names[0]}/PROJECT/IMAGE"
        warnings.append(f"{check.prefix}url: {base.host!r} has no dot and no port, so {fix}")
    return found, warnings


def _own_images(wanted: Mapping[str, Mirror], given: Container[str], logins: Mapping[str, Access]) -> dict[str, Mirror]:
    """Return what changes for registries' own images: without their own credentials they use the only ones."""
    by_mirrors: dict[str, list[Access]] = {}
    for each in (each for mirror in wanted.values() for each in mirror.endpoints if each.access.has_login):
        known = by_mirrors.setdefault(each.identity, [])
        if each.access._replace(option="") not in [other._replace(option="") for other in known]:
            known.append(each.access)
    found = {}
    for name, mirror in wanted.items():
        endpoint = mirror.endpoints[0] if mirror.is_own(name) and name not in given else None
        known = by_mirrors.get(endpoint.identity, []) if endpoint else []
        if endpoint and len(known) == 1 and not logins.get(endpoint.identity, NO_ACCESS).has_login:
            found[name] = mirror._replace(endpoints=(endpoint._replace(access=known[0]),))
    return found


def _check_path(check: Check, url: str, base: Endpoint) -> None:
    """Refuse a project in the URL: it would be one for the registry's own images too, which name theirs."""
    front, v2, project = base.path.partition("/v2/")
    if v2:
        fix = f"write {base.base}{front}, and the project in {check.prefix}projects, such as {{'*': {project}}}"
        check.fail("url", url, f"contains a project after /v2, where the URL of a registry must end: {fix}")


def _direct(check: Check, options: Mapping[str, Any], mirrored: Mapping[str, Mirror]) -> dict[str, Mirror]:
    """Return the registries that are left alone, as mirrors without endpoints."""
    asked = {*(options.get("mirrors") or {}), *(options.get("projects") or {}), *(options.get("extra_upstreams") or [])}
    endpoints = [each for mirror in mirrored.values() for each in mirror.endpoints]
    for name in options.get("direct") or []:
        if check.namespace("direct", name) in asked or any(each.is_called(name) for each in endpoints):
            fix = f"is also mirrored: remove it from {check.prefix}direct or from the other variables"
            check.fail("direct", name, fix)
    return {name: Mirror((), "upstream") for name in options.get("direct") or []}


def _check_without_url(check: Check, options: Mapping[str, Any], full: Mapping[str, Mirror]) -> None:
    """Refuse what makes no sense without the internal registry's URL."""
    for name in ("username", "password", "extra_upstreams", "projects"):
        if options.get(name):
            check.refuse("url", f"not set, but {check.prefix}{name} is: give the internal registry's address")
    if options.get("catch_all") and "*" not in full:
        check.refuse("url", f"not set, but {check.prefix}catch_all is: set it, or {check.prefix}mirrors['*']")


def _warnings(named: Mapping[str, Project], derived: Mapping[str, Mirror], prefix: str) -> list[str]:
    flat = [name for name, each in derived.items() if not each.endpoints[0].overrides_path]
    if not named or "*" in named or len(flat) <= 1:
        return []
    return [
        f"{prefix}projects has no '*', so images of unlisted registries are requested without a project, which Harbor "
        "refuses: add '*' with the project for all other registries"
    ]
