# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read of a configuration before anything is written: whether containerd starts, whether CRI loads, whether
the registry settings have an effect. containerd's own printer tells none of it; the node tries what is not known here.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Wanted
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import imports, registry_table
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Combined, Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


class Configuration(NamedTuple):
    """config.toml with all that it imports, in the order of reading, and what they come to."""

    files: list[Source]
    combined: Combined
    rel: Release

    @property
    def main(self) -> Source:
        """config.toml itself."""
        return self.files[0]


def configuration(observed: Observation, text: str | None, rel: Release) -> Configuration:
    """Return what this config.toml would come to on the node; raises Refusal where containerd cannot start."""
    if observed.effective.fatal:  # nothing that this collection sets
        raise Refusal(f"{observed.effective.fatal}: containerd {rel} does not start with that, correct it first")
    main = str(observed.config.path)
    files = {main: Source(main, registry_table.parse(text or "", main))}
    for each in observed.imports:
        try:
            files[str(each.path)] = Source(str(each.path), each.data())
        except Refusal:  # left to containerd, which describes what is wrong with it
            files[str(each.path)] = Source(str(each.path), {})
    order, missing = imports.in_order(main, files, rel)
    if missing and rel.missing_import_fatal:
        raise Refusal(
            f"imports in {_importer(missing[0], order, rel)} names {missing[0]}, which does not exist on this node, "
            f"and containerd {rel} does not start without it: create it, or remove it from imports"
        )
    return Configuration(order, imports.combine(order, rel), rel)


def _importer(path: str, order: list[Source], rel: Release) -> str:
    return next(
        file.path
        for file in order
        if path in (imports.absolute_pattern(each, file.path, rel) for each in imports.patterns(file))
    )


def without_effect(found: Configuration, wanted: Wanted) -> str | None:
    """Return why the registry settings of config.toml have no effect for what it imports, or None."""
    main, table = found.main.path, ("plugins", V2 if found.rel.newest_file == 2 else V3_IMAGES, "registry")
    settings = {path[3:]: each for path, each in found.combined.settings.items() if path[:3] == table}
    config_path = settings.get(("config_path",))
    legacy = {path[1]: each for path, each in settings.items() if path[0] == "mirrors" and len(path) > 1}
    right = not legacy if wanted.config_path else set(wanted.mirrors) <= set(legacy)
    if wanted.config_path is None or (right and (config_path.value if config_path else "") == wanted.config_path):
        return None
    lost = [each.why for each in found.combined.lost if each.origin == main and each.place[2:3] == ("registry",)]
    others = [each.origin for each in (config_path, *legacy.values()) if each and each.origin != main]
    why = lost[0] if lost else f"{others[0]} sets the registry table too" if others else None
    if why is None:
        return None  # not for what it imports: containerd's own check tells
    remedy = "move the settings of CRI from there into config.toml, and remove the file from imports"
    other = _of_another_version(found)
    if lost and other:
        why = (
            f"{other.path} is of version {other.version}, {main} of version {max(found.main.version, 1)}, and "
            f"containerd {found.rel} reads the settings of both as those of version {other.version}"
        )
        remedy = "give both the same version, with the tables that it has"
    return f"the registry settings in {main} would have no effect with what it imports: {why}: {remedy}"


def _of_another_version(found: Configuration) -> Source | None:
    """Return the file that decides which version all of them have, where that is not the one of config.toml."""
    if found.rel.imports_keep_version:
        return None
    decider = next((each for each in reversed(found.files) if each.version > 1), found.main)
    return None if decider.version == found.main.version else decider


def loadable(text: str | None, rel: Release) -> tuple[str | None, list[str]]:
    """Return a previous config.toml without what this containerd's CRI does not load with, and what that was."""
    data = load(text or "")
    path = registry_table.registry_path(rel, data)
    table = plain.at(data, path) or {}
    kept_empty = table.get("config_path") == "" and data.get("version", 1) > 2
    if not table.get("config_path") and (not rel.mirrors_impossible or kept_empty):
        return text, []
    left_out = [[*path, "mirrors"]] if table.get("mirrors") else []
    if rel.tls_tables_block_config_path:
        left_out += [
            [*path, "configs", host, "tls"] for host, each in table.get("configs", {}).items() if "tls" in each
        ]
    if not left_out:
        return text, []
    return edit.edit(text or "", {}, left_out), [".".join(each[3:]) for each in left_out]
