# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of one file of a configuration, decided with all the others in sight, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.edits import Proof
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import (
    imports,
    moves,
    places,
    registry_table,
    releases,
    setting_types,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Combined, Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release, ReleaseError
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit import upgrade
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit.configuration import Configuration
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import File
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Dropped, Look, Problem
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit as toml_edit
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking, plain, writing
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, show
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

_WAY_OUT = "make this change in the file that has the table already"


class EditPlan(NamedTuple):
    """The new text of a file, and how to prove it."""

    file: File  # as it is on the node
    before: str | None
    after: str
    version: int
    moved: list[dict[str, Any]]
    proof: Proof | None  # None: there is no containerd to check with
    warnings: list[str]

    @property
    def changes_text(self) -> bool:
        """Whether the file gets another text."""
        return self.after != (self.before or "") or (self.before is None and bool(self.after))


def decide(args: Mapping[str, Any], seen: Look, rel: Release, in_place: bool) -> EditPlan:
    """Return the change of one file; raises Refusal where it must not be made.

    `args` has `merge`, `remove`, `lists`, `config_version` and `create` as the module accepts them. If the change is
    not to be made `in_place`, containerd proves it with copies of all files.
    """
    config = Configuration(seen, rel)
    text, data = config.text, dict(config.files[config.target].data) if config.text is not None else {}
    if text is None and not args["create"]:
        raise Refusal(f"{config.target} does not exist on this node, and create is false")
    moved = upgrade.move(rel, text or "", data, args["config_version"]) if args["config_version"] else None
    start, start_data = (moved.text, load(moved.text)) if moved else (text or "", data)
    merge, remove = _literal(args, config, start_data)
    after = toml_edit.edit(start, merge, [list(path) for path in remove], lists=args["lists"])
    result = load(after)
    edit = EditPlan(
        config.about[seen.path], text, after, releases.file_version(result), moved.report if moved else [], None, []
    )
    proven = _proven(config, data if text is not None else None, result, merge, remove, edit)
    if not proven.proof or not seen.version:
        return proven._replace(proof=None)
    proof = proven.proof._replace(binary=seen.binary, version=seen.version)
    if not in_place and not proof.copies:
        proof = proof._replace(copies=_copies(config, config.with_target(result)[0], after))
    return proven._replace(proof=proof)


def _literal(
    args: Mapping[str, Any], config: Configuration, data: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Path]]:
    """Return what to merge and to remove under the names that this file has."""
    merge, remove = setting_types.typed(args["merge"]), args["remove"]
    for path in remove:
        if not isinstance(path, list) or not path or not all(isinstance(key, str) for key in path):
            raise Refusal("remove: each entry is a key path, a list of keys such as [plugins, cri_images, registry]")
    for path in remove:
        if len(path) == 1 and "." in path[0] and path[0] not in data:
            keys = ", ".join(path[0].split("."))
            raise Refusal(f"remove: {path[0]!r} is a single key, and the file has no key of that name: write [{keys}]")
    version = config.version(data)
    asked = merge.get("version", version)
    if asked not in (version, None) and not isinstance(asked, dict):
        raise Refusal(
            f"merge: version is {asked!r}, and {config.target} is of version {version}: set config_version instead, "
            f"which moves every setting to its new place"
        )
    if ["version"] in remove:
        raise Refusal("remove: the version cannot be removed, because it decides how the whole file is read")
    literal = places.resolve_merge(merge, config.rel, version)
    if literal and "version" not in data and _new_version(config, data):
        literal.setdefault("version", _new_version(config, data))
    return literal, [place for path in remove for place in places.resolve(tuple(path), config.rel, version)]


def _new_version(config: Configuration, data: Mapping[str, Any]) -> int | None:
    """Return the version to give a file that has none, None where that would change what is in it."""
    if config.target == config.main:
        version = registry_table.version_after(config.rel, data)
        return version if version != releases.file_version(dict(data)) else None
    main = config.files.get(config.main)
    return (main.version or None) if main and not data.get("plugins") else None


