# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of one file of a configuration, decided with all the others in sight, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    config_version,
    imports,
    key_types,
    moves,
    node,
    places,
    plain,
    registry_config,
    releases,
    reply,
    secrets,
    toml_edit,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils.moves import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils.registry_config import ConfigError
from ansible_collections.airgap.containerd.plugins.plugin_utils.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_values import show

_WAY_OUT = "make this change in the file that has the table already"


class Edit(NamedTuple):
    """The new text of a file and how to prove it; `check` is what the node half's `edit` takes."""

    before: str | None
    after: str
    version: int
    moved: list[dict[str, Any]]
    check: dict[str, Any]
    warnings: list[str]


class Configuration:
    """The files of a node's configuration that one of them belongs to, as the node half's `look` tells them."""

    def __init__(self, seen: Mapping[str, Any], rel: Release):
        self.rel = rel
        self.about = {each["path"]: each for each in seen["files"]}
        if seen["path"] not in self.about:
            raise ConfigError(f"this node tells nothing of {seen['path']}")
        self.texts = {path: _text(each) for path, each in self.about.items() if each["content"] is not None}
        self.files = {path: imports.File(path, _data(path, text)) for path, text in self.texts.items()}
        self.main = seen["main"]
        real = self.about[seen["path"]]["real_path"]
        with_target = {**self.files, seen["path"]: self.files.get(seen["path"], imports.File(seen["path"], {}))}
        order = imports.in_order(self.main, with_target, rel)[0] if self.main in with_target else []
        same = [file.path for file in order if self.about[file.path]["real_path"] == real]
        self.is_part = bool(same) or seen["path"] == self.main
        self.target = same[0] if same else seen["path"]
        self.unread_by = None if self.is_part else self.main
        if not self.is_part:
            self.main = self.target

    @property
    def text(self) -> str | None:
        """The text of the file to change, None where there is none."""
        return self.texts.get(self.target)

    def with_target(self, data: Mapping[str, Any] | None) -> tuple[list[imports.File], list[str]]:
        """Return the files in order with other data in the one to change, and the imports that are missing."""
        files = dict(self.files)
        files.pop(self.target, None)
        if data is not None:
            files[self.target] = imports.File(self.target, data)
        return imports.in_order(self.main, files, self.rel)

    def version(self, data: Mapping[str, Any]) -> int:
        """Return the version that decides on the names of tables in the file to change, once it was changed."""
        if self.target == self.main:
            return registry_config.version_after(self.rel, data)
        order, dummy = self.with_target(data)
        index = [file.path for file in order].index(self.target)
        own = order[index].version
        if own or self.rel.imports_keep_version:
            return max(own, 1)
        if self.rel.newest_file == 2:
            return imports.counted_versions(order, self.rel)[index]
        return imports.joint_version(order, self.rel)


def decide(args: Mapping[str, Any], seen: Mapping[str, Any], rel: Release) -> Edit:
    """Return the change of one file; raises ConfigError, ReleaseError or TomlError where it must not be made.

    `args` has `merge`, `remove`, `lists`, `config_version` and `create` as the module takes them.
    """
    config = Configuration(seen, rel)
    text, data = config.text, dict(config.files[config.target].data) if config.text is not None else {}
    if text is None and not args["create"]:
        raise ConfigError(f"{config.target} does not exist on this node, and create is false")
    moved = config_version.move(rel, text or "", data, args["config_version"]) if args["config_version"] else None
    start, start_data = (moved.text, toml_edit.load(moved.text)) if moved else (text or "", data)
    merge, remove = _literal(args, config, start_data)
    after = toml_edit.edit(start, merge, [list(path) for path in remove], lists=args["lists"])
    result = toml_edit.load(after)
    edit = Edit(text, after, releases.file_version(result), moved.report if moved else [], {}, [])
    return _proven(config, data if text is not None else None, result, merge, remove, edit)


