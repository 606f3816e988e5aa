# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node may answer. A node is not trusted: a reply of another shape is one error for that node.

Shapes: a type (`str` is one line of text, which comes back without control characters; `bytes` a packed file; `object`
any JSON), None, a tuple of alternatives, `[shape]` for a list, and `{"key": shape, "other?": shape, str: shape}` for a
mapping: `other` may be left out, `str` stands for every key that is not named, and without it there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils import _wire

MAX_LINE = 2000
"""Characters of a message that a node may put in front of people; the rest is cut off."""

ABOUT = {"mode": int, "uid": int, "gid": int, "ctime": float}
TEXT = (str, None)
FILE = {**ABOUT, "sha256": str, "content": bytes, "link?": str}


def _there_or_not(shape: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the shapes of a file that is there and of one that is not, of which ABOUT tells nothing."""
    return {**ABOUT, **shape}, shape


IMPORTED = _there_or_not({"path": str, "content": (bytes, None)})
CONFIG_FILE = _there_or_not({**IMPORTED[1], "real_path": str, "sha256": TEXT})

TREE = {str: (None, bool, FILE, {"link": str}, {})}

DAEMON = {"id": str, "started": float}
PROXIES = {"http": TEXT, "https": TEXT, "no": TEXT}

KEPT = {"content": bytes, "mode": int, "uid": int, "gid": int}
STATE = {
    "name": str,
    "time": str,
    "files": {str: (KEPT, None)},
    "now": {str: (KEPT, None)},
    "after": {str: TEXT},
    "record": ({str: object}, None),
    str: object,
}

OBSERVATION: dict[str, Any] = {
    "binary": str,
    "version": TEXT,
    "version_error": TEXT,
    "unit": {"found": bool, "active": bool, "kill_mode": TEXT, "binary": TEXT, "config": TEXT},
    "config": CONFIG_FILE,
    "effective": {
        "error": TEXT,
        "config_path?": str,
        "mirrors?": {str: [str]},
        "configs?": {str: {"auth": TEXT, "tls": bool}},
        "tls_options?": {str: [str]},
        "auths?": [str],
        "headers?": [str],
        "images?": {str: (bool, int)},
        "pause?": str,
        "disabled_plugins?": [str],
        "imports?": [str],
        "address?": TEXT,
        "digest?": str,
    },
    "imports": [IMPORTED],
    "hosts_dir": str,
    "blocked_by": TEXT,
    "hosts": TREE,
    "roots?": {str: (None, TREE)},
    "record": ({str: object}, None),
    "fingerprint": str,
    "unproven": TEXT,
    "interrupted": bool,
    "states": bool,
    "previous": (STATE, {"damaged": bool}, None),
    "sweep": [str],
    "socket": str,
    "daemon": (DAEMON, None),
    "started_with": {"config": TEXT, "running": PROXIES, "next": PROXIES},
    "cri_error": TEXT,
    "endpoints": [{"url": str, "digest": str, "auth": TEXT, "error": TEXT, "reachable?": bool}],
}
"""What the node half's `observe` returns."""

RESTARTED = {"daemon": (DAEMON, None), "seconds": float}
APPLIED = {"restarted": bool, "seconds": (float, None), "left": [str], "backups": {str: TEXT}}
PULLED = {
    "image": str,
    "present": bool,
    "digest": TEXT,
    "bytes": (int, None),
    "seconds": (float, None),
    "error": ({"code": str, "message": str}, None),
    "removed": bool,
    "kept": TEXT,
}
PULLS = {"observed": OBSERVATION, "proxies": {str: str}, "pulls": [PULLED]}
ANSWER = {
    **dict.fromkeys(("failure", "message", "kind", "digest", "challenge", "realm"), TEXT),
    "status": (int, None),
    "anonymous": (int, None),
}
PATH_INFO = {"uid?": int, "gid?": int, "owner?": str, "group?": str, "mode?": str, "size?": int, "secontext?": str}
LOOK = {
    "binary": str,
    "version": TEXT,
    "version_error": TEXT,
    "main": str,
    "path": str,
    "files": [CONFIG_FILE],
    "info": PATH_INFO,
    "attributes": {"before?": {str: str}, "after?": {str: str}},
}
EDITED = {
    "refused": [{"kind": str, "path": [str], "found?": object}],
    "unproven": [str],
    "backup": TEXT,
    "info": PATH_INFO,
}
HARBOR_PROJECT = {"name": str, "status": (int, None), "registry_id": (int, None), "upstream": TEXT, "answer": ANSWER}
SHAPES = {
    "look": LOOK,
    "edit": EDITED,
    "observe": OBSERVATION,
    "restart": RESTARTED,
    "apply": APPLIED,
    "pull": PULLS,
    "probe": {"images": [[ANSWER]]},
    "harbor": {"projects": [HARBOR_PROJECT]},
}
"""By what was asked for."""

WRITTEN = {str: {"sha256": str, "original": TEXT, str: object}}
RECORD = {
    "format": int,
    "files": WRITTEN,
    "hosts?": WRITTEN,
    "config?": (
        {
            "sha256": str,
            "original": TEXT,
            "exact": bool,
            "undo?": {"ours": {str: object}, "merge": {str: object}, "remove": [[str]]},
            str: object,
        },
        {},
        None,
    ),
    "endpoints?": {str: {"url": str, "digest": str, "auth": TEXT, "error": TEXT}},
    "carried?": {str: str},
    "carried_legacy?": {"mirrors": {str: [str]}, "configs": {str: {str: {str: object}}}},
    "proven?": {str: object},
    str: object,
}
"""The record of earlier runs, which a node keeps."""

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
                str: object,
            },
            str: object,
        }
    },
    str: object,
}
"""What this collection reads of config.toml, with the types that every containerd insists on."""

