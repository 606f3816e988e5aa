# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration of several files comes to: which file sets each value, and which settings get lost.

Every release merges `imports` in its own way (`LoadConfig` and `mergeConfig` in ``services/server/config/config.go``
and ``cmd/containerd/server/config/config.go``): up to 1.7 a later file replaces whole plugin tables, from 2.0 on it is
merged deeply; up to 2.2 the version of the last file that has one counts for all of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places as shared
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves, places, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.places import Ignored
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release, ReleaseError
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path, show

_APPENDED = ("imports", "disabled_plugins", "required_plugins")
_REPLACED_BY_KEY = ("stream_processors", "proxy_plugins", "timeouts")
_DEFAULTED = (
    ("root",),
    ("state",),
    ("grpc", "address"),
    ("grpc", "max_recv_message_size"),
    ("grpc", "max_send_message_size"),
)
"""What has a default other than an empty value: containerd merges a file over its defaults as over another file."""


class Source(NamedTuple):
    """One file of a configuration."""

    path: str
    data: Mapping[str, Any]

    @property
    def version(self) -> int:
        """Its own version, 0 where it has none."""
        return releases.file_version(dict(self.data)) if "version" in self.data else 0


class Setting(NamedTuple):
    """A value that is in effect. Lists at the top level are joined; their origin is the last file."""

    value: Any
    origin: str
    place: Path  # in that file


class Lost(NamedTuple):
    """A setting that has no effect, and why."""

    origin: str
    place: Path
    why: str
    overridden: Path | None = None  # where containerd shows the value of another file instead


class Combined(NamedTuple):
    """`settings` are keyed by where containerd's own output shows them."""

    settings: dict[Path, Setting]
    lost: list[Lost]


def patterns(file: Source) -> list[str]:
    """Return the `imports` of a file that are strings."""
    found = file.data.get("imports")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def in_order(main: str, files: Mapping[str, Source], rel: Release) -> tuple[list[Source], list[str]]:
    """Return the files in the order in which containerd merges them, and the plain imports that are missing.

    1.4 reads nothing more once it came to one that is.
    """
    order: list[Source] = []
    missing: list[str] = []
    pending = [main]
    seen = set()
    while pending:
        path = pending.pop(0)
        if path in seen:
            continue
        seen.add(path)
        if path not in files:
            missing.append(path)
            if rel.missing_import_fatal:
                continue
            break
        order.append(files[path])
        for pattern in patterns(files[path]):
            absolute = absolute_pattern(pattern, path, rel)
            found = [each for each in files if imported_by(each, absolute)]
            pending += sorted(found, key=lambda each: each.split("/")) if shared.is_glob(absolute) else [absolute]
    return order, [path for path in missing if path != main]


def absolute_pattern(pattern: str, parent: str, rel: Release) -> str:
    """Return an entry of `imports` as an absolute path; only `*` makes it a pattern."""
    from_root = shared.is_glob(pattern) and rel.relative_glob_from_root
    return posixpath.normpath(posixpath.join("/" if from_root else posixpath.dirname(parent), pattern))


def imported_by(path: str, pattern: str) -> bool:
    """Whether an absolute pattern names a path (as Go's `filepath.Match`: a `*` stays within one directory)."""
    if not shared.is_glob(pattern):
        return path == pattern
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(shared.matches, parts, wanted))


def counted_versions(files: Iterable[Source], rel: Release) -> list[int]:
    """Return for each file, in order, the version that it is read as; raises ReleaseError for a fatal mixture."""
    ordered = list(files)
    own = [file.version for file in ordered]
    counts = ordered if rel.imports_keep_version else [file for file in ordered if file.version][-1:]
    newer = next((file for file in counts if file.version > rel.newest_file), None)
    if newer and rel.newer_file_fatal:
        raise ReleaseError(
            f"{newer.path} is of version {newer.version}, and containerd {rel} reads at most version "
            f"{rel.newest_file}: it does not start with this file"
        )
    if rel.imports_keep_version:
        worse = [file for file in ordered[1:] if file.version > max(own[0], 1)]
        if worse and rel.newer_import_fatal:
            raise ReleaseError(
                f"{worse[0].path} has version {worse[0].version}, and containerd {rel} does not start with an imported "
                f"file of a newer version than {max(own[0], 1)}, that of {ordered[0].path}: use the same version in "
                "both"
            )
        return [max(each, 1) for each in own]
    if rel.newest_file == 2:
        last = next((each for each in reversed(own) if each), 1)
        return [last] * len(ordered)
    # 2.0 to 2.2: a file without a version counts as what was merged so far, which begins as version 3. It keeps
    # the right to short plugin names, which is reported by 1.
    return [each if each > 1 else 1 for each in own]


