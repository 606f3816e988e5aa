# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Engine: the same hosts.toml files in a directory of its own, and nothing else.

What it cannot do is refused: an engine or an image store that reads no such files would go to the internet, and where a
file names exactly one endpoint, daemon.json's settings are put on top of it (`mergeLegacyConfig` in daemon/hosts.go).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    Engine,
    EngineRegistries,
    Observation,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import (
    Answer,
    CarriedTables,
    Record,
    Written,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import TreePlan

_STORE = '{"features": {"containerd-snapshotter": true}}'


def check(observed: Observation, wanted: Desired, prefix: str) -> None:
    """Refuse a Docker that would not pull from where hosts.toml files say. Raises Refusal."""
    check_engine(observed, prefix)
    if observed.engine:
        _check_settings(observed.engine, wanted)


def check_engine(observed: Observation, prefix: str) -> None:
    """Refuse a Docker that does not read hosts.toml files, or of which that is unknown. Raises Refusal."""
    engine = observed.engine
    if not engine:
        return
    leave = f"set {prefix}docker to false for this node to leave Docker alone"
    if not observed.version:
        raise Refusal(
            f"Docker is installed on this node, and what it reads is unknown while {observed.version_error}: start it, "
            "or "
            f"{leave}. Nothing was changed"
        )
    version = releases.parse(observed.version)
    if version < releases.OLDEST_ENGINE:
        raise Refusal(
            f"Docker {releases.dotted(version)} does not read hosts.toml files, and its registry-mirrors apply only to "
            f"docker.io and fall back to it: upgrade it to 28 or later with the containerd image store, or {leave}. "
            "Nothing "
            f"was changed"
        )
    if not engine.reads_hosts:
        raise Refusal(
            f"Docker {releases.dotted(version)} uses its classic image store and does not read hosts.toml files with "
            f"it: switch to the containerd image store with {_STORE} in {places.DOCKER_CONFIG} and restart it "
            f"(images in the old store are not shown then), or {leave}. Nothing was changed"
        )


def _check_settings(engine: Engine, wanted: Desired) -> None:
    """Refuse settings that Docker puts on top of a hosts.toml with exactly one endpoint. Raises Refusal."""
    way_out = f"from {places.DOCKER_CONFIG} and from dockerd's command line, and reload Docker. Nothing was changed"
    hub = wanted.mirrors.get("docker.io", wanted.mirrors.get("*"))
    for registries, where in (
        (engine.registries, "Docker runs with"),
        (_on_disk(engine), f"{places.DOCKER_CONFIG} has"),
    ):
        if registries.mirrors and hub and _is_single(hub):
            shown = ", ".join(_secrets.quoted(each) for each in registries.mirrors)
            raise Refusal(
                f"{where} registry-mirrors ({shown}), which it would use for docker.io instead of the single endpoint "
                f"in its hosts.toml: remove registry-mirrors {way_out}"
            )
        for endpoint in (mirror.endpoints[0] for mirror in wanted.mirrors.values() if _is_single(mirror)):
            entry = _insecure(endpoint, registries.insecure) if endpoint.is_tls else None
            if entry:
                raise Refusal(
                    f"{where} insecure-registries with {entry}, so it may accept any certificate of {endpoint.host}, "
                    f"and plain HTTP: remove that {way_out}"
                )


def _is_single(mirror: Mirror) -> bool:
    """Whether a hosts.toml names exactly one endpoint."""
    return len(mirror.endpoints) == 1 and not mirror.in_headers


def _insecure(endpoint: Endpoint, entries: tuple[str, ...]) -> str | None:
    """Return the entry that Docker may take this endpoint for an insecure registry by, or None.

    It looks names up and compares their addresses, which are unknown here: then any network counts but loopback.
    """
    name = urlsplit(endpoint.base).hostname or ""
    for each in entries:
        if each in (endpoint.host, name):
            return each
        try:
            network = ipaddress.ip_network(each, strict=False)
        except ValueError:
            continue
        try:
            is_in = ipaddress.ip_address(name) in network
        except ValueError:
            is_in = not network.is_loopback
        if is_in:
            return each
    return None


def _on_disk(engine: Engine) -> EngineRegistries:
    """Return what the next start takes from daemon.json; raises Refusal where that is none."""
    try:
        data = json.loads((engine.file or b"{}").decode("utf-8") or "{}")
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, Mapping):
        raise Refusal(
            f"{places.DOCKER_CONFIG} is not a JSON object, so Docker does not start with it: correct it. Nothing was "
            f"changed"
        )
    if _feature(data) is False:
        raise Refusal(
            f"{places.DOCKER_CONFIG} disables the containerd image store, so Docker does not read hosts.toml files "
            "after its next start: set containerd-snapshotter to true in features. Nothing was changed"
        )
    return EngineRegistries(_texts(data.get("registry-mirrors")), _texts(data.get("insecure-registries")))


def _feature(data: Mapping[str, Any]) -> Any:
    features = data.get("features")
    return features.get("containerd-snapshotter") if isinstance(features, Mapping) else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def check_logins(kept: Desired, rel: Release, found: Settings, asked: Mapping[str, Answer]) -> None:
    """Refuse credentials that no hosts.toml can carry: Docker has no other place for them. Raises Refusal."""
    endpoint = next((each for each, dummy in placement.in_config(kept, rel, found.auth_method, asked.values())), None)
    if endpoint and found.auth_method == "config":
        raise Refusal(
            f"{found.prefix}auth_method is config, but Docker supports credentials for a mirror only as a header in "
            "hosts.toml: set it to auto. Nothing was changed"
        )
    if endpoint:
        raise Refusal(
            f"{endpoint.host} requires tokens, or has an identity token as its credentials, but Docker sends "
            "credentials to a mirror only as a header: allow anonymous pulls, use a registry that accepts a username "
            "and password, or set"
            f" {found.prefix}docker to false for this node. Nothing was changed"
        )


def own_record(observed: Observation, record: Record) -> Record:
    """Return a node's record without what is about the config.toml of another containerd."""
    if not observed.engine:
        return record
    return record._replace(carried={}, carried_legacy=CarriedTables(), config=None)


def beside(observed: Observation) -> Observation:
    """Return Docker as one containerd of a node that has another: the files of that one are none of its own."""
    found, record = observed.docker or observed, observed.record
    if isinstance(record, Record):
        record = record._replace(files={path: each for path, each in record.files.items() if is_dockers(path)})
    return found._replace(record=record)


def ours(observed: Observation, recorded: Mapping[str, Written]) -> dict[str, Written]:
    """Return the recorded files without those of Docker, where that is planned for by itself."""
    return {path: each for path, each in recorded.items() if not (observed.docker and is_dockers(path))}


def is_dockers(path: str) -> bool:
    """Whether a file of the role is for Docker."""
    folders = (places.DOCKER_HOSTS_DIR, placement.directory(places.DOCKER_HOSTS_DIR))
    return path.startswith(tuple(f"{each}/" for each in folders))


def joined(planned: TreePlan, dockers: TreePlan) -> TreePlan:
    """Return the changes of both trees as one."""
    return TreePlan(
        writes={**planned.writes, **dockers.writes},
        removes=[*planned.removes, *dockers.removes],
        directories=[*planned.directories, *dockers.directories],
        before={**planned.before, **dockers.before},
        edited=[*planned.edited, *dockers.edited],
        files={**planned.files, **dockers.files},
        warnings=[*planned.warnings, *dockers.warnings],
        shared={**planned.shared, **dockers.shared},
    )
