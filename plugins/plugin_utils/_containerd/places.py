# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a setting belongs in a file of a given version, and where containerd shows it once it has read the file.

A release reads some tables from files of some versions only and ignores the others without a word (or with a line in
its log that nobody reads). Asking for such a table is an error here, and the message names the place that is read.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release, ReleaseError
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, show

_KNOWN = (*moves.ALIASES, *moves.SHORT_NAMES)
_SHORT = {long: short for short, long in moves.SHORT_NAMES.items()}


class Ignored(ReleaseError):
    """This containerd does not read this table from a file of this version; the message says what it does read."""


def long_name(plugin: str) -> str:
    """Return the name since version 2 of a plugin that version 1 calls by a short one."""
    return moves.SHORT_NAMES.get(plugin, plugin)


def resolve_merge(settings: Mapping[str, Any], rel: Release, version: int) -> dict[str, Any]:
    """Return settings with the aliases below `plugins` resolved for a file of this version."""
    plugins = settings.get("plugins")
    if not isinstance(plugins, Mapping) or not set(plugins) & set(moves.ALIASES):
        return dict(settings)
    result = {key: value for key, value in settings.items() if key != "plugins"}
    result["plugins"] = {name: value for name, value in plugins.items() if name not in moves.ALIASES}
    for name in sorted(set(plugins) & set(moves.ALIASES)):
        if not isinstance(plugins[name], Mapping):
            raise Ignored(f"merge: plugins.{name} is a table: give a mapping")
        for path, value in plain.leaves({"plugins": {name: plugins[name]}}):
            plain.deep_merge(result, plain.nested(list(resolve(path, rel, version)[0]), value))
    return result


def resolve(path: Path, rel: Release, version: int) -> list[Path]:
    """Return the places in a file of this version that a path with an alias stands for; others are returned as is.

    Below `cri_images`, `cri_runtime` and `cri_server` keys may have their names of version 2 or 3. A path that stands
    for a table of version 3 can be several places in version 2.
    """
    if len(path) < 2 or path[0] != "plugins" or path[1] not in moves.ALIASES:
        return [path]
    plugin = moves.ALIASES[path[1]]
    wanted = ("plugins", plugin, *path[2:])
    if len(path) > 2:
        newer = moves.new_place(("plugins", V2, *path[2:]), moves.IN_3)
        if newer and newer[1] == plugin:
            wanted = newer
    images = releases.images_plugin(rel, version)
    if images == V3_IMAGES:
        return [wanted]
    if len(path) == 2 and plugin == V3_RUNTIME:
        raise Ignored(
            f"{show(path)}: in a file of version {version} this is not a table of its own: name the keys in it"
        )
    old = moves.old_places(wanted, moves.IN_3) or [("plugins", V2, *path[2:])]
    return [("plugins", _SHORT.get(each[1], each[1]), *each[2:]) if images == moves.V1 else each for each in old]


def shown(path: Path, rel: Release, version: int) -> Path:
    """Return where containerd's own output has what stands at `path` in a file of this version.

    Raises Ignored where it does not read it from there, ReleaseError where it does not start with it.
    """
    version = max(version, 1)
    releases.images_plugin(rel, version)  # refuses a file that is too new
    if path[0] != "plugins":
        return _top_level(path, rel, version)
    if len(path) == 1:
        return path
    return _first_generation(path, rel, version) if rel.newest_file == 2 else _second_generation(path, rel, version)


def _top_level(path: Path, rel: Release, version: int) -> Path:
    newer = moves.new_place(path, moves.IN_4) if rel.newest_file >= 4 else None
    if newer and version >= 4:
        raise Ignored(_message(path, rel, version, newer))
    return newer or path


def _first_generation(path: Path, rel: Release, version: int) -> Path:
    """1.x: short names in version 1, long ones since; there is nothing newer."""
    name = path[1]
    if version == 1:
        if "." in name:
            raise Ignored(_message(path, rel, version, ("plugins", _SHORT.get(name, "SHORT_NAME"), *path[2:])))
        return ("plugins", long_name(name), *path[2:])
    if "." not in name and version > 2 and not rel.newer_file_checked:
        raise Ignored(
            f"{show(path)}: containerd {rel} ignores this in a file of version {version}: {_instead_of_short(path)}"
        )
    if "." not in name:
        raise ReleaseError(
            f"{show(path)}: containerd {rel} does not start with a short plugin name in a file of version {version}: "
            f"{_instead_of_short(path)}"
        )
    if name in moves.NEW_IN_3 | moves.NEW_IN_4:
        older = moves.old_places(path, moves.IN_3)
        raise Ignored(_message(path, rel, version, older[0] if older else None))
    return path


def _second_generation(path: Path, rel: Release, version: int) -> Path:
    """2.x: a file of version 2 is migrated, one without a version is only renamed before it counts as version 3."""
    if "." not in path[1]:
        renamed = ("plugins", long_name(path[1]), *path[2:])
        if renamed == path and version >= 2:
            raise Ignored(f"{show(path)}: containerd {rel} has no plugin of this name: {_instead_of_short(path)}")
        if version >= 2:
            raise Ignored(_message(path, rel, version, renamed))
        path = renamed
    if path[1] in moves.NEW_IN_4 and rel.newest_file < 4:
        older = moves.old_places(path, moves.IN_4)
        raise Ignored(_message(path, rel, version, older[0] if older else None))
    newer = new_place_in_3(path, rel)
    if newer == path:
        return path
    if version == 2 or (version < 4 and rel.migrates_unversioned):
        return newer
    raise Ignored(_message(path, rel, version, newer))


def new_place_in_3(path: Path, rel: Release) -> Path:
    """Return where a path of version 2 is in version 3, for a release that knows version 3."""
    if rel.cni_bin_dirs and path == moves.BIN_DIR[0]:
        return moves.BIN_DIR[1]
    return moves.new_place(path, moves.IN_3) or path


def _instead_of_short(path: Path) -> str:
    """Return what to write for a plugin name that is not a long one."""
    name = path[1]
    if name in _KNOWN:
        return f"use {show(('plugins', long_name(name), *path[2:]))}"
    near = difflib.get_close_matches(name, _KNOWN, 1)
    if near:
        return f"did you mean {show(('plugins', near[0], *path[2:]))}?"
    return f"valid names are {', '.join(moves.ALIASES)}, and long names as containerd prints them"


def _message(path: Path, rel: Release, version: int, instead: Path | None) -> str:
    hint = f"use {show(instead)}" if instead else "it has no such setting"
    aliases = {V3_IMAGES: "cri_images", V3_RUNTIME: "cri_runtime"}
    name = next((aliases[place[1]] for place in (path, instead or ()) if len(place) > 1 and place[1] in aliases), None)
    alias = f", or plugins.{name}, which means the correct table in every version" if instead and name else ""
    return f"{show(path)}: containerd {rel} ignores this in a file of version {version}: {hint}{alias}"