def _proven(
    config: Configuration,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    merge: Mapping[str, Any],
    remove: list[Path],
    edit: EditPlan,
) -> EditPlan:
    """Return the edit with what the node has to check; raises Refusal for what would get lost."""
    rel = config.rel
    old_files, old_missing = config.with_target(before)
    new_files, missing = config.with_target(after)
    new = imports.combine(new_files, rel)
    try:
        old = imports.combine(old_files, rel)
    except ReleaseError:  # it does not start as it is, so there is nothing to lose
        old = Combined({}, new.lost)
    asked = [path for path, dummy in plain.leaves(merge) if path != ("version",)]
    shown = {each.place: path for path, each in new.settings.items() if each.origin == config.target}
    _refuse_without_effect(config, asked, shown, new)
    _refuse_losses(old, new, {shown[path] for path in asked if path in shown}, edit)
    newly_missing = sorted(set(missing) - set(old_missing))
    if newly_missing and rel.missing_import_fatal:
        raise Refusal(
            f"imports: {newly_missing[0]} does not exist, and containerd {rel} does not start without it: create it "
            "first, or import it by a pattern with *"
        )
    removed = [
        path
        for path, each in old.settings.items()
        if each.origin == config.target and any(moves.matches(each.place, gone) for gone in remove)
    ]
    settings = [(shown[path], new.settings[shown[path]].value) for path in asked if path in shown]
    tables = {path[:-1] for path, dummy in settings if len(path) > 4}
    gone = _without(new, {path[:-1] for path in removed if len(path) > 4})
    proof = Proof(
        main=config.main,
        copies=_copies(config, new_files, edit.after) if config.main != config.target else [],
        settings=[{"path": list(path), "value": value} for path, value in settings if _can_be_proven(path, value, rel)],
        defaults=[list(path) for path in removed if path not in new.settings and not _is_below(path, gone)]
        + [list(table) for table in gone],
        others=_others(config, [path for path, dummy in settings] + removed + gone, before, after),
        tables=[list(table) for table in _without(old, tables)],
        binary="",
        version="",
    )
    return edit._replace(proof=proof, warnings=_warnings(config, remove, removed, new))


def _refuse_without_effect(config: Configuration, asked: list[Path], shown: Mapping[Path, Path], new: Combined) -> None:
    lost = {each.place: each for each in new.lost if each.origin == config.target}
    for path in asked:
        if path not in shown and path in lost:
            why = lost[path].why
            where = "" if why.startswith(show(path)) else f"{show(path)} has no effect in {config.target}: "
            raise Refusal(f"{where}{why}")


def _refuse_losses(old: Combined, new: Combined, asked: set[Path], edit: EditPlan) -> None:
    """Refuse a change that takes the effect from settings that it does not name."""
    known = {(each.origin, each.place) for each in old.lost}
    was_set = {(each.origin, each.place) for each in old.settings.values()}
    lost = [
        each
        for each in new.lost
        if (each.origin, each.place) in was_set - known and not (each.overridden and each.overridden in asked)
    ]
    severe = [each for each in lost if not each.overridden]
    if severe:
        raise Refusal(
            f"this change would make {len(severe)} settings in {severe[0].origin} ineffective, such as "
            f"{show(severe[0].place)}: {severe[0].why}. Instead, {_WAY_OUT}, and use one version in all files"
        )
    edit.warnings.extend(f"{each.origin}: {show(each.place)} has no effect any more: {each.why}" for each in lost)


def _can_be_proven(path: Path, value: Any, rel: Release) -> bool:
    is_option = moves.matches(path, ("plugins", moves.V2, "containerd", "runtimes", "*", "options"))
    plain_type = isinstance(value, (str, bool, int, float, dict)) or (
        isinstance(value, list) and all(isinstance(each, (str, bool, int)) for each in value)
    )
    return plain_type and path[0] != "imports" and (rel.prints_runtime_options or not is_option)


