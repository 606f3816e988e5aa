# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that go back: `state: absent` undoes what all runs did, `state: previous` what the last one did."""

from __future__ import annotations

import posixpath
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Wanted
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    Damaged,
    Kept,
    Observation,
    State,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import NOTHING, Record, WrittenConfig
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    config_toml,
    conflicts,
    distribution,
    plan,
    records,
    rke2,
    start,
    tree,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.config_toml import Edited
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import TreePlan
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place, Unreadable, place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


def make_absent(observed: Observation) -> Plan:
    """Plan `state: absent`: everything that the record names goes, and what it replaced comes back."""
    text, data = observed.config.text, observed.config.data()
    record = records.of_role(observed)
    recorded = distribution.ours(observed, record.files)
    planned = tree.plan({}, observed.hosts_dir, observed.hosts, recorded, prune=True)
    planned.warnings.extend([*conflicts.check_backup(observed), *rke2.warning(observed, recorded, {}, "")])
    planned.directories.extend(record.made)
    after = _undo(text, data, record.config)
    if record.config and observed.version:
        after, left_out = start.loadable(after, releases.release(releases.parse(observed.version)))
        planned.warnings.extend(
            f"{each} was in {observed.config.path} before and is not restored: CRI of this containerd does not load "
            "with it"
            for each in left_out
        )
    planned.warnings.extend(_never_worked(observed.config.path, after, record.config))
    made = _plan(observed, text, after, planned)._replace(
        record=NOTHING._replace(hosts=record.hosts) if record.hosts else None,
        forgets=True,
        shared=record.config.shared if record.config else None,
        # Its own settings stay in use: ours go from certs.d before the credentials that they rely on.
        between=Edited(text or "", record.config) if record.config and _reads(after, observed.hosts_dir) else None,
    )
    finished = plan.finish(observed, made, looks=False)
    # States hold passwords: the last of them goes when containerd is proven to work without what they were for.
    lingers = observed.states and not finished.restart_due
    return finished._replace(record_changed=finished.record_changed or lingers)


def _never_worked(path: str, after: str | None, recorded: WrittenConfig | None) -> list[str]:
    """Warn about registry settings that come back and were never tried without the role's."""
    if not recorded or after == recorded.original:
        return []
    added = [
        ".".join([plugin, "registry", key])
        for plugin, table in _registries(after).items()
        for key in table
        if recorded.undo
        and plain.at(recorded.undo.merge, ["plugins", plugin, "registry", key]) is not None
        and key not in _registries(recorded.original).get(plugin, {})
    ]
    return [
        f"{each} is restored in {path}: it was added after the first run, and the role removed it because CRI does not "
        "load with both. Check that containerd works with it"
        for each in added
    ]


def _registries(text: str | None) -> dict[str, dict[str, Any]]:
    """Return the registry tables of a config.toml by their plugins."""
    tables = {name: plain.at(each, ["registry"]) for name, each in (load(text or "").get("plugins") or {}).items()}
    return {name: table for name, table in tables.items() if isinstance(table, dict)}


def _reads(text: str | None, hosts_dir: Place) -> bool:
    """Whether a config.toml makes containerd read a directory of hosts.toml files."""
    plugins = load(text or "").get("plugins") or {}
    found = (plain.at(each, ["registry", "config_path"]) for each in plugins.values())
    return any(isinstance(each, str) and each and place(each) == hosts_dir for each in found)


def make_previous(observed: Observation) -> Plan:
    """Plan `state: previous`: all files are what they were before the last run that changed any."""
    state, text = observed.previous, observed.config.text
    record = records.of_role(observed)
    observed.config.data()  # refuses what containerd does not accept
    if not state:
        made = _plan(observed, text, text, tree.nothing())
        return plan.finish(observed, made._replace(record=observed.record and record), looks=False)
    if isinstance(state, Damaged) or isinstance(state.record, Unreadable):
        raise Refusal(f"the saved state from before the last run, in {places.STATE_DIR} on this node, is damaged")
    planned, after = tree.nothing(), text
    for path, before in state.files.items():
        now = state.now.get(path)
        if _digest(now) not in (state.after.get(path), _digest(before)):
            planned.edited.append(path)
            planned.warnings.append(
                f"{path} was changed after the run that is undone, by hand or by another program: replaced, a copy is "
                f"in {places.STATE_DIR}"
            )
        if path == observed.config.real_path:
            after = _text(before)
        elif before != now:
            _plan_file(planned, path, _text(now), _text(before))
    planned.warnings.extend(_undoes_a_repair(observed, state))
    made = _plan(observed, text, after, planned)._replace(
        effective=Wanted(),
        record=state.record,
        restores=state.name,
        since=state.time,
    )
    return plan.finish(observed, made)


def _undoes_a_repair(observed: Observation, state: State) -> list[str]:
    """Warn about what earlier runs wrote and others had taken away, before the run that is undone wrote it again."""
    record = state.record if isinstance(state.record, Record) else NOTHING
    lost = [
        path
        for path, before in state.files.items()
        if path in record.files and _digest(before) != record.files[path].sha256
    ]
    if observed.config.real_path in state.files:
        before = state.files[observed.config.real_path]
        keys = conflicts.edited_keys(load(_text(before) or ""), record.config, _digest(before))
        lost.extend([f"{', '.join(keys)} in {observed.config.path}"] if keys else [])
    if not lost:
        return []
    return [
        f"the run that is undone repaired what had been removed or edited since the run before it ({'; '.join(lost)}): "
        "that is so again, and pulls may go to the public registry. Run the site playbook to repair it"
    ]


def _digest(kept: Kept | None) -> str | None:
    return None if kept is None else str(places.digest(kept.content))


def _text(kept: Kept | None) -> str | None:
    """Return the text to show of a file; the node puts its bytes back, whatever they are."""
    return None if kept is None else kept.content.decode("utf-8", "replace")


def _plan_file(planned: TreePlan, path: str, now: str | None, was: str | None) -> None:
    if now is not None:
        planned.before[path] = now
    if was is not None:
        planned.writes[path] = was
    elif now is not None:
        planned.removes.append(path)
        planned.directories.append(posixpath.dirname(path))


def _plan(observed: Observation, before: str | None, after: str | None, planned: TreePlan) -> Plan:
    """Return a plan that configures nothing, for `plan.finish`."""
    return Plan(
        rel=releases.release(releases.parse(observed.version)) if observed.version else None,
        mode=None,
        namespaces=[],
        config_path=observed.config.path,
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


def _undo(text: str | None, data: dict[str, Any], recorded: WrittenConfig | None) -> str | None:
    """Return config.toml as it was: byte for byte if nothing else edited it, else key by key."""
    if not recorded:
        return text
    if recorded.exact and tree.sha256(text or "") == recorded.sha256:
        return recorded.original
    return edit.edit(text or "", *plain.delta(data, config_toml.pristine_data(data, recorded)))
