# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a plan: a diff and a sentence, with every secret masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    imports,
    node,
    plain,
    releases,
    reply,
    secrets,
    toml_edit,
    tree,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils.plan import Plan, restart_due


def _shown(path: str, text: str) -> str:
    """Return a file's text as people may see it: certificates are no secret, everything else can hold one."""
    return text if path.endswith(".crt") else secrets.mask_toml(text)


def file_diff(path: str, before: str | None, after: str | None) -> dict[str, str]:
    """Return one entry of an Ansible diff; None stands for "no file". A secret that changes is said to."""
    old, new = (_shown(path, text or "") for text in (before, after))
    note = " (only a secret changes)" if before and after and before != after and old == new else ""
    return {
        "before_header": path if before is not None else f"{path} (absent)",
        "after_header": (path if after is not None else f"{path} (absent)") + note,
        "before": old,
        "after": new + ("# a secret in this file changes\n" if note else ""),
    }


def tree_diff(planned: tree.Tree) -> list[dict[str, str]]:
    """Return the diff of every hosts.toml that changes."""
    written = [file_diff(path, planned.before.get(path), text) for path, text in planned.writes.items()]
    return written + [file_diff(path, planned.before[path], None) for path in planned.removes]


def diff(plan: Plan) -> list[dict[str, str]]:
    """Return the diff of every file that the plan changes."""
    config = [file_diff(plan.config_path, plan.config_before, plan.config_after)] if plan.config_changed else []
    return tree_diff(plan.tree) + config


def changes(before: str | None, after: str | None) -> list[dict[str, Any]]:
    """Return the keys of a TOML text that change, with their values, secrets masked and dates as text."""
    old, new = (secrets.mask_data(toml_edit.load(text or "")) for text in (before, after))
    return _plain(toml_edit.changes(old, new))


def sentence(plan: Plan, hosts_dir: str, source: str, restart: str) -> str:
    """Say in one line what a node runs and does, for people who read hundreds of them."""
    if plan.mode is None:
        if plan.restores:
            done = f"the files are those of before the run of {plan.since}"
        elif not plan.forgets:
            done = "there is no run to undo, or the last one is undone already"
        else:
            done = "what this role wrote is taken back" if plan.changed else "nothing of this role is here"
        return f"containerd {plan.version}: {done}; {restart}"
    where = f"{hosts_dir} (config_path)" if plan.mode == "config_path" else f"{plan.config_path} (legacy mirrors)"
    named = [name for name in plan.namespaces if name != "*"]
    rest = " and every other one" if "*" in plan.namespaces else ""
    return f"containerd {plan.version}: {len(named)} registries{rest} from {source}, in {where}; {restart}"


def _plain(data: Any) -> Any:
    """Return data with secrets masked and dates as text, fit for a task's result."""
    return json.loads(json.dumps(secrets.mask_data(data), default=str))


def _parsed(word: str | None) -> Any:
    """Return a travelled TOML file as data, a remark where it is none, or None where there is no file."""
    if word is None:
        return None
    try:
        return _plain(toml_edit.load(node.text(word) or ""))
    except (toml_edit.TomlError, UnicodeDecodeError) as exc:
        return f"not TOML: {exc}"


def _sets_registry(data: Any) -> bool:
    plugins = data.get("plugins") if isinstance(data, dict) else None
    return isinstance(plugins, dict) and any(
        isinstance(table, dict) and "registry" in table for table in plugins.values()
    )


def _namespace(about: Any) -> Any:
    """Return what a hosts.toml says, as data."""
    if not isinstance(about, Mapping):
        return None
    if "link" in about and "content" not in about:
        return f"a symbolic link to {about['link']}, which is not followed"
    return _parsed(about.get("content"))


def _managed(record: Any) -> Mapping[str, Any]:
    """Return the files that the record names, none where it is damaged."""
    files = (record or {}).get("files")
    return files if isinstance(files, dict) else {}


def _origins(observed: Mapping[str, Any], sources: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return which file sets each registry setting, and which ones have no effect and why."""
    found: dict[str, Any] = {"settings": [], "without_effect": []}
    try:
        rel = releases.release(releases.parse(observed["version"] or ""))
        data = {each["path"]: toml_edit.load(node.text(each["content"]) or "") for each in sources}
        files = {path: imports.File(path, reply.checked(each, reply.CONFIG)) for path, each in data.items()}
        combined = imports.combine(imports.in_order(observed["config"]["path"], files, rel)[0], rel)
    except (releases.ReleaseError, reply.ReplyError, toml_edit.TomlError, UnicodeDecodeError):
        return found  # what is wrong with it is in `error` and in the files
    for path, each in combined.settings.items():
        if "registry" in path:
            value = plain.at(_plain(plain.nested(list(path), each.value)), path)
            found["settings"].append({"path": list(path), "value": value, "file": each.origin})
    for lost in combined.lost:
        if "registry" in lost.place:
            found["without_effect"].append({"path": list(lost.place), "file": lost.origin, "reason": lost.why})
    return found


def info(observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a node runs, as `containerd_info` shows it."""
    effective = observed["effective"]
    sources = [observed["config"], *observed["imports"]] if observed["config"]["content"] is not None else []
    files = [
        {"path": each["path"], "origin": "import" if number else "main", "data": _parsed(each["content"])}
        for number, each in enumerate(sources)
    ]
    return {
        "version": releases.dotted(releases.parse(observed["version"])) if observed["version"] else None,
        "binary": observed["binary"],
        "service": {key: observed["unit"][key] for key in ("found", "active", "kill_mode")},
        "running": observed["daemon"] is not None,
        "socket": observed["socket"],
        "cri": {"loaded": observed["cri_error"] is None, "reason": observed["cri_error"]},
        "restart_due": restart_due(observed),
        "config_file": observed["config"]["path"],
        "files": files,
        "registry": {
            "error": effective["error"],
            "config_path": effective.get("config_path"),
            "mirrors": _plain(effective.get("mirrors")),
            "configs": {
                host: {"auth": bool(each["auth"]), "tls": each["tls"]}
                for host, each in (effective.get("configs") or {}).items()
            },
            "set_by": [each["path"] for each in files if _sets_registry(each["data"])],
            **_origins(observed, sources),
        },
        "hosts_dir": observed["hosts_dir"],
        "namespaces": {
            name: _namespace(observed["hosts"].get(f"{name}/hosts.toml") or {})
            for name, about in observed["hosts"].items()
            if about is None
        },
        "managed": sorted(_managed(observed["record"])),
    }
