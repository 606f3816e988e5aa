# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python interpreters of this machine."""

from __future__ import annotations

import shutil
import subprocess


def real_python(candidate: str) -> str | None:
    """The interpreter behind a command, None when the command does not start one (a version manager's shim)."""
    command = [candidate, "-c", "import sys; print(sys.executable)"]
    reply = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return reply.stdout.strip() if reply.returncode == 0 else None


def find_python(version: str) -> str | None:
    """A working interpreter of the given major.minor version: from PATH, or one that pyenv holds but does not offer."""
    name = f"python{version}"
    candidates = [path] if (path := shutil.which(name)) else []
    if shutil.which("pyenv"):
        reply = subprocess.run(["pyenv", "whence", "--path", name], stdout=subprocess.PIPE, text=True, check=False)
        candidates += reply.stdout.split()
    return next((python for candidate in candidates if (python := real_python(candidate))), None)
