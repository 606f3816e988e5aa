# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that go back: `state: absent` takes back what all runs did, `state: previous` what the last one did."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import observation, replies
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import config_toml, conflicts, plan, records, tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import Tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


def make_absent(observed: Mapping[str, Any]) -> Plan:
    """Plan `state: absent`: everything that the record names goes, and what it replaced comes back."""
    text, data = observation.read_config(observed)
    record = records.read_record(observed)
    planned = tree.plan({}, observed["hosts_dir"], observed["hosts"], record["files"], prune=True)
    planned.warnings.extend(conflicts.check_backup(observed))
    after = _undo(text, data, record.get("config") or {})
    made = _plan(observed, text, after, planned)._replace(
        record={"format": records.FORMAT, "files": {}, "hosts": record["hosts"]} if record.get("hosts") else None,
        forgets=True,
        # Its own settings stay in use: ours go from certs.d before the logins that they rely on.
        between=(text or "", record.get("config") or {}) if _reads(after, observed["hosts_dir"]) else None,
    )
    finished = plan.finish(observed, made, looks=False)
    # States hold passwords: the last of them goes when containerd is proven to work without what they were for.
    lingers = observed["states"] and not finished.restart_due
    return finished._replace(record_changed=finished.record_changed or lingers)


def _reads(text: str | None, hosts_dir: str) -> bool:
    """Whether a config.toml makes containerd read a directory of hosts.toml files."""
    plugins = load(text or "").get("plugins") or {}
    return any(plain.at(each, ["registry", "config_path"]) == hosts_dir for each in plugins.values())


def make_previous(observed: Mapping[str, Any]) -> Plan:
    """Plan `state: previous`: all files are what they were before the last run that changed any."""
    state = observed["previous"]
    text, dummy = observation.read_config(observed)
    if not state:
        return plan.finish(observed, _plan(observed, text, text, Tree({}, [], [], {}, [], {}, []))._replace(
            record=observed["record"],
        ), looks=False)  # fmt: skip
    if "files" not in state:
        raise Refusal(f"the state of before the last run, in {places.STATE_DIR} on this node, is damaged")
    planned = Tree({}, [], [], {}, [], {}, [])
    after = text
    for path, before in state["files"].items():
        now, was = (replies.text(each["content"]) if each else None for each in (state["now"][path], before))
        if (None if now is None else tree.sha256(now)) not in (state["after"][path], was and tree.sha256(was)):
            planned.edited.append(path)
            planned.warnings.append(
                f"{path} was changed since the run that is undone, by hand or by another program: replaced, a copy is "
                f"in {places.STATE_DIR}"
            )
        if path == observed["config"]["real_path"]:
            after = was
        elif before != state["now"][path]:
            _plan_file(planned, path, now, was)
    made = _plan(observed, text, after, planned)._replace(
        effective={"plugins": []}, record=state["record"], restores=state["name"], since=state["time"]
    )
    return plan.finish(observed, made)


def _plan_file(planned: Tree, path: str, now: str | None, was: str | None) -> None:
    if now is not None:
        planned.before[path] = now
    if was is not None:
        planned.writes[path] = was
    elif now is not None:
        planned.removes.append(path)
        planned.directories.append(posixpath.dirname(path))


def _plan(observed: Mapping[str, Any], before: str | None, after: str | None, planned: Tree) -> Plan:
    """Return a plan that configures nothing, for `plan.finish`."""
    return Plan(
        version=releases.dotted(releases.parse(observed["version"])) if observed["version"] else "",
        mode=None,
        namespaces=[],
        config_path=observed["config"]["path"],
        config_before=before,
        config_after=after,
        config_edited=False,
        tree=planned,
        effective=None,
        restart_due=None,
        record=None,
        record_changed=False,
        warnings=planned.warnings,
    )


def _undo(text: str | None, data: dict[str, Any], recorded: Mapping[str, Any]) -> str | None:
    """Return config.toml as it was: byte for byte if nobody else edited it, else key by key."""
    if not recorded:
        return text
    if recorded["exact"] and tree.sha256(text or "") == recorded["sha256"]:
        return recorded["original"]
    return edit.edit(text or "", *plain.delta(data, config_toml.pristine_data(data, recorded)))
