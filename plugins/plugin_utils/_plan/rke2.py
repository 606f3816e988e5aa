# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RKE2's registries.yaml, where it is asked for: for what RKE2 starts with, it reads nothing else.

At its next start it makes hosts.toml files of it, in place of ours for the same upstreams; it is not restarted here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import distributions
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.distributions import Distribution
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Written
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings

_HEADER = "# Written by the Ansible collection airgap.containerd: change its variables, not this file.\n"
_OPTION = "registries_yaml"
_DEFAULT = ("pull", "resolve")
_CLOSED = "disable-default-registry-endpoint: true"


def files(
    wanted: Desired, observed: Observation, settings: Settings, recorded: Mapping[str, Written]
) -> dict[str, str]:
    """Return registries.yaml as `{path: text}`, nothing where it is not asked for or the node is none of RKE2.

    Raises Refusal where it is not ours, or does not support what the variables require.
    """
    own = distributions.named(observed.manager)
    if not settings.registries_yaml or not own or not own.settings:
        return {}
    option = f"{settings.prefix}{_OPTION}"
    if observed.registries is not None and own.registries not in recorded:
        raise Refusal(
            f"{own.registries} exists already and was not written by this role, but {option} is true: move its "
            f"settings to the variables and remove it, or set {option} to false. Nothing was changed"
        )
    for text in _beyond(wanted, observed, own):
        raise Refusal(f"{option} is true, but {text}. Nothing was changed")
    folder = placement.directory(observed.hosts_dir)
    mirrors = {name: {"endpoint": list(_urls(name, each))} for name, each in wanted.mirrors.items() if each.endpoints}
    configs = {host: _config(each) for host, each in placement.legacy_configs(wanted, folder).items()}
    text = json.dumps({"mirrors": mirrors, **({"configs": configs} if configs else {})}, indent=2)
    return {own.registries: f"{_HEADER}{text}\n"}


def is_ours(observed: Observation, recorded: Mapping[str, Written], written: Mapping[str, str]) -> bool:
    """Whether registries.yaml is that of the role, or becomes it."""
    own = distributions.named(observed.manager)
    return bool(own and own.settings and (own.registries in recorded or own.registries in written))


def warning(observed: Observation, before: Mapping[str, Written], after: Mapping[str, Written], text: str) -> list[str]:
    """Say that RKE2 has to be restarted, where it does not know its registries.yaml as it is to be.

    `before` and `after` are the record's files, `text` is what the file is to hold.
    """
    own = distributions.named(observed.manager)
    if not own or not own.settings or own.registries not in {**before, **after}:
        return []
    services = " or ".join(own.services)
    if own.registries not in after:
        return [
            f"{own.registries} is removed: restart {services} on this node, which also removes its hosts.toml files, "
            "and then run this again immediately"
        ]
    if (observed.registries or b"") == text.encode() and observed.reads_registries:
        return []
    return [f"{own.registries} is read when RKE2 starts: restart {services} on this node, which this role does not do"]


def _urls(name: str, mirror: Mirror) -> Iterator[str]:
    """Yield the endpoints as registries.yaml has them: a path is taken as it is, /v2 for none."""
    for each in mirror.endpoints:
        yield each.base if each.path == "/v2" else f"{each.base}{each.path}"
    upstream = mirror.upstream(name)
    if mirror.fallback == "upstream" and upstream and upstream not in mirror.endpoints:
        yield upstream.base


def _config(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of `configs` with the keys that registries.yaml has for it."""
    auth = {
        ("identity_token" if key == "identitytoken" else key): value for key, value in table.get("auth", {}).items()
    }
    return {**({"auth": auth} if auth else {}), **({"tls": table["tls"]} if "tls" in table else {})}


def _beyond(wanted: Desired, observed: Observation, own: Distribution) -> Iterator[str]:
    """Yield what registries.yaml cannot express."""
    closed = [name for name, each in wanted.mirrors.items() if each.endpoints and _is_closed(name, each)]
    if closed and not observed.fallback_is_off:
        yield (
            f"RKE2 falls back to the public registry for {closed[0]} and all others in registries.yaml: set {_CLOSED} "
            f"in {own.settings}, or set fallback to upstream"
        )
    logins = [(each, wanted.access_to(each)) for each in wanted.asked()]
    clash = placement.clash(logins)
    if clash:
        host = clash.endpoint.host
        yield f"registries.yaml supports one set of credentials per host, and {clash.option} differs for {host}"
    for endpoint, access in logins:
        if access.headers:
            yield f"registries.yaml does not support the headers of {endpoint.host}"
        if not _is_plain(endpoint):
            yield f"registries.yaml supports neither capabilities nor dial_timeout, which {endpoint.base} has"


def _is_closed(name: str, mirror: Mirror) -> bool:
    """Whether the registry itself must not be contacted, and is none of the endpoints."""
    return mirror.fallback == "none" and not mirror.is_own(name)


def _is_plain(endpoint: Endpoint) -> bool:
    return set(endpoint.capabilities or _DEFAULT) == set(_DEFAULT) and not endpoint.dial_timeout
