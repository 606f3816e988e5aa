# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where config.toml holds the registry settings, for each release and version of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import ShapeError
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import dialects, keys, lexing
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import KeyPath


def parse(text: str, path: str) -> dict[str, Any]:
    """Return what a configuration file says, with the types that containerd requires; raises Refusal."""
    try:
        data = _loaded(text)
        line = lexing.line_of_escaped_key(text) if "\\" in text else None
        if line:
            raise TomlError(
                f"line {line} has an escaped key, which not every containerd release supports: write it without escapes"
            )
        spelled = _of_another_case(data, CONFIG)
        if spelled:
            raise TomlError(
                f"{keys.show(spelled[0])}: not every containerd release accepts this as {spelled[1]}: write it in "
                "lower case"
            )
        _shape.checked(data, CONFIG, "")
        return data
    except TomlError as exc:
        raise Refusal(f"{path}: {exc}") from exc
    except ShapeError as exc:
        raise Refusal(f"{path}: {exc}, and a containerd that reads it does not start") from exc


def _loaded(text: str) -> dict[str, Any]:
    try:
        return load(text)
    except TomlError as exc:
        if not any(_is_read(text, old) for old in (True, False)):
            raise
        raise TomlError(
            f"{exc}: some containerd releases read it anyway, but this collection edits only TOML 1.0: rewrite it as "
            "TOML 1.0"
        ) from None


def _is_read(text: str, old: bool) -> bool:
    try:
        dialects.read(text, old)
    except TomlError:
        return False
    return True


def _of_another_case(data: Any, shape: Any, place: Path = ()) -> tuple[Path, str] | None:
    """Return the first key that is one of those in the shape but for its case, and that one."""
    if not isinstance(data, dict) or not isinstance(shape, dict):
        return None
    named = {key.rstrip("?"): inner for key, inner in shape.items() if isinstance(key, str)}
    for key, value in data.items():
        if key not in named and key.lower() in named:
            return (*place, key), key.lower()
        found = _of_another_case(value, named.get(key, shape.get(str)), (*place, key))
        if found:
            return found
    return None


def registry_path(rel: Release, data: Mapping[str, Any]) -> KeyPath:
    """Return the key path of the registry table that this containerd reads from this file."""
    return ["plugins", _images_plugin(rel, version_after(rel, data), data.get("plugins") or {}), "registry"]


def images_table(rel: Release, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the plugin table with the registry settings that this release reads from this file."""
    plugins = data.get("plugins") or {}
    version = releases.file_version(dict(data))
    old = plugins.get(moves.V2) or {}
    if rel.newest_file >= 4 and version == 3 and "registry" in old:
        return old
    return plugins.get(_images_plugin(rel, version, plugins)) or {}


def _images_plugin(rel: Release, version: int, plugins: Mapping[str, Any]) -> str:
    """Return the plugin that holds the registry settings in such a file.

    From 2.0 on a file of version 2 may have them under version 3's name, if it has none under its own.
    """
    old, new = (plugins.get(name) or {} for name in (moves.V2, moves.V3_IMAGES))
    if rel.newest_file >= 3 and version == 2 and "registry" not in old and "registry" in new:
        return moves.V3_IMAGES
    return releases.images_plugin(rel, version)


def gets_version(data: Mapping[str, Any]) -> bool:
    """Whether `version` can be added without changing the meaning of anything in the file.

    Short plugin names (`cri`) are looked up in files of version 1 only, so a file with any of them stays as it is.
    """
    if "version" in data or data.get("plugins") or data.get("imports"):
        return False
    names = [name for key in ("disabled_plugins", "required_plugins") for name in data.get(key) or []]
    return all("." in name or name in releases.CRI_PLUGINS for name in names)


def version_after(rel: Release, data: Mapping[str, Any]) -> int:
    """Return the version that the file has once it was changed."""
    return rel.new_file if gets_version(data) else releases.file_version(dict(data))


TABLE = {str: object}
CONFIG = {
    "version?": int,
    "imports?": [str],
    "disabled_plugins?": [str],
    "required_plugins?": [str],
    "plugins?": {
        str: {
            "registry?": {
                "config_path?": str,
                "mirrors?": {str: {"endpoint?": [str], str: object}},
                "configs?": {str: {"auth?": TABLE, "tls?": TABLE, str: object}},
                "auths?": TABLE,
                "headers?": TABLE,
                str: object,
            },
            str: object,
        }
    },
    str: object,
}
"""What this collection reads of config.toml, with the types that every containerd requires."""
