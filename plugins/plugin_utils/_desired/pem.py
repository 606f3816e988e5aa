# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM files as the variables give them: as text, as files on the control node, or as files that the node has."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.checks import Check
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Pem

Read = Callable[[str], str]
"""Returns the text of a file on the control node; raises OSError."""

_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----")
_BEGIN = "-----BEGIN "
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.S)


def holds_key(text: str) -> bool:
    """Whether a PEM text has a private key in it."""
    return bool(_PRIVATE_KEY.search(text))


def take(check: Check, option: str, value: Any, on_node: bool, read: Read) -> Pem:
    """Return a PEM file that is given as its text, as a path on the control node or as a path on the node."""
    if isinstance(value, str) and _BEGIN in value:
        return Pem(text=_plain(value))
    path = check.text(option, value)
    if on_node:
        if not path.startswith("/"):
            check.fail(option, path, "is not an absolute path, which remote_src: true (a file on the node) requires")
        return Pem(path=path)
    try:
        text = read(path)
    except FileNotFoundError as exc:
        where = "" if exc.strerror else f" ({exc})"
        check.fail(
            option, path, f"is not a file on the control node{where}: for a file on the node, set remote_src: true"
        )
    except (OSError, ValueError) as exc:
        check.fail(option, path, f"cannot be read on the control node ({getattr(exc, 'strerror', None) or exc})")
    if _BEGIN not in text:
        check.fail(option, path, "is not a PEM file: convert it with openssl")
    return Pem(text=_plain(text))


def _plain(text: str) -> str:
    """Return a PEM text; without what is around its blocks, where that is not ASCII: Go skips it, Python does not."""
    blocks = [match.group() for match in _BLOCK.finditer(text)]
    return "\n".join(blocks if blocks and not text.isascii() else [text.strip()]) + "\n"


def check_ca(check: Check, option: str, text: str) -> None:
    if holds_key(text):
        check.refuse(option, "contains a private key: give only the CA certificate")
    import ssl  # as below, here: few runs need it, and all would load it

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as exc:
        check.refuse(option, f"is not a certificate in PEM form ({_reason(exc)})")


def check_pair(check: Check, option: str, certificate: str, key: str) -> None:
    """Let OpenSSL tell whether the two belong together; it reads them from files only."""
    import ssl

    if "ENCRYPTED" in key:
        check.refuse(f"{option}.client_key", "is protected by a passphrase, which containerd cannot enter: remove it")
    # Files without a name go with this process, however it ends.
    with tempfile.TemporaryFile() as first, tempfile.TemporaryFile() as second:
        for file, text in ((first, certificate), (second, key)):
            file.write(text.encode())
            file.seek(0)  # macOS continues from there
        try:
            paths = [f"/dev/fd/{file.fileno()}" for file in (first, second)]
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*paths)
        except (ssl.SSLError, ValueError) as exc:
            check.refuse(
                f"{option}.client_key", f"does not match client_cert, or one of them is not PEM ({_reason(exc)})"
            )


def _reason(exc: Exception) -> str:
    return getattr(exc, "reason", None) or str(exc)
