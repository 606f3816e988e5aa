# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a canary password in any data, however it is written there.

The canary has a core of letters and digits that no quoting changes, so that it shows up in JSON, TOML, YAML, shell,
Python and percent-encoded text alike. Around it are the characters that quoting does change.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from urllib.parse import quote

CORE = "CaN4ryXq7ZpWd"
PASSWORD = f"""a'b"c\\d+e/f%g$h&é=:#{CORE}~ i"""
USERNAME = "robot$puller"
CORES = (CORE, "S3cret")
"""The second is of the password that the lab's Harbor wants."""
SHORT = "a"
"""A password that no search can find by itself; only the text around it identifies it."""

_MAX_DEPTH = 5
_WORD = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPED_LINES = re.compile(rb"\\r?\\n|\\n")
_SHORT = re.compile(rb"""password\\?["']?\s*[=:]\s*\\?["']?a(?![A-Za-z0-9_])""")


def _alignments(text: str) -> Iterator[bytes]:
    """Yield the part of the base64 form that is the same whatever precedes and follows the text."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text.encode())
        first, last = (before * 8 + 5) // 6, (before + len(text)) * 8 // 6
        yield encoded[first:last]


_NEEDLES: dict[bytes, str] = {
    **{core.encode(): "as it is" for core in CORES},
    CORE.encode().hex().encode(): "in hex",
    "".join(f"%{byte:02X}" for byte in CORE.encode()).encode(): "percent-encoded throughout",
    CORE.encode("utf-16-le"): "in UTF-16",
    CORE[::-1].encode(): "reversed",
    **{word: "in base64" for core in CORES for word in _alignments(core)},
    **{word: "in base64 with its username" for word in _alignments(f"{USERNAME}:")},
}


def find(data: bytes, depth: int = 0) -> set[str]:
    """Return the forms in which the data contains the canary, or credentials with the short password."""
    lower = data.lower()
    found = {how for needle, how in _NEEDLES.items() if needle in data or (how == "in hex" and needle in lower)}
    if _SHORT.search(data):
        found.add("short, beside its key")
    if depth < _MAX_DEPTH:
        for inner in _unpacked(data):
            found |= {f"{how} (packed)" if "(packed)" not in how else how for how in find(inner, depth + 1)}
    return found


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Yield what is inside base64 words, and inside deflated and gzipped ones."""
    for word in _WORD.findall(data):
        try:
            plain = base64.b64decode(word.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(word) % 4))
        except binascii.Error:
            continue
        yield plain
        for kind in (15, 31, -15):  # zlib, gzip, raw deflate
            try:
                yield zlib.decompressobj(kind).decompress(plain, 1 << 24)
            except zlib.error:
                continue


def written() -> dict[str, bytes]:
    """Return the canary as programs write it, for the control: every one must be found."""
    import json

    login = f"{USERNAME}:{PASSWORD}".encode()
    deflated = zlib.compress(json.dumps({"a": {"password": PASSWORD}}).encode())
    return {
        "plain": PASSWORD.encode(),
        "json": json.dumps(PASSWORD).encode(),
        "repr": repr(PASSWORD).encode(),
        "percent": quote(PASSWORD, safe="").encode(),
        "url": f"http://{USERNAME}:{quote(PASSWORD)}@h".encode(),
        "yaml": ("'" + PASSWORD.replace("'", "''") + "'").encode(),
        "hex": PASSWORD.encode().hex().encode(),
        "HEX": PASSWORD.encode().hex().upper().encode(),
        "utf-16": PASSWORD.encode("utf-16"),
        **{f"base64 + {n}": base64.b64encode(b"x" * n + PASSWORD.encode() + b"y" * n) for n in range(3)},
        **{f"login + {n}": base64.b64encode(b"x" * n + login + b"y" * n) for n in range(3)},
        "url-safe": base64.urlsafe_b64encode(login),
        "header in a packed file": base64.b64encode(b'A = "Basic ' + base64.b64encode(login) + b'"'),
        "short login": base64.b64encode(f"{USERNAME}:{SHORT}".encode()),
        "short in toml": b'password = "a"\n',
        "short in json": b'{"password": "a"}',
        "short in quoted json": b'"{\\"password\\": \\"a\\"}"',
        "deflated": base64.b64encode(deflated),
        "deflated, quoted, in a longer line": b"x={'reply': '" + base64.b64encode(deflated) + b"', 'y': 1}",
        "gzip": base64.b64encode(_gzip(PASSWORD.encode())),
        "deflated twice": base64.b64encode(zlib.compress(base64.b64encode(deflated))),
    }


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()