def _others(
    config: Configuration,
    changed: list[Path],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> list[list[str]] | None:
    """Return what else may differ in containerd's own output once the file is changed, None if that is open."""
    known = before or {}
    if any(known.get(key) != after.get(key) for key in ("imports", "disabled_plugins", "required_plugins")):
        return None
    if not config.is_part:
        return None
    servers = [] if all(path[0] == "plugins" for path in changed) else [["plugins", name] for name in moves.NEW_IN_4]
    return [list(path) for path in changed] + sorted(servers)


def _without(files: Combined, tables: set[Path]) -> list[Path]:
    """Return those of some tables that no file has.

    A table of a kind of which there can be many, such as a runtime, has containerd's own defaults until a file has it.
    """
    return [table for table in sorted(tables) if not any(moves.matches(path, table) for path in files.settings)]


def _is_below(path: Path, tables: list[Path]) -> bool:
    return any(moves.matches(path, table) for table in tables)


def _copies(config: Configuration, files: list[Source], text: str) -> list[str]:
    """Return copies of all files, the first of which imports the others by name, in the order of now."""
    texts = {**config.texts, config.target: text}
    names = [str(number) for number in range(1, len(files))]
    first = toml_edit.edit(texts[files[0].path], {"imports": names}, [])
    rest = [toml_edit.edit(texts[file.path], {}, [["imports"]]) for file in files[1:]]
    return [wire.pack(each.encode("utf-8")) or "" for each in (first, *rest)]


def _warnings(config: Configuration, remove: list[Path], removed: list[Path], new: Combined) -> list[str]:
    found = [f"{show(path)} is still set, by {new.settings[path].origin}" for path in removed if path in new.settings]
    if config.unread_by:
        found.append(
            f"containerd reads {config.unread_by}, which does not import {config.target}: the change has no effect"
        )
    return found


def tightened(args: Mapping[str, Any], edit: EditPlan) -> dict[str, Any]:
    """Return the file arguments that keep a secret in a file from others, where the user does not decide on them."""
    about = edit.file.attributes
    if args["mode"] is not None or not masking.holds_secret(edit.after) or (about and not about.is_exposed):
        return {}
    owner = {"owner": "0"} if about and about.uid and not args["owner"] else {}
    return {"mode": f"{_secrets.PRIVATE:04o}", **owner}


def refusal(problems: Sequence[Problem], edit: EditPlan, rel: Release) -> str:
    """Return in words what containerd makes of the new file, values masked."""
    first = problems[0]
    path, is_there = first.path, first.found is not ...
    value = first.found if is_there else ""
    found = writing.quote(plain.at(_secrets.mask_data(plain.nested(list(path), value)), path))
    if first.kind == "setting":
        made = f"reads it as {found}" if is_there else "does not know this setting and ignores it"
        text = f"{show(path)}: containerd {rel} {made}"
        if path[:2] == ("plugins", moves.V3_IMAGES) and edit.version == 2:
            text += " (from a file of version 2 it takes some settings only if containerd.runtimes is in it, too)"
    elif first.kind == "default":
        text = f"{show(path)}: it is removed from the file, but containerd {rel} still uses {found}"
        if not is_there:
            text = (
                f"{show(path)}: it is removed from the file, but containerd {rel} would not return to its default. Set "
                "the value you want instead"
            )
    else:
        text = f"the change would also change {show(path)}, which containerd {rel} would read as {found}"
        if not is_there:
            text = (
                f"the change would remove {show(path)}: containerd {rel} drops its own defaults for a table that is in "
                "the file. Add the settings to keep"
            )
    more = f" ({len(problems) - 1} more like this)" if len(problems) > 1 else ""
    return f"{text}{more}. Nothing was changed on the node"


def dropped(found: Sequence[Dropped], rel: Release) -> list[str]:
    """Return a warning about each table whose defaults containerd drops, as a file has it now."""
    tables: dict[Path, list[str]] = {}
    for each in found:
        value = plain.at(_secrets.mask_data(plain.nested(list(each.path), each.was)), each.path)
        tables.setdefault(each.path[:-1], []).append(f"{show(each.path[-1:])} was {writing.quote(value)}")
    return [
        f"{show(table)}: containerd {rel} drops its defaults for a table that is in a file: {', '.join(was)}. Removing "
        f"the table brings them back"
        for table, was in tables.items()
    ]
