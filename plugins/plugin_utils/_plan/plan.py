# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""desired + observed -> plan: everything a run will do to one node, decided before any of it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, verdicts
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Wanted
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import distributions, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer, ProvenWith, Record, Shared
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    config_toml,
    conflicts,
    distribution,
    docker,
    modes,
    preflight,
    promises,
    records,
    rke2,
    start,
    tree,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.config_toml import Edited
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings, Situation, Target
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import TreePlan
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


class Plan(NamedTuple):
    """What to do to one node. Texts of files are plain, None stands for "no file"."""

    rel: Release | None  # None: no containerd is here, and none is to be
    mode: str | None  # None: state absent or previous
    namespaces: list[str]
    config_path: str  # of config.toml
    config_before: str | None
    config_after: str | None
    config_edited: bool  # by hand, in what we set: a copy of the file is kept
    tree: TreePlan
    effective: Wanted | None  # what containerd must make of the new configuration
    restart_due: str | None  # why the running daemon has to be restarted
    record: Record | None
    record_changed: bool
    warnings: list[str]
    migrated: tuple[str, ...] = ()  # what is carried over by this run
    config_exposed: bool = False  # others can read a secret in config.toml: it is written again even if unchanged
    restores: str | None = None  # state previous: the name of the state that the node restores
    since: str | None = None  # and when the run was that is undone
    forgets: bool = False  # whether the earlier states are removed with the rest
    between: Edited | None = None  # config.toml while hosts.toml files change
    shared: Shared | None = None  # how others can read config.toml where no credentials are in it any more
    beside: str | None = None  # the Docker that gets files of its own in addition to the node's containerd

    @property
    def version(self) -> str:
        """The release, as people write it."""
        return self.rel.name if self.rel else ""

    @property
    def config_changed(self) -> bool:
        """Whether config.toml gets another text."""
        return self.config_before != self.config_after

    @property
    def has_cri(self) -> bool:
        """Whether the new configuration has CRI at all: taking everything back can switch it off again."""
        disabled = load(self.config_after or "").get("disabled_plugins") or []
        return not releases.CRI_PLUGINS.intersection(disabled)

    @property
    def changed(self) -> bool:
        """Whether anything on the node besides the record changes, a restart not counted."""
        return bool(self.config_changed or self.config_exposed or self.tree.writes or self.tree.removes)


def make(wanted: Desired, observed: Observation, settings: Settings, version: str | None = None) -> Plan:
    """Plan `state: present` for one node.

    `version` overrides the installed containerd's. Raises Refusal: then nothing must be done.
    """
    made = _make(wanted, observed, settings, version)
    if not observed.docker:
        return made
    beside = _make(wanted, docker.beside(observed), settings, None)
    record = made.record and made.record._replace(files={**made.record.files, **beside.tree.files})
    return made._replace(
        tree=docker.joined(made.tree, beside.tree),
        record=record,
        record_changed=record != observed.record,
        warnings=[*made.warnings, *(each for each in beside.warnings if each not in made.warnings)],
        beside=beside.version,
    )


def _make(wanted: Desired, observed: Observation, settings: Settings, version: str | None) -> Plan:
    """Plan for one containerd of a node."""
    if observed.engine:
        docker.check(observed, wanted, settings.prefix)
        version, settings = None, settings._replace(mode="auto")
    node = _situation(observed, version)
    asked, warnings = preflight.judge(wanted, observed.endpoints, settings)
    registries = rke2.files(wanted, observed, settings, node.record.files)
    mine = rke2.is_ours(observed, node.record.files, registries)
    wanted, left = distribution.leave(wanted, observed, settings.prefix, mine)
    mode = modes.choose(node, wanted, settings.mode, settings.prefix)
    kept, given_up = promises.keep(wanted, node.rel, mode, settings.auth_method, settings.prefix, asked)
    conflicts.check_config_in_use(observed, settings.prefix)
    if mode == "config_path":
        target = modes.config_path(node, kept, settings, asked)
    else:
        target = modes.in_legacy(node, kept, settings)
    recorded = docker.ours(observed, distribution.ours(observed, node.record.files))
    drop_in = distribution.drop_in(observed, node.rel, recorded) if mode == "config_path" else {}
    planned = tree.plan(
        {**target.files, **registries, **drop_in}, observed.hosts_dir, observed.hosts, recorded, settings.prune
    )
    config = config_toml.edited(observed.config.text, node.pristine, target.change, node.record.config)
    if observed.engine:
        docker.check_logins(kept, node.rel, settings, asked)
        config, target = Edited(None, None), target._replace(effective=None)
    elif observed.manager:
        own = distributions.named(observed.manager)
        distribution.check_config(observed, config.text, bool(own and own.drop_in))
        config = Edited(observed.config.text, None)
        target = target._replace(effective=None if drop_in else target.effective)
    edited = conflicts.edited_keys(node.data, node.record.config, observed.config.sha256)
    told = [
        *wanted.warnings,
        *warnings,
        *(distribution.warning(observed, left) if not mine else ()),
        *rke2.warning(observed, recorded, planned.files, "".join(registries.values())),
        *given_up,
        *conflicts.proxied(observed, kept.mirrors),
        *_hidden(node, [*kept.mirrors, *left], target, planned, settings.prefix),
        *_config_warnings(node, config, target, edited),
        *planned.warnings,
        *(target.replaced if not mine else ()),  # RKE2 has other names for directories of registries with a port
    ]
    plan = Plan(
        rel=node.rel,
        mode=mode,
        namespaces=sorted({*kept.mirrors, *(left if mine else ())}),
        config_path=observed.config.path,
        config_before=observed.config.text,
        config_after=config.text,
        config_edited=bool(edited),
        tree=planned,
        effective=target.effective,
        restart_due=None,
        record=_record(node, target, config, planned, asked),
        record_changed=False,
        warnings=told,
        migrated=target.migrated,
        between=_between(node, mode, target, config, planned),
        shared=node.record.config.shared if node.record.config else None,
    )
    finished = finish(observed, plan)
    _check_effective(finished, observed)
    return finished


