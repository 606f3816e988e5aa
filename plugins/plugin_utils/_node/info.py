# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node runs, as `containerd_info` shows it, with every secret masked."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import imports, releases, support
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.support import Support
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    Engine,
    File,
    Observation,
    TreeFile,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load


def _parsed(content: bytes | None) -> Any:
    """Return a TOML file as data, a remark where it is none, or None where there is no file."""
    if content is None:
        return None
    try:
        return diffs.fit_for_a_result(load(content.decode("utf-8")))
    except (TomlError, UnicodeDecodeError) as exc:
        return f"not TOML: {exc}"


def _sets_registry(data: Any) -> bool:
    plugins = data.get("plugins") if isinstance(data, dict) else None
    return isinstance(plugins, dict) and any(
        isinstance(table, dict) and "registry" in table for table in plugins.values()
    )


def _namespace(file: TreeFile | None) -> Any:
    """Return what a hosts.toml says, as data."""
    if file and file.content is None and file.link:
        return f"a symbolic link to {file.link}, which is not followed"
    return _parsed(file.content) if file else None


def _origins(observed: Observation, sources: Sequence[File]) -> dict[str, Any]:
    """Return which file sets each registry setting, and which ones have no effect and why."""
    found: dict[str, Any] = {"settings": [], "without_effect": []}
    try:
        rel = releases.release(releases.parse(observed.version or ""))
        files: dict[str, Source] = {each.path: Source(each.path, each.data()) for each in sources}
        combined = imports.combine(imports.in_order(observed.config.path, files, rel)[0], rel)
    except Refusal:
        return found  # what is wrong with it is in `error` and in the files
    for path, each in combined.settings.items():
        if "registry" in path:
            value = plain.at(diffs.fit_for_a_result(plain.nested(list(path), each.value)), path)
            found["settings"].append({"path": list(path), "value": value, "file": each.origin})
    for lost in combined.lost:
        if "registry" in lost.place:
            found["without_effect"].append({"path": list(lost.place), "file": lost.origin, "reason": lost.why})
    return found


def supported(observed: Observation, today: str) -> Support | None:
    """Return how long its release is supported; None where there is none, or an unknown one."""
    try:
        return support.support(observed.version or "", today, bool(observed.effective.mirrors))
    except Refusal:
        return None


def info(observed: Observation, today: str) -> dict[str, Any]:
    """Return what a node runs, as `containerd_info` shows it on a day (YYYY-MM-DD)."""
    effective, unit, known = observed.effective, observed.unit, supported(observed, today)
    sources = [observed.config, *observed.imports] if observed.config.content is not None else []
    files = [
        {"path": str(each.path), "origin": "import" if number else "main", "data": _parsed(each.content)}
        for number, each in enumerate(sources)
    ]
    return {
        "version": releases.dotted(releases.parse(observed.version)) if observed.version else None,
        "support": {name: value for name, value in known._asdict().items() if name != "warnings"} if known else None,
        "binary": observed.binary,
        "distribution": observed.distribution,
        "service": {"found": unit.found, "active": unit.active, "kill_mode": unit.kill_mode},
        "running": observed.daemon is not None,
        "socket": observed.socket,
        "cri": {"loaded": observed.cri_error is None, "reason": observed.cri_error},
        "restart_due": observed.restart_due,
        "config_file": str(observed.config.path),
        "files": files,
        "registry": {
            "error": effective.error,
            # Unknown without containerd.
            "config_path": effective.config_path if observed.version else None,
            "mirrors": diffs.fit_for_a_result(effective.mirrors) if observed.version else None,
            "configs": {host: {"auth": bool(each.auth), "tls": each.tls} for host, each in effective.configs.items()},
            "set_by": [each["path"] for each in files if _sets_registry(each["data"])],
            **_origins(observed, sources),
        },
        "engine": _engine(observed.engine),
        "hosts_dir": str(observed.hosts_dir),
        "namespaces": {
            name: _namespace(observed.hosts.files.get(f"{name}/hosts.toml")) for name in observed.hosts.directories
        },
        "managed": _managed(observed),
    }


def _engine(engine: Engine | None) -> dict[str, Any] | None:
    """Return what decides beside its hosts.toml files where a Docker Engine pulls from; None for a containerd."""
    if not engine:
        return None
    known = {"registry_mirrors": engine.registries.mirrors, "insecure_registries": engine.registries.insecure}
    return {"reads_hosts": engine.reads_hosts, **diffs.fit_for_a_result({key: list(known[key]) for key in known})}


def _managed(observed: Observation) -> list[str]:
    """Return the files of the role that this containerd reads, or this Docker."""
    recorded = observed.record.files if isinstance(observed.record, Record) else {}
    dockers = {path for path in recorded if path.startswith(f"{posixpath.dirname(places.DOCKER_HOSTS_DIR)}/")}
    return sorted(dockers if observed.engine else {*recorded} - dockers)
