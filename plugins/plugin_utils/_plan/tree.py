# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts.toml files and certificates of a node: what to write, what to take away, what to leave alone."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Tree, TreeFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Shared, Written
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Text


class TreePlan(NamedTuple):
    """The changes of a tree of files; paths are absolute."""

    writes: dict[str, str]  # path: new text
    removes: list[str]
    directories: list[str]  # to remove when they are empty
    before: dict[str, str]  # path: text of what is replaced or removed
    edited: list[str]  # of the writes, those that replace a hand-edited file: a copy of it is kept
    files: dict[str, Written]  # the record's new `files`
    warnings: list[str]
    shared: dict[str, Shared]  # of the writes, how others may read them where that is not for us to say


def nothing() -> TreePlan:
    """Return the plan that changes no file."""
    return TreePlan({}, [], [], {}, [], {}, [], {})


def sha256(text: str) -> str:
    """Return the hex digest that the node computes of the same file."""
    return str(places.digest(text.encode("utf-8")))


def plan(
    wanted: Mapping[str, str],
    hosts_dir: str,
    found: Tree,
    recorded: Mapping[str, Written],
    prune: bool,
) -> TreePlan:
    """Compare the wanted files with those on the node and those written by earlier runs.

    `wanted` is `{path: text}`, each path absolute or relative to `hosts_dir`.
    `found` is the tree below `hosts_dir`, `recorded` the record's `files`.
    What no record names stays. What was edited by hand since it was written is replaced if it is wanted (and
    reported), and left alone otherwise.
    """
    tree = nothing()
    for relative, text in wanted.items():
        _plan_write(tree, posixpath.join(hosts_dir, relative), text, _there(found, relative), recorded)
    for path, entry in recorded.items():
        if path not in tree.files:
            _plan_removal(tree, path, entry, _find(found, path, hosts_dir), prune)
    used = {posixpath.dirname(path) for path in tree.files}
    tree.directories[:] = [each for each in tree.directories if each not in used]
    return tree


def _there(found: Tree, path: str) -> TreeFile | None:
    """Return a file of the tree, None where nothing is; something else than a file is one without content."""
    return found.files.get(path) or (TreeFile() if found.holds(path) else None)


def _find(found: Tree, path: str, hosts_dir: str) -> TreeFile | None:
    return _there(found, path) or _there(found, posixpath.relpath(path, hosts_dir))


def _text(path: str, there: TreeFile | None) -> str | None:
    """Return the text of a file on the node, None where there is none; raises Refusal."""
    if not there:
        return None
    if there.link:
        raise Refusal(
            f"{path} is reached through a symbolic link (to {there.link}), which is not followed: remove the link"
        )
    if there.content is None:
        raise Refusal(f"{path} is not a file: remove it")
    try:
        return there.content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Refusal(f"{path} is not UTF-8 (byte {exc.start}), and would be replaced: remove it") from exc


def _plan_write(tree: TreePlan, path: str, text: str, there: TreeFile | None, recorded: Mapping[str, Written]) -> None:
    entry = recorded.get(path)
    current = _text(path, there)
    tree.files[path] = _entry(path, entry, there, current, text)
    if there and there.attributes and placement.mode(path) == _secrets.PRIVATE and there.is_exposed:
        mode = there.attributes.mode
        tree.warnings.append(
            f"{path} can contain credentials and was readable by others: only root can read it now (its mode was "
            f"{mode:04o})"
        )
    elif current == text:
        return
    if there and current is not None:
        tree.before[path] = current
        if entry is not None and there.sha256 not in (entry.sha256, sha256(text)):
            tree.edited.append(path)
            tree.warnings.append(
                f"{path} was edited by hand since the last run: replaced, a copy is in {places.STATE_DIR}"
            )
        elif entry is None and current != text:
            tree.warnings.append(f"{path} existed before: replaced, and kept for state=absent")
    tree.writes[path] = text


def _entry(path: str, entry: Written | None, there: TreeFile | None, current: str | None, text: str) -> Written:
    """Return the record of a file that is to hold `text`."""
    if entry:
        return entry._replace(sha256=sha256(text))
    if current is None or current == text:
        return Written(sha256(text), None)
    about = there.attributes if there else None
    differs = about and (about.mode, about.gid) != (placement.mode(path), 0)
    return Written(sha256(text), Text(current), Shared(about.mode, about.gid) if about and differs else None)


def _plan_removal(tree: TreePlan, path: str, entry: Written, there: TreeFile | None, prune: bool) -> None:
    if there is None:
        return
    current = _text(path, there) or ""
    if not prune:
        tree.files[path] = entry
    elif there.sha256 != entry.sha256:
        tree.warnings.append(f"{path} is no longer needed, but was edited by hand since it was written: left in place")
    elif entry.original is not None:
        tree.writes[path] = entry.original
        if entry.shared:
            tree.shared[path] = entry.shared
        tree.before[path] = current
    else:
        tree.removes.append(path)
        tree.directories.append(posixpath.dirname(path))
        tree.before[path] = current
