# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a node's configuration, of which one is to be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import imports, registry_table
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import File
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Look


class Configuration:
    """The files of a node's configuration that one of them belongs to, as the node half's `look` tells them."""

    def __init__(self, seen: Look, rel: Release):
        self.rel = rel
        self.about: dict[str, File] = {each.path: each for each in seen.files}
        if seen.path not in self.about:
            raise Refusal(f"this node reports nothing about {seen.path}")
        self.texts = {path: each.text for path, each in self.about.items() if each.text is not None}
        self.files = {path: Source(path, self.about[path].data()) for path in self.texts}
        self.main: str = seen.main
        real = self.about[seen.path].real_path
        with_target = {**self.files, seen.path: self.files.get(seen.path, Source(seen.path, {}))}
        order = imports.in_order(self.main, with_target, rel)[0] if self.main in with_target else []
        same = [file.path for file in order if self.about[file.path].real_path == real]
        self.is_part = bool(same) or seen.path == self.main
        self.target: str = same[0] if same else seen.path
        self.unread_by = None if self.is_part else self.main
        if not self.is_part:
            self.main = self.target

    @property
    def text(self) -> str | None:
        """The text of the file to change, None where there is none."""
        return self.texts.get(self.target)

    def with_target(self, data: Mapping[str, Any] | None) -> tuple[list[Source], list[str]]:
        """Return the files in order with other data in the one to change, and the imports that are missing."""
        files = dict(self.files)
        files.pop(self.target, None)
        if data is not None:
            files[self.target] = Source(self.target, data)
        return imports.in_order(self.main, files, self.rel)

    def version(self, data: Mapping[str, Any]) -> int:
        """Return the version that decides on the names of tables in the file to change, once it was changed."""
        if self.target == self.main:
            return registry_table.version_after(self.rel, data)
        order, dummy = self.with_target(data)
        index = [file.path for file in order].index(self.target)
        own = order[index].version
        if own or self.rel.imports_keep_version:
            return max(own, 1)
        if self.rel.newest_file == 2:
            return imports.counted_versions(order, self.rel)[index]
        return imports.joint_version(order, self.rel)
