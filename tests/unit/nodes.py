# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as the control node sees them, made up for tests."""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective, Unit
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    Attributes,
    Daemon,
    File,
    Observation,
    Tree,
    TreeFile,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place

CONFIG = Place("/etc/containerd/config.toml")
HOSTS_DIR = Place("/etc/containerd/certs.d")


def attributes(mode: int = 0o644, uid: int = 0, ctime: float = 100.0) -> Attributes:
    """Return those of a file that root wrote before containerd started."""
    return Attributes(mode, uid, 0, ctime)


def file(text: str | bytes | None, path: str = CONFIG, mode: int = 0o644, ctime: float = 100.0) -> File:
    """Return a configuration file; None for one that is not there."""
    if text is None:
        return File(Place(path), Place(path), None, None, None)
    content = text.encode() if isinstance(text, str) else text
    return File(Place(path), Place(path), content, hashlib.sha256(content).hexdigest(), attributes(mode, ctime=ctime))


def tree_file(text: str | bytes, mode: int = 0o600, link: str | None = None) -> TreeFile:
    """Return a hosts.toml file."""
    content = text.encode() if isinstance(text, str) else text
    return TreeFile(content, hashlib.sha256(content).hexdigest(), attributes(mode), link)


def tree(texts: dict[str, str | bytes | TreeFile] | None = None, **parts: Any) -> Tree:
    """Return a tree with these files, `{DIRECTORY/hosts.toml: text}`, and their directories."""
    files = {path: each if isinstance(each, TreeFile) else tree_file(each) for path, each in (texts or {}).items()}
    directories = dict.fromkeys(path.partition("/")[0] for path in files if not path.startswith("/"))
    return Tree(directories=(*directories, *parts.pop("directories", ())), files=files, **parts)


def node(version: str | None = "1.7.24", text: str | None = None, **changes: Any) -> Observation:
    """Return a node that runs a release of containerd with this config.toml, started since."""
    found = observation.without_containerd()._replace(
        version=version and f"containerd github.com/containerd/containerd {version} x",
        unit=Unit(found=True, active=True, kill_mode="process"),
        is_image=False,
        config=file(text),
        effective=Effective(),
        fingerprint="f",
        sweep=(HOSTS_DIR,),
        daemon=Daemon("1:1", 200.0),
    )
    return found._replace(**changes)
