# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and key paths, written as TOML spells them."""

from __future__ import annotations

import json
import re

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError

Path = tuple[str, ...]

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def show(path: Path) -> str:
    """Return a key path as TOML spells it, for messages."""
    return ".".join(key(part) for part in path)


def key(name: str, quote: str = '"') -> str:
    """Return a key as TOML spells it: bare if it can be, else in the given quotes, but without escapes if it can be.

    containerd 1.5 to 1.7 (go-toml v1) take the escapes in a [header] literally.
    """
    if BARE_KEY.fullmatch(name):
        return name
    return quoted(name, quote if _basic(name) == f'"{name}"' else "'")


def new_key(path: Path, quote: str = '"') -> str:
    """Return the last key of a path for a file, or raise TomlError if there is a containerd that would not read it."""
    spelled = key(path[-1], quote)
    if not path[-1]:
        raise TomlError(f"{show(path)}: containerd 1.4 cannot read an empty key")
    if spelled[0] == '"' and "\\" in spelled:
        raise TomlError(f"{show(path)}: containerd up to 1.7 cannot read a key with such characters")
    return spelled


def quoted(value: str, quote: str) -> str:
    if quote == "'" and "'" not in value and value.isprintable():
        return f"'{value}'"
    return _basic(value)


def _basic(value: str) -> str:
    # JSON escapes what TOML does except DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
