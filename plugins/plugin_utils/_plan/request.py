# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as the request that the node carries out (see the node half's `apply` for its shape)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import replies
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement, tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import Tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking


def write(path: str, text: str, mode: int, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return one write; `about` gives the owner that the file has now."""
    owner = about or {}
    return {
        "path": path,
        "content": replies.content(text),
        "mode": mode,
        "uid": owner.get("uid"),
        "gid": owner.get("gid"),
    }


def config_write(config: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return the write of config.toml: for root alone when it holds a secret, else as it is (0644 for a new file)."""
    if masking.holds_secret(text):
        mode = _secrets.PRIVATE if _secrets.is_exposed(config) else config.get("mode", _secrets.PRIVATE)
        return write(config["real_path"], text, mode)
    return write(config["real_path"], text, config.get("mode", 0o644), config)


def tree_changes(planned: Tree, observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that changes the hosts.toml files alone."""
    before = {path: planned.before.get(path) for path in [*planned.writes, *planned.removes]}
    return {
        "do": "apply",
        "expect": {path: None if text is None else tree.sha256(text) for path, text in before.items()},
        "fingerprint": observed["fingerprint"],
        "sweep": observed["sweep"],
        "socket": observed["socket"],
        "writes": [
            {
                **write(path, text, placement.mode(path)),
                "backup": places.STATE_DIR if path in planned.edited else None,
            }
            for path, text in planned.writes.items()
        ],
        "removes": list(planned.removes),
        "directories": sorted(set(planned.directories)),
    }


def apply(plan: Plan, observed: Mapping[str, Any], restart: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the request that carries out `plan`.

    Files of `hosts_dir` come first, config.toml last, removals after it: containerd never reads a `config_path`
    whose files are not there yet. Where it reads them already, the logins in config.toml come before the files that
    rely on them, and go after those that did.
    """
    config = observed["config"]
    message = tree_changes(plan.tree, observed)
    message["expect"][config["real_path"]] = config["sha256"]
    if plan.restores:
        message.update(restore=plan.restores, edited=plan.tree.edited, writes=[], removes=[])
    elif (plan.config_changed or plan.config_exposed) and plan.config_after is not None:
        backup = places.STATE_DIR if plan.config_edited else None
        writes = [*message["writes"], {**config_write(config, plan.config_after), "backup": backup}]
        if plan.between:
            text, record = plan.between
            message["between"] = {"write": config_write(config, text), "record": record}
            if text == plan.config_after:
                writes.insert(0, writes.pop())
            elif text != plan.config_before:
                writes.insert(0, message["between"]["write"])
        message["writes"] = writes
    elif plan.config_changed:
        message["removes"].insert(0, config["real_path"])
    check = None
    if plan.effective and observed["version"]:
        about = {key: observed[key] for key in ("binary", "version")}
        check = {**plan.effective, **about, "path": config["real_path"]}
    return {
        **message,
        "config": config["real_path"],
        "check": check,
        "due": bool(plan.restart_due),
        "restart": {**restart, "cri": plan.has_cri} if restart else None,
        "record": plan.record,
        "forget": plan.forgets,
    }
