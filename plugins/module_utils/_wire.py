# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests, replies and file contents travel: both ends use this."""

import base64
import json
import zlib


def encode(data):
    """Return JSON data as one opaque word (base64 of deflated JSON)."""
    return base64.b64encode(zlib.compress(json.dumps(data).encode("utf-8"))).decode("ascii")


def decode(word):
    """Return what `encode` took."""
    return json.loads(zlib.decompress(base64.b64decode(word)).decode("utf-8"))


def pack(data):
    """Return a file's bytes as text that survives JSON and comes back byte for byte; None for an absent file."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def unpack(word):
    """Return what `pack` took."""
    return None if word is None else base64.b64decode(word)