def _literal(args: Mapping[str, Any], config: Configuration, data: Mapping[str, Any]) -> tuple[dict, list[Path]]:
    """Return what to merge and to remove under the names that this file has."""
    merge, remove = key_types.typed(args["merge"]), args["remove"]
    for path in remove:
        if not isinstance(path, list) or not path or not all(isinstance(key, str) for key in path):
            raise ConfigError(
                "remove: each entry is a key path, a list of keys such as [plugins, cri_images, registry]"
            )
    version = config.version(data)
    asked = merge.get("version", version)
    if asked not in (version, None) and not isinstance(asked, dict):
        raise ConfigError(
            f"merge: version is {asked!r}, and {config.target} is of version {version}: set config_version instead, "
            f"which moves every setting to its new place"
        )
    if ["version"] in remove:
        raise ConfigError("remove: without its version the whole file means something else")
    literal = places.resolve_merge(merge, config.rel, version)
    if literal and "version" not in data and _new_version(config, data):
        literal.setdefault("version", _new_version(config, data))
    return literal, [place for path in remove for place in places.resolve(tuple(path), config.rel, version)]


def _new_version(config: Configuration, data: Mapping[str, Any]) -> int | None:
    """Return the version to give a file that has none, None where that would change what is in it."""
    if config.target == config.main:
        version = registry_config.version_after(config.rel, data)
        return version if version != releases.file_version(dict(data)) else None
    main = config.files.get(config.main)
    return (main.version or None) if main and not data.get("plugins") else None


def _proven(
    config: Configuration,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    merge: Mapping[str, Any],
    remove: list[Path],
    edit: Edit,
) -> Edit:
    """Return the edit with what the node has to check; raises ConfigError for what would get lost."""
    rel = config.rel
    old_files, old_missing = config.with_target(before)
    new_files, missing = config.with_target(after)
    new = imports.combine(new_files, rel)
    try:
        old = imports.combine(old_files, rel)
    except releases.ReleaseError:  # it does not start as it is, so there is nothing to lose
        old = imports.Combined({}, new.lost)
    asked = [path for path, dummy in plain.leaves(merge) if path != ("version",)]
    shown = {each.place: path for path, each in new.settings.items() if each.origin == config.target}
    _refuse_without_effect(config, asked, shown, new)
    _refuse_losses(old, new, {shown[path] for path in asked if path in shown}, edit)
    newly_missing = sorted(set(missing) - set(old_missing))
    if newly_missing and rel.missing_import_fatal:
        raise ConfigError(
            f"imports: {newly_missing[0]} does not exist, and containerd {rel} does not start without it: make it "
            f"first, or import it by a pattern with *"
        )
    removed = [
        path
        for path, each in old.settings.items()
        if each.origin == config.target and any(moves.matches(each.place, gone) for gone in remove)
    ]
    settings = [(shown[path], new.settings[shown[path]].value) for path in asked if path in shown]
    check = {
        "main": config.about[config.main]["real_path"] if config.main in config.about else config.main,
        "copies": _copies(config, new_files, edit.after) if config.main != config.target else [],
        "settings": [
            {"path": list(path), "value": value} for path, value in settings if _can_be_proven(path, value, rel)
        ],
        "defaults": [list(path) for path in removed if path not in new.settings],
        "others": _others(config, [path for path, dummy in settings] + removed, old, before, after),
    }
    return edit._replace(check=check, warnings=_warnings(config, remove, removed, new))


def _refuse_without_effect(config: Configuration, asked: list[Path], shown: Mapping[Path, Path], new: imports.Combined):
    lost = {each.place: each for each in new.lost if each.origin == config.target}
    for path in asked:
        if path not in shown and path in lost:
            why = lost[path].why
            where = "" if why.startswith(show(path)) else f"{show(path)} has no effect in {config.target}: "
            raise ConfigError(f"{where}{why}")


