# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a config.toml to a newer version: every setting to its new place, comments with it, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves, places, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V1, V2, V3_IMAGES
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, key, show
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.scan import Entry, scan


class Moved(NamedTuple):
    """A file of another version; `report` has `from` and `to` (None: dropped, it is empty and unknown since)."""

    text: str
    report: list[dict[str, Any]]


def move(rel: Release, text: str, data: Mapping[str, Any], target: int) -> Moved:
    """Return the text of a file for another version; raises Refusal where a setting has no place there."""
    version = releases.file_version(dict(data))
    if not 2 <= target <= rel.newest_file:
        raise Refusal(f"config_version: containerd {rel} supports versions 2 to {rel.newest_file}, not {target}")
    if target < version:
        raise Refusal(f"config_version: the file has version {version} and cannot be converted back to {target}")
    if target == version:
        return Moved(text, [])
    report: list[dict[str, Any]] = []
    for step in range(version, target):
        text = _step(rel, text, step, report)
    return Moved(text, [each for each in report if each["from"] != each["to"]])


def _step(rel: Release, text: str, version: int, report: list[dict[str, Any]]) -> str:
    data = load(text)
    wanted: dict[str, Any] = {}
    found: dict[Path, Path] = {}
    for path, value in plain.leaves(data):
        place = None if version == 1 and _is_twin(data, path, value) else _new_place(rel, path, value, version)
        found[path] = place or ()
        if place is None:
            continue
        if plain.at(wanted, place) is not None:
            raise Refusal(f"config_version: {show(path)} moves to {show(place)}, which is also set: remove one")
        plain.deep_merge(wanted, plain.nested(list(place), _new_value(rel, path, value, version)))
    if version >= 3:
        _ttrpc_as_before(data, wanted)
    wanted["version"] = version + 1
    _report(report, found)
    rewritten = _rewrite(text, found)
    return edit.edit(rewritten, *plain.delta(load(rewritten), wanted))


def _is_twin(data: Mapping[str, Any], path: Path, value: Any) -> bool:
    """Whether it is a registry setting of a file without a version that the role wrote for containerd 2.0 too."""
    return path[:3] == ("plugins", V3_IMAGES, "registry") and plain.at(data, ["plugins", V1, *path[2:]]) == value


def _new_place(rel: Release, path: Path, value: Any, version: int) -> Path | None:
    """Return where a setting goes, None if it may be dropped."""
    if version >= 3:
        if path[:2] == ("plugins", V2):
            return places.new_place_in_3(path, rel)
        return moves.new_place(path, moves.IN_4) or path
    if path[0] == "plugins" and len(path) > 1 and version == 1:
        if "." in path[1]:
            raise Refusal(
                f"config_version: {show(path)} has no effect because this file has no version, but would take effect "
                "with one: remove it, or move it to its short name"
            )
        if path[1] not in moves.SHORT_NAMES:
            raise Refusal(f"config_version: {show(path)} has no known place in version 2: remove it first")
        return ("plugins", moves.SHORT_NAMES[path[1]], *path[2:])
    if version == 1:
        return path
    gone = [pattern for pattern in moves.GONE_IN_3 if moves.matches(path, pattern)]
    if gone and _holds(value):
        raise Refusal(f"config_version: {show(path)} has no place in version 3: remove it first")
    return None if gone else places.new_place_in_3(path, rel)


def _holds(value: Any) -> bool:
    return bool(value) and value != {}


def _new_value(rel: Release, path: Path, value: Any, version: int) -> Any:
    if path in (("disabled_plugins",), ("required_plugins",)) and version == 1:
        return [places.long_name(each) if isinstance(each, str) else each for each in value]
    if version == 2 and rel.cni_bin_dirs and path == moves.BIN_DIR[0]:
        return [value]
    return value


def _ttrpc_as_before(data: Mapping[str, Any], wanted: dict[str, Any]) -> None:
    """Up to version 3 the ttrpc socket is beside that of gRPC where nothing else is said (`serviceMigrate`)."""
    grpc, ttrpc = data.get("grpc") or {}, data.get("ttrpc") or {}
    if grpc.get("address") and not ttrpc.get("address"):
        place = moves.IN_4["ttrpc", "address"]
        derived = {"address": grpc["address"] + ".ttrpc", **{name: grpc.get(name, 0) for name in ("uid", "gid")}}
        plain.deep_merge(wanted, plain.nested(list(place[:-1]), {**derived, **{k: v for k, v in ttrpc.items() if v}}))


def _report(report: list[dict[str, Any]], found: Mapping[Path, Path]) -> None:
    """Add what moved, in one entry from the first to the last step."""
    known = {tuple(each["to"]): each for each in report if each["to"]}
    for path, place in found.items():
        if path == ("version",):
            continue
        if path in known:
            known[path]["to"] = list(place) or None
        else:
            report.append({"from": list(path), "to": list(place) or None})


def _rewrite(text: str, found: Mapping[Path, Path]) -> str:
    """Return the text with the names of tables in headers changed where everything in them moves together.

    What is left, such as the keys of a table that falls apart, is placed by the editor.
    """
    lines = []
    for entry in scan(text).entries:
        place = _place_of_table(entry, found) if entry.kind == "table" else None
        new = _spelled(entry, place) if place else entry.written
        lines.append(entry.text.replace(".".join(entry.written), ".".join(new), 1) if place else entry.text)
    rewritten = "".join(lines)
    try:
        load(rewritten)
    except TomlError:
        return text
    return rewritten


def _place_of_table(entry: Entry, found: Mapping[Path, Path]) -> Path | None:
    """Return the new path of a table: of most of its settings, as long as they keep their names in it."""
    size = len(entry.path)
    votes: dict[Path, int] = {}
    for path, goes in found.items():
        if path[:size] == entry.path and goes and goes[len(goes) - (len(path) - size) :] == path[size:]:
            new = goes[: len(goes) - (len(path) - size)]
            votes[new] = votes.get(new, 0) + 1
    place: Path | None = max(votes, key=votes.__getitem__) if votes else None
    return place if place and place != entry.path else None


def _spelled(entry: Entry, place: Path) -> tuple[str, ...]:
    """Return a path as the header spells its keys: quoted as those before."""
    quote = next((part[0] for part in entry.written if part[0] in "\"'"), '"')
    old = dict(zip(entry.path, entry.written, strict=True))
    return tuple(old.get(part) or key(part, quote) for part in place)
