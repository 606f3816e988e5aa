# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the control node, replaced as a whole or not at all."""

from __future__ import annotations

import os
import re
import stat
import tempfile

from ansible import constants
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

_ROOT = os.path.join(os.path.dirname(__file__), "..", "..", "..")


def write(path: str, text: str, mode: int) -> None:
    """Replace a file on the control node; a link there is replaced, not followed. Raises Refusal."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)
                file.write(to_bytes(text))
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
    except OSError as exc:
        raise Refusal(f"dest: {path} cannot be written: {exc.strerror}") from exc


def of_this_run(name: str) -> str:
    """Return the path of a file that all forks of this run share, and that goes when it ends."""
    folder: str = vars(constants)["DEFAULT_LOCAL_TMP"]  # made when a run begins
    return os.path.join(folder, name)


def version() -> str | None:
    """Return the version of this collection: as it is installed, or of a clone."""
    for name in ("MANIFEST.json", "galaxy.yml"):
        found = re.search(r'^ *"?version"?: *"?([^",\s]+)', text(os.path.join(_ROOT, name)), re.M)
        if found:
            return found[1]
    return None


def text(path: str) -> str:
    """Return what a file says; nothing where there is none that can be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def is_as(path: str, text: str, mode: int) -> bool:
    """Return whether a file has this text and this mode already."""
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            return stat.S_IMODE(status.st_mode) == mode and file.read() == to_bytes(text)
    except OSError:
        return False
