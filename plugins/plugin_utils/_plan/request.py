# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as the request that the node carries out."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import (
    Apply,
    Between,
    Changes,
    Check,
    Rehearse,
    Restart,
    Trial,
    Write,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import File, Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Shared
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement, tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import TreePlan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking


def _packed(text: str) -> str:
    return wire.pack(text.encode("utf-8")) or ""


def config_write(config: File, text: str, edited: bool = False, shared: Shared | None = None) -> Write:
    """Return the write of config.toml: for root alone when it holds a secret, else as it is (0644 for a new file).

    What a secret made root's alone is `shared` again as before. A copy is kept of a file that was `edited` by hand.
    """
    backup = places.STATE_DIR if edited else None
    about, content = config.attributes, _packed(text)
    if masking.holds_secret(text):
        mode = _secrets.PRIVATE if about is None or about.is_exposed else about.mode
        return Write(config.real_path, content, mode, backup=backup)
    if about is None:
        return Write(config.real_path, content, 0o644, backup=backup)
    if shared and about.mode == _secrets.PRIVATE:
        return Write(config.real_path, content, shared.mode, about.uid, shared.gid, backup)
    return Write(config.real_path, content, about.mode, about.uid, about.gid, backup)


def of_tree(planned: TreePlan, observed: Observation) -> Apply:
    """Return the request that changes the hosts.toml files alone."""
    before = {path: planned.before.get(path) for path in [*planned.writes, *planned.removes]}
    writes = [
        Write(
            path,
            _packed(text),
            planned.shared[path].mode if path in planned.shared else placement.mode(path),
            gid=planned.shared[path].gid if path in planned.shared else None,
            backup=places.STATE_DIR if path in planned.edited else None,
        )
        for path, text in planned.writes.items()
    ]
    return Apply(
        expect={path: None if text is None else tree.sha256(text) for path, text in before.items()},
        fingerprint=observed.fingerprint,
        sweep=list(observed.sweep),
        socket=observed.socket,
        changes=Changes(
            files=writes, removes=list(planned.removes), directories=sorted(set(planned.directories), reverse=True)
        ),
    )


def of_plan(plan: Plan, observed: Observation, restart: Restart | None, tries: bool = True) -> Apply:
    """Return the request that carries out `plan`; with `tries`, not before containerd was started on trial with it.

    Files of `hosts_dir` come first, config.toml last, removals after it: containerd never reads a `config_path`
    whose files do not exist yet. Where it reads them already, the credentials in config.toml come before the files that
    rely on them, and go after those that did.
    """
    config = observed.config
    request = of_tree(plan.tree, observed)
    check = None
    if plan.effective and observed.version and not observed.engine:
        check = Check(plan.effective, observed.binary, observed.version, config.path)
    phases = _phases(plan, config, request.changes)
    between = None
    if plan.between and (phases.first or phases.last):
        between = Between(config_write(config, plan.between.text or "", shared=plan.shared), plan.between.record)
    return request._replace(
        expect={**request.expect, **_expected(observed)},
        changes=Changes() if plan.restores else phases,
        record=plan.record,
        config=config.real_path,
        between=None if plan.restores else between,
        check=check,
        trial=_trial(plan, observed) if tries else None,
        due=bool(plan.restart_due),
        proves=observed.said(None if plan.config_after is None else plan.config_after.encode("utf-8")),
        restart=restart and restart._replace(cri=plan.has_cri),
        forget=plan.forgets,
        restore=plan.restores,
        edited=list(plan.tree.edited) if plan.restores else [],
    )


def _expected(observed: Observation) -> dict[str, str | None]:
    """Return what the configuration must still be, from which the plan was made."""
    if observed.engine:
        return {places.DOCKER_CONFIG: places.digest(observed.engine.file)}
    found: dict[str, str | None] = {observed.config.real_path: observed.config.sha256}
    if observed.docker and observed.docker.engine:
        found[places.DOCKER_CONFIG] = places.digest(observed.docker.engine.file)
    return found


def rehearsal(plan: Plan, observed: Observation, tries: bool) -> Rehearse | None:
    """Return the request that checks and tries config.toml as `of_plan` would, None where it would do neither.

    What a state holds is on the node alone, so of going back to it nothing is tried.
    """
    if plan.restores or not (plan.config_changed or plan.restart_due):
        return None
    request = of_plan(plan, observed, None, tries)
    if not request.check and not request.trial:
        return None
    changes, config = request.changes, request.config
    final = changes.last or changes.config or changes.first
    gone = [path for path in changes.removes if path == config]
    return Rehearse(request._replace(changes=Changes(config=final, removes=gone), record=None, between=None))


def _trial(plan: Plan, observed: Observation) -> Trial | None:
    """Return what to start on trial where a restart is needed, so that the running containerd is not the last one."""
    if not plan.restart_due or not observed.daemon or not observed.version:
        return None
    return Trial(observed.binary, observed.config.path, plan.has_cri)


def _phases(plan: Plan, config: File, changes: Changes) -> Changes:
    """Add config.toml to the changes of the other files."""
    if not plan.config_changed and not plan.config_exposed:
        return changes
    if plan.config_after is None:
        return changes._replace(removes=[config.real_path, *changes.removes])
    write = config_write(config, plan.config_after, plan.config_edited, plan.shared)
    if not plan.between:
        return changes._replace(config=write)
    between = plan.between.text or ""
    if between == plan.config_after:
        return changes._replace(first=write)
    first = None if between == plan.config_before else config_write(config, between, shared=plan.shared)
    return changes._replace(first=first, last=write)
