# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets by the keys that hold them, and write the one header that carries them.

A value is never searched for: a password may be as short and common as "io".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

MASK = "********"
PRIVATE = 0o600

# A key that ends so holds a secret: identitytoken, registry_password and proxy-authorization too.
_SECRET_ENDINGS = ("password", "passwd", "token", "secret", "authorization")
_SECRET_TABLES = ("header", "headers")
# A secret if it is a string, the table around one otherwise.
_SECRET_UNLESS_TABLE = "auth"

# Bounded, or a long line of nothing but these would take hours.
USERINFO = re.compile(r"""(?<=://)[^\s"'/@:]{0,255}:[^\s"']{0,512}@""")

# The same where the URL is not one yet: all before the last @, but for the scheme.
_MAYBE_USERINFO = re.compile(r"""^(['"](?:[a-z]+:/*)?).*@""", re.I | re.S)

# What announces a secret in a comment, which may hold settings that were switched off.
ANNOUNCED = re.compile(
    rf"{'|'.join((*_SECRET_ENDINGS, *_SECRET_TABLES, _SECRET_UNLESS_TABLE, 'basic', 'bearer'))}", re.I
)


def mask_data(data: Any) -> Any:
    """Return a deep copy of plain data with MASK for every secret."""
    return _masked(data, hidden=False)


def is_exposed(about: Mapping[str, Any]) -> bool:
    """Tell whether others than root can read a file; C(about) has its C(mode) and C(uid) if it is there."""
    return bool(about.get("mode", 0) & 0o077 or about.get("uid", 0))


def quoted(value: Any) -> str:
    """Return what a message may quote of a value: no user and password of a URL or of what was meant to be one."""
    shown = repr(mask_data(value))
    return _MAYBE_USERINFO.sub(rf"\1{MASK}@", shown) if isinstance(value, str) else shown


def basic_authorization(username: str, password: str) -> str:
    """Return the value of an Authorization header for HTTP basic authentication; a colon is refused where it enters."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def hides(key: Any) -> bool:
    """Tell whether everything under a key is secret."""
    name = str(key).lower()
    return name.endswith(_SECRET_ENDINGS) or name in _SECRET_TABLES


def _is_tables(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _masked(value: Any, hidden: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            _without_userinfo(key): _masked(inner, hidden or _is_secret(key, inner)) for key, inner in value.items()
        }
    if hidden and value is not None and not _is_tables(value):
        return MASK
    if isinstance(value, (list, tuple)):
        return [_masked(item, hidden) for item in value]
    return _without_userinfo(value)


def _is_secret(key: Any, value: Any) -> bool:
    return hides(key) or (str(key).lower() == _SECRET_UNLESS_TABLE and not _is_tables(value))


def _without_userinfo(value: Any) -> Any:
    return USERINFO.sub(f"{MASK}@", value) if isinstance(value, str) else value


def is_secret_path(path: tuple[str, ...]) -> bool:
    """Tell whether the value that a path of keys leads to is secret."""
    return any(map(hides, path)) or path[-1].lower() == _SECRET_UNLESS_TABLE
