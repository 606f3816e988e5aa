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

# A key that ends so, dashes and underscores left out, holds a secret: identity_token, proxy-authorization and secretKey
# too.
_SECRET_ENDINGS = (
    "password", "passwd", "pwd", "passphrase", "token", "secret", "authorization", "apikey", "secretkey", "accesskey",
    "privatekey", "credential", "credentials",
)  # fmt: skip
_SECRET_TABLES = ("header", "headers")
# A secret if it is a string, the table around one otherwise.
_SECRET_UNLESS_TABLE = "auth"

_WORD = re.compile(r"""[^\s"']+""")
_PARAMETER = re.compile(r"([?&;]([^\s=&;?#\"']{1,64})=)[^\s&;#\"']+")
_DIGEST = re.compile(r"sha[0-9]+:")
_SCHEME = re.compile(r"[A-Za-z0-9+.-]*:?")

# The same where the URL is not one yet: all before the last @, but for the scheme.
_MAYBE_USERINFO = re.compile(r"""^(['"](?:[a-z]+:/*)?).*@""", re.I | re.S)

# What announces a secret in a comment, which may hold settings that were switched off.
ANNOUNCED = re.compile(
    "|".join(
        [*("[-_]?".join(each) if each.endswith("key") else each for each in _SECRET_ENDINGS), *_SECRET_TABLES]
        + [_SECRET_UNLESS_TABLE, "basic", "bearer"]
    ),
    re.I,
)


def mask_data(data: Any) -> Any:
    """Return a deep copy of plain data with MASK for every secret."""
    return _masked(data, hidden=False)


def is_exposed(about: Mapping[str, Any]) -> bool:
    """Return whether others than root can read a file; C(about) has its C(mode) and C(uid) if it is there."""
    return bool(about.get("mode", 0) & 0o077 or about.get("uid", 0))


def quoted(value: Any) -> str:
    """Return what a message may quote of a value: no user and password of a URL or of what was meant to be one."""
    shown = repr(mask_data(value))
    return _MAYBE_USERINFO.sub(rf"\1{MASK}@", shown) if isinstance(value, str) else shown


def basic_authorization(username: str, password: str) -> str:
    """Return the value of an Authorization header for HTTP basic authentication; a colon is refused where it enters."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def hides(key: Any) -> bool:
    """Return whether everything under a key is secret."""
    name = re.sub("[-_ .]", "", str(key).lower())
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
    """Return a value without credentials: of a line that is a URL all up to the last @, whatever stands there."""
    return "\n".join(map(_line_without_logins, value.split("\n"))) if isinstance(value, str) else value


def _line_without_logins(line: str) -> str:
    slashes = line.find("//")
    is_url = slashes >= 0 and _SCHEME.fullmatch(line, 0, slashes)
    return without_logins(_without_login(line) if is_url else line)


def without_logins(text: str) -> str:
    """Return running text without the credentials in its words: user:password@host, //token@host, ?token=secret."""
    if "@" in text:
        text = _WORD.sub(lambda word: _without_login(word.group()), text)
    return _PARAMETER.sub(lambda it: it.group(1) + MASK if hides(it.group(2)) else it.group(), text)


def _without_login(word: str) -> str:
    """Return a word with MASK for all before its last @, if those are credentials; no search that can take long."""
    end, slashes = word.rfind("@"), word.find("//")
    start = slashes + 2 if slashes >= 0 else 0
    login = word[start:end]
    if end <= start or _DIGEST.match(word, end + 1):
        return word
    if ":" not in login.partition("/")[0] and (slashes < 0 or "/" in login):
        return word
    return f"{word[:start]}{MASK}{word[end:]}"


def is_secret_path(path: tuple[str, ...]) -> bool:
    """Return whether the value that a path of keys leads to is secret."""
    return any(map(hides, path)) or path[-1].lower() == _SECRET_UNLESS_TABLE
