# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests, replies and file contents travel: both ends use this, and neither takes more than MAX_DATA."""

import base64
import json
import zlib
from typing import Any, Optional, Tuple

MAX_DATA = 8 * 1024 * 1024  # bytes of JSON: what a node with a thousand registries needs, several times over


class Failure(Exception):
    """The node did not do what it was asked; the text says why and what its state is now."""


class WireError(ValueError):
    """What came is not what `encode` makes."""


def encode(data: Any) -> str:
    """Return JSON data as one opaque word (base64 of deflated JSON); raises WireError where it is too much."""
    text = json.dumps(data).encode("utf-8")
    if len(text) > MAX_DATA:
        raise WireError("the data to send is %.1f MiB, more than the limit of %d MiB" % _mebibytes(len(text)))
    return base64.b64encode(zlib.compress(text)).decode("ascii")


def _mebibytes(size: int) -> Tuple[float, int]:
    return size / 1048576.0, MAX_DATA >> 20


def decode(word: str) -> Any:
    """Return what `encode` took; raises WireError for everything else, however large it would become."""
    if len(word) > 2 * MAX_DATA:
        raise WireError("%.1f MiB were sent, more than the limit of %d MiB" % _mebibytes(len(word)))
    try:
        inflater = zlib.decompressobj()
        text = inflater.decompress(base64.b64decode(word, validate=True), MAX_DATA)
        if inflater.eof and not inflater.unused_data:
            return json.loads(text.decode("utf-8"), parse_constant=_no_number)
        reason = "it ends early or is larger than %d MiB" % (MAX_DATA >> 20)
    except RecursionError:
        reason = "its JSON is nested too deeply"
    except (ValueError, zlib.error):
        reason = "it is not base64 of deflated JSON"
    raise WireError("the data cannot be read: %s" % reason)


def _no_number(name: str) -> None:
    raise ValueError("%s is not a number" % name)


def pack(data: Optional[bytes]) -> Optional[str]:
    """Return a file's bytes as text that survives JSON and comes back byte for byte; None for an absent file."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def unpack(word: Optional[str]) -> Optional[bytes]:
    """Return what `pack` took; raises ValueError for everything else."""
    return None if word is None else base64.b64decode(word, validate=True)
