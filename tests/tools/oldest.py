# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit tests of the code of the nodes with the oldest Python that a node may have.

Usage: python tests/tools/oldest.py

If this machine has no such Python, as on Debian 12, it says so and exits with status 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pythons import find_python

ROOT = Path(__file__).resolve().parents[2]
OLDEST = "3.6"
TESTS = "tests/unit/plugins/module_utils"
REQUIREMENTS = ROOT / "tests" / "requirements" / "node.txt"
# The last one for 3.6: the bundled one does not accept wheels of cryptography.
PIP = "pip==21.3.1"
# The ansible-core whose modules run on 3.6 requires a newer Python on the control node.
OPTIONS = ("--no-deps", "--ignore-requires-python")


def provide(python: str) -> Path:
    """Make the virtual environment, unless it is there; return its interpreter."""
    target = ROOT / ".venv" / "node"
    done = target / ".complete"
    wanted = "\n".join((python, PIP, *OPTIONS, REQUIREMENTS.read_text(encoding="utf-8")))
    if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
        subprocess.run([python, "-m", "venv", "--clear", str(target)], check=True)
        pip = [str(target / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
        subprocess.run([*pip, PIP], check=True)
        subprocess.run([*pip, *OPTIONS, "--requirement", str(REQUIREMENTS)], check=True)
        done.write_text(wanted, encoding="utf-8")
    return target / "bin/python"


def main() -> int:
    """Return the exit status of the tests."""
    python = find_python(OLDEST)
    if not python:
        print(f"Python {OLDEST}: not here, so node code was not tested on it")
        return 0
    # conftest.py prepares only the code of the control node, except for the path, which pytest has from pyproject.toml.
    command = [str(provide(python)), "-m", "pytest", "--quiet", "--noconftest", "-p", "no:cacheprovider", TESTS]
    print(f"Python {OLDEST}: {python}", flush=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".collections")}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