def _refuse_losses(old: imports.Combined, new: imports.Combined, asked: set[Path], edit: Edit) -> None:
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
        raise ConfigError(
            f"this change would take the effect from {len(severe)} settings in {severe[0].origin}, such as "
            f"{show(severe[0].place)}: {severe[0].why}. Instead, {_WAY_OUT}, and give all files one version"
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
    old: imports.Combined,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> list[list[str]] | None:
    """Return what else may differ in containerd's own output once the file is changed, None if that is open.

    A table of a kind of which there can be many, such as a runtime, has no defaults any more once a file has it.
    """
    known = before or {}
    if any(known.get(key) != after.get(key) for key in ("imports", "disabled_plugins", "required_plugins")):
        return None
    if not config.is_part:
        return None
    tables = {path[:-1] for path in changed if len(path) > 4}
    changed = changed + [each for each in sorted(tables) if not any(moves.matches(path, each) for path in old.settings)]
    servers = [] if all(path[0] == "plugins" for path in changed) else [["plugins", name] for name in moves.NEW_IN_4]
    return [list(path) for path in changed] + sorted(servers)


def _copies(config: Configuration, files: list[imports.File], text: str) -> list[str]:
    """Return copies of all files, the first of which imports the others by name, in the order of now."""
    texts = {**config.texts, config.target: text}
    names = [str(number) for number in range(1, len(files))]
    first = toml_edit.edit(texts[files[0].path], {"imports": names}, [])
    rest = [toml_edit.edit(texts[file.path], {}, [["imports"]]) for file in files[1:]]
    return [node.content(each) for each in (first, *rest)]


def _warnings(config: Configuration, remove: list[Path], removed: list[Path], new: imports.Combined) -> list[str]:
    found = [f"{show(path)} is still set, by {new.settings[path].origin}" for path in removed if path in new.settings]
    if config.unread_by:
        found.append(
            f"containerd reads {config.unread_by}, which does not import {config.target}: the change has no effect"
        )
    return found


def tightened(args: Mapping[str, Any], about: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return the file arguments that keep a secret in a file from others, where the user does not decide on them."""
    if (
        args["mode"] is not None
        or not secrets.holds_secret(text)
        or ("mode" in about and not secrets.is_exposed(about))
    ):
        return {}
    return {"mode": f"{secrets.PRIVATE:04o}", **({"owner": "0"} if about.get("uid") and not args["owner"] else {})}


def refusal(problems: list[Mapping[str, Any]], edit: Edit, rel: Release) -> str:
    """Return in words what containerd makes of the new file, values masked."""
    first = problems[0]
    path = tuple(first["path"])
    found = toml_edit.quote(plain.at(secrets.mask_data(plain.nested(list(path), first.get("found", ""))), path))
    if first["kind"] == "setting":
        made = f"makes {found} of it" if "found" in first else "does not know this setting and ignores it"
        text = f"{show(path)}: containerd {rel} {made}"
        if path[:2] == ("plugins", moves.V3_IMAGES) and edit.version == 2:
            text += " (from a file of version 2 it takes some settings only if containerd.runtimes is in it, too)"
    elif first["kind"] == "default":
        text = f"{show(path)}: it is removed from the file, and containerd {rel} still makes {found} of it"
    else:
        text = f"the change would also change {show(path)}, which containerd {rel} would make {found}"
        if "found" not in first:
            text = (
                f"the change would take away {show(path)}: containerd {rel} drops its own defaults for a table that "
                f"the file has. Add what should stay"
            )
    more = f" ({len(problems) - 1} more like this)" if len(problems) > 1 else ""
    return f"{text}{more}. Nothing was changed on the node"


def _text(about: Mapping[str, Any]) -> str:
    try:
        return node.text(about["content"]) or ""
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{about['path']}: {toml_edit.not_utf8(exc)}, containerd cannot read it either") from None


def _data(path: str, text: str) -> dict[str, Any]:
    try:
        data = toml_edit.load(text)
        reply.checked(data, reply.CONFIG, path)
        return data
    except toml_edit.TomlError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    except reply.ReplyError as exc:
        raise ConfigError(f"{exc}: containerd does not accept it either") from exc