def combine(files: list[Source], rel: Release) -> Combined:
    """Return what a release makes of files in their order; raises ReleaseError where it does not start with them."""
    versions = counted_versions(files, rel)
    settings: dict[Path, Setting] = {}
    lost: list[Lost] = []
    joint = 0 if rel.imports_keep_version else joint_version(files, rel)
    decider = next((file for file in reversed(files) if file.version == joint), None)
    for file, version in zip(files, versions, strict=True):
        if version <= 1 and rel.newest_file > 2:
            _refuse_two_names(file)
        _replace_tables(settings, lost, file, rel)
        for place, value in plain.leaves(file.data):
            if place in (("version",), ("plugins",)):
                continue
            try:
                path = _shown(place, rel, version, joint)
            except Ignored as exc:
                why = str(exc)
                if decider not in (None, file):
                    why += f" ({decider.path} has this version, which applies to all files)"
                lost.append(Lost(file.path, place, why))
                continue
            except ReleaseError as exc:
                raise ReleaseError(f"{file.path}: {exc}") from exc
            migrated = [file] if rel.imports_keep_version else files if joint == 2 else []
            if _overruled(path, place, migrated):
                lost.append(
                    Lost(file.path, place, f"plugins.{show((V2, 'registry'))} also exists and replaces it entirely")
                )
                continue
            if _without_runtimes(path, place, migrated):
                why = f"containerd {rel} migrates it from version 2 only if there is a table containerd.runtimes"
                lost.append(Lost(file.path, place, why))
                continue
            _put(settings, lost, path, Setting(value, file.path, place), rel)
    return Combined(settings, lost)


def _refuse_two_names(file: Source) -> None:
    """Refuse a table under both its names, of which containerd takes one by the chance of Go's maps."""
    tables = file.data.get("plugins")
    names = tables if isinstance(tables, Mapping) else {}
    for short in names:
        if places.long_name(short) != short and places.long_name(short) in names:
            both = f"{show(('plugins', short))} and {show(('plugins', places.long_name(short)))}"
            raise ReleaseError(
                f"{file.path}: {both} are two names of the same table, and containerd uses either of them: keep one"
            )


def joint_version(files: list[Source], rel: Release) -> int:
    """Return the version that the whole configuration has where files are merged before they are migrated."""
    start = 1 if rel.newest_file == 2 else rel.newest_file
    return next((file.version for file in reversed(files) if file.version > 1), start)


def _shown(place: Path, rel: Release, version: int, joint: int) -> Path:
    if rel.newest_file == 2 or rel.imports_keep_version or place[0] != "plugins" or len(place) < 2:
        return places.shown(place, rel, version)
    if version <= 1 and "." not in place[1]:
        place = ("plugins", places.long_name(place[1]), *place[2:])
    return places.shown(place, rel, joint)


def _replace_tables(settings: dict[Path, Setting], lost: list[Lost], file: Source, rel: Release) -> None:
    """Drop what a file replaces as a whole: some tables always, those of plugins up to 1.7."""
    replaced: list[Path] = []
    tables = file.data.get("plugins")
    if rel.imports_replace_tables and isinstance(tables, Mapping):
        replaced += [("plugins", places.long_name(plugin)) for plugin in tables]
    for name in _REPLACED_BY_KEY:
        found = file.data.get(name)
        replaced += [(name, key) for key in found] if isinstance(found, Mapping) else []
    for table in replaced:
        for path in [path for path in settings if moves.matches(path, table)]:
            old = settings.pop(path)
            lost.append(Lost(old.origin, old.place, f"{file.path} has {show(table)} too, which replaces it entirely"))


def _overruled(path: Path, place: Path, files: list[Source]) -> bool:
    """Whether a registry table under its name of version 3 is replaced by one under that of version 2.

    2.0 to 2.2 migrate nothing in a configuration of version 3, and ignore such a table.
    """
    return (
        path[:3] == ("plugins", V3_IMAGES, "registry")
        and place[1] == V3_IMAGES
        and any(plain.at(file.data, ["plugins", V2, "registry"]) is not None for file in files)
    )


def _without_runtimes(path: Path, place: Path, files: list[Source]) -> bool:
    """Whether a setting of images in the table `containerd` of version 2 is left behind by the migration."""
    names = (moves.V1, V2)
    return (
        path[:2] == ("plugins", V3_IMAGES)
        and place[1] in names
        and place[2:3] == ("containerd",)
        and all(
            plain.at(file.data, ["plugins", name, "containerd", "runtimes"]) is None for file in files for name in names
        )
    )


def _put(settings: dict[Path, Setting], lost: list[Lost], path: Path, new: Setting, rel: Release) -> None:
    """Add a setting; the later file wins, with the exceptions that containerd makes."""
    old = settings.get(path)
    if path[0] in _APPENDED and old and isinstance(old.value, list) and isinstance(new.value, list):
        new = new._replace(value=[*old.value, *(each for each in new.value if each not in old.value)])
    elif path[0] != "plugins" and not new.value and (old or path in _DEFAULTED):
        other = f"{old.origin} sets it" if old else "it has a default"
        lost.append(Lost(new.origin, new.place, f"{other}, and an empty value does not override that"))
        return
    elif old and path[0] == "plugins" and _table(old) != _table(new) and _one_migration(old, new, rel):
        # What is migrated from version 2 replaces images' settings of version 3, and is replaced by runtime's.
        loser, winner = sorted((old, new), key=lambda each: (_table(each) == V2) == (path[1] == V3_IMAGES))
        lost.append(
            Lost(
                loser.origin,
                loser.place,
                f"{show(winner.place)} in {winner.origin} means the same and takes precedence",
            )
        )
        new = winner
    elif old and old.value != new.value:
        lost.append(Lost(old.origin, old.place, f"{new.origin} sets it too, and is read later", path))
    settings[path] = new


def _table(setting: Setting) -> str:
    """Return the name since version 2 of the plugin table that a setting is in."""
    return places.long_name(setting.place[1])


def _one_migration(old: Setting, new: Setting, rel: Release) -> bool:
    return old.origin == new.origin or not rel.imports_keep_version