_KINDS: dict[Any, Any] = {bytes: str, float: (int, float)}


_KIND_NAMES: dict[Any, str] = {
    str: "a text", bytes: "a packed file", bool: "a boolean", int: "a number", float: "a number", list: "a list",
    dict: "a mapping", type(None): "nothing",
}  # fmt: skip


class ReplyError(ValueError):
    """A reply that no node half of this release sends."""


def line(text: str) -> str:
    """Return text as one bounded line that no terminal acts on."""
    text = text[: MAX_LINE + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)
    return text if len(text) <= MAX_LINE else text[:MAX_LINE] + " …"


def checked(data: Any, shape: Any, where: str = "reply") -> Any:
    """Return a copy of data that has the shape; raises ReplyError with the place where it has not."""
    if isinstance(shape, tuple):
        return checked(data, _alternative(data, shape), where)
    if isinstance(shape, list) and isinstance(data, list):
        return [checked(item, shape[0], f"{where}[{index}]") for index, item in enumerate(data)]
    if isinstance(shape, dict) and isinstance(data, dict):
        return _mapping(data, shape, where)
    if shape is object or (shape is None and data is None):
        return _encodable(data, where)
    if shape is str and isinstance(data, str):
        return line(data)
    if shape is bytes and isinstance(data, str):
        return _packed(data, where)
    if shape in (int, bool, float) and type(data) in (shape, int if shape is float else shape):
        return data
    kind = _KIND_NAMES[shape if isinstance(shape, type) else type(shape)]
    raise ReplyError(
        f"{where or 'it'} is {_KIND_NAMES.get(type(data), 'something else')} where {kind} is wanted".lstrip(".")
    )


def _alternative(data: Any, shapes: tuple) -> Any:
    """Return the shape that is meant for this data; the last one, to fail with, where none is."""
    for shape in shapes:
        kind = shape if isinstance(shape, type) else type(shape)
        required = [key for key in shape if key is not str and not key.endswith("?")] if kind is dict else []
        if isinstance(data, _KINDS.get(kind, kind)) and all(key in data for key in required):
            return shape
    return shapes[-1]


def _mapping(data: dict[str, Any], shape: Mapping[Any, Any], where: str) -> dict[str, Any]:
    known = {key.rstrip("?"): inner for key, inner in shape.items() if key is not str}
    unknown = sorted(set(data) - set(known))
    missing = sorted(name for name in known if name in shape and name not in data)
    if missing or (unknown and str not in shape):
        problem = f"lacks {missing[0]!r}" if missing else f"has {line(unknown[0])!r}, which is unknown"
        raise ReplyError(f"{where or 'it'} {problem}".lstrip("."))
    return {
        line(name): checked(value, known[name] if name in known else shape[str], f"{where}.{line(name)}")
        for name, value in data.items()
    }


def _encodable(data: Any, where: str) -> Any:
    try:
        json.dumps(data, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise ReplyError(f"{where or 'it'} holds text that is none".lstrip(".")) from None
    return data


def _packed(data: str, where: str) -> str:
    try:
        _wire.unpack(data)
    except ValueError:
        raise ReplyError(f"{where or 'it'} is not base64".lstrip(".")) from None
    return data