def _situation(observed: Observation, version: str | None) -> Situation:
    rel = releases.release(releases.parse(version or observed.version or ""))
    data, record = observed.config.data(), records.of_role(observed)
    record = docker.own_record(observed, record)
    return Situation(rel, observed, data, config_toml.pristine_data(data, record.config), record)


def _between(node: Situation, mode: str, target: Target, config: Edited, planned: TreePlan) -> Edited | None:
    """Return the config.toml that works with the old hosts.toml files and with the new ones, where that matters."""
    is_live = node.observed.hosts_dir in map(place, node.observed.effective.config_path.split(":"))
    text = node.observed.config.text
    if mode != "config_path" or not is_live or config.text == text or not (planned.writes or planned.removes):
        return None
    return config_toml.edited(
        text, node.pristine, config_toml.with_logins_of(target.change, node.record.config), node.record.config
    )


def _record(node: Situation, target: Target, config: Edited, planned: TreePlan, asked: Mapping[str, Answer]) -> Record:
    """Return the record that is true once the plan is carried out."""
    return node.record._replace(
        carried=target.carried,
        carried_legacy=target.carried_legacy,
        config=config.record,
        config_file=node.record.config_file if node.observed.engine else node.observed.config.path,
        files=planned.files,
        endpoints=asked,
        release=str(node.rel),
    )


def _hidden(node: Situation, named: list[str], target: Target, planned: TreePlan, prefix: str) -> list[str]:
    """Warn about registries that directories of others hide from the catch-all."""
    ours = {*planned.files, *planned.removes}
    hidden = conflicts.shadowing(target.files, node.observed.hosts_dir, node.observed.hosts, ours)
    return [
        f"{text}. List {name} in {prefix}extra_upstreams to pull from the internal registry, or in {prefix}direct to "
        f"keep it"
        for name, text in hidden.items()
        if name not in named
    ]


def _config_warnings(node: Situation, config: Edited, target: Target, edited: list[str]) -> list[str]:
    """Warn about hand edits, and about what happens to the file's settings: when it happens, not at every run."""
    found = list(target.change.warnings) if config.text != node.observed.config.text else []
    if edited:
        found.insert(
            0,
            f"{node.observed.config.path} was edited by hand since the last run ({', '.join(edited)}): the settings "
            f"were restored, a copy is in {places.STATE_DIR}",
        )
    return found


def _check_effective(plan: Plan, observed: Observation) -> None:
    """Refuse a node on which config.toml has no effect; the node checks a new one itself, with what it imports."""
    if not observed.version or not plan.effective or not plan.rel:
        return
    if plan.config_changed:
        reason = start.without_effect(start.configuration(observed, plan.config_after, plan.rel), plan.effective)
    else:
        imports = [each.path for each in observed.imports]
        reason = verdicts.why_not_effective(observed.effective, plan.effective, imports)
    if reason:
        raise Refusal(f"{reason}. Nothing was changed on the node")


def finish(observed: Observation, plan: Plan, looks: bool = True) -> Plan:
    """Add what follows from the rest: whether the record differs, and whether a restart is needed.

    Without `looks` no other reason for a restart counts than that config.toml changes or changed.
    """
    due = f"{plan.config_path} changes" if plan.config_changed else None
    if not due and observed.version and (looks or observed.unproven):
        due = observed.restart_due
    if observed.manager:  # which nobody restarts for a hosts.toml
        due = None
    record, warnings, attributes = plan.record, plan.warnings, observed.config.attributes
    holds_login = bool(plan.mode) and masking.holds_secret(plan.config_after or "")
    exposed = bool(holds_login and attributes and attributes.is_exposed and not observed.manager)
    if exposed and attributes:
        was = f"its mode was {attributes.mode:04o}"
        told = f"{plan.config_path} contains credentials and was readable by others: only root can read it now ({was})"
        warnings = [*warnings, told]
    if observed.version and plan.rel:
        warnings = [*warnings, *_next_start(observed, plan, plan.rel, bool(due))]
    if record and record.config and plan.mode:
        shared = record.config.shared if holds_login or not plan.config_changed else None
        if exposed and attributes:
            shared = Shared(attributes.mode, attributes.gid)
        record = record._replace(config=record.config._replace(shared=shared))
    if record and due:
        record = record._replace(proven=None)
    elif record and exposed and observed.daemon:  # a new mode makes the file newer than the daemon that knows it
        record = record._replace(proven=ProvenWith(observed.daemon.id, observed.said(observed.config.content)))
    conflicts.check_writable(observed, plan.config_changed or exposed, [*plan.tree.writes, *plan.tree.removes])
    return plan._replace(
        restart_due=due,
        record=record,
        record_changed=_differs(record, observed.record),
        config_exposed=exposed,
        warnings=warnings,
    )


def _differs(record: Record | None, before: Any) -> bool:
    """Whether the record has to be written: not for another release alone, which changes nothing on the node."""
    return bool(
        (record._replace(release=before.release) if record and isinstance(before, Record) else record) != before
    )


def _next_start(observed: Observation, plan: Plan, rel: Release, due: bool) -> list[str]:
    """Refuse a restart that containerd would not survive; without one, warn of the next. Raises Refusal."""
    try:
        start.configuration(observed, plan.config_after, rel)
    except Refusal as exc:
        if due:
            raise Refusal(f"{exc}. Nothing was changed on the node") from exc
        return [f"containerd would not start again after a restart: {exc}"]
    return []
