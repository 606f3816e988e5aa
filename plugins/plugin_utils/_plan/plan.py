# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""desired + observed -> plan: everything a run will do to one node, decided before any of it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    config_toml,
    conflicts,
    modes,
    preflight,
    promises,
    records,
    tree,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Situation
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.tree import Tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


class Settings(NamedTuple):
    """How to go about it: the role's variables that do not describe registries."""

    mode: str = "auto"
    auth_method: str = "auto"
    prune: bool = True
    migrate: bool = True
    template: str = ""
    prefix: str = ""  # of the variables' names in messages


class Plan(NamedTuple):
    """What to do to one node. Texts of files are plain, None stands for "no file"."""

    version: str
    mode: str | None  # None: state absent or previous
    namespaces: list[str]
    config_path: str  # of config.toml
    config_before: str | None
    config_after: str | None
    config_edited: bool  # by hand, in what we set: a copy of the file is kept
    tree: Tree
    effective: dict[str, Any] | None  # what containerd must make of the new configuration
    restart_due: str | None  # why the running daemon has to be restarted
    record: dict[str, Any] | None
    record_changed: bool
    warnings: list[str]
    migrated: list[str] = []  # what is carried over by this run
    config_exposed: bool = False  # others can read a secret in config.toml: it is written again even if unchanged
    restores: str | None = None  # state previous: the name of the state that the node goes back to
    since: str | None = None  # and when the run was that is undone
    forgets: bool = False  # whether the states of before go with the rest
    between: tuple[str, dict[str, Any]] | None = None  # config.toml while hosts.toml files change, and its record

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


def make(wanted: Desired, observed: Mapping[str, Any], settings: Settings, version: str | None = None) -> Plan:
    """Plan `state: present` for one node.

    `observed` is what the node half reads (see its `observe`), `version` overrides the installed containerd's.
    Raises Refusal: then nothing must be done.
    """
    rel = releases.release(releases.parse(version or observed["version"] or ""))
    text, data = observation.read_config(observed)
    record = records.read_record(observed)
    recorded = record.get("config") or {}
    this = Situation(rel, observed, data, config_toml.pristine_data(data, recorded), record)
    asked, warnings = preflight.judge(wanted, observed["endpoints"])
    mode = modes.choose(this, wanted, settings.mode, settings.prefix)
    kept, given_up = promises.keep(wanted, rel, mode, settings.auth_method, settings.prefix)
    conflicts.check_config_in_use(observed, settings.prefix)
    warnings += given_up + conflicts.proxied(observed, kept.mirrors)
    if mode == "config_path":
        target = modes.config_path(this, kept, settings, asked)
    else:
        target = modes.in_legacy(this, kept, settings)
    planned = tree.plan(target.files, observed["hosts_dir"], observed["hosts"], record["files"], settings.prune)
    hidden = conflicts.shadowing(target.files, observed["hosts_dir"], observed["hosts"], planned.files)
    warnings += [
        f"{text}. List {name} in {settings.prefix}extra_upstreams to pull from the internal registry, or in "
        f"{settings.prefix}direct to keep it"
        for name, text in hidden.items()
        if name not in kept.mirrors
    ]
    text_after, undo = config_toml.edited(text, this.pristine, target.change, recorded)
    is_live = mode == "config_path" and observed["hosts_dir"] in observed["effective"].get("config_path", "").split(":")
    between = None
    if is_live and text_after != text and (planned.writes or planned.removes):
        between = config_toml.edited(text, this.pristine, config_toml.with_logins_of(target.change, recorded), recorded)
    edited = conflicts.edited_keys(data, recorded, observed["config"]["sha256"])
    if edited:
        warnings.append(
            f"{observed['config']['path']} was edited by hand since the last run ({', '.join(edited)}): set again, a "
            f"copy is in {places.STATE_DIR}"
        )
    if text_after != text:  # what happens to the file's settings is told when it happens, not at every run
        warnings += target.change.warnings
    plan = finish(
        observed,
        Plan(
            version=str(rel),
            mode=mode,
            namespaces=sorted(kept.mirrors),
            config_path=observed["config"]["path"],
            config_before=text,
            config_after=text_after,
            config_edited=bool(edited),
            tree=planned,
            effective={
                **target.effective,
                "tls": not rel.tls_tables_block_config_path,
                "plugins": sorted(releases.CRI_PLUGINS),
            },
            restart_due=None,
            record={
                **{key: value for key, value in record.items() if key not in ("carried", "carried_legacy")},
                **target.remember,
                "config": undo,
                "files": planned.files,
                "endpoints": asked,
            },
            record_changed=False,
            warnings=[*wanted.warnings, *warnings, *planned.warnings, *target.replaced],
            migrated=list(target.migrated),
            between=between and (between[0] or "", between[1]),
        ),
    )
    _check_effective(plan, observed)
    return plan


def _check_effective(plan: Plan, observed: Mapping[str, Any]) -> None:
    """Refuse a node on which config.toml has no effect; the node checks a new one itself, with what it imports."""
    if not observed["version"]:
        return
    if plan.config_changed:
        rel = releases.release(releases.parse(plan.version))
        after = load(plan.config_after or "")
        reason = conflicts.override(after, observed["imports"], rel, plan.effective)
    else:
        reason = verdicts.why_not_effective(observed["effective"], plan.effective, observed["imports"])
    if reason:
        raise Refusal(f"{reason}. Nothing was changed on the node")


def finish(observed: Mapping[str, Any], plan: Plan, looks: bool = True) -> Plan:
    """Add what follows from the rest: whether the record differs, and whether a restart is due.

    Without `looks` no other reason for a restart counts than that config.toml changes or changed.
    """
    due = f"{plan.config_path} changes" if plan.config_changed else None
    if not due and observed["version"] and (looks or observed["unproven"]):
        due = observation.restart_due(observed)
    record = plan.record
    exposed = plan.mode is not None and _secrets.is_exposed(observed["config"])
    exposed = exposed and masking.holds_secret(plan.config_after or "")
    if exposed:
        mode = observed["config"]["mode"]
        plan.warnings.append(f"{plan.config_path} holds a login: now root alone can read it (its mode was {mode:04o})")
    if record and due:
        record = {key: value for key, value in record.items() if key != "proven"}
    elif record and exposed and observed["daemon"]:  # a new mode makes the file newer than the daemon that knows it
        record = {**record, "proven": {"daemon": observed["daemon"]["id"], "registry": observed["effective"]["digest"]}}
    return plan._replace(
        restart_due=due, record=record, record_changed=record != observed["record"], config_exposed=exposed
    )
