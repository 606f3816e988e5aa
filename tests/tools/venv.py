# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environment ``.venv/NAME`` from ``tests/requirements/NAME.txt``, unless it is there and current.

Usage: python3 tests/tools/venv.py NAME

Runs on a machine with nothing but Python: standard library only, and any Python from 3.8 may start it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What the pinned ansible-core supports; the first one found is taken.
PYTHONS = ("python3", "/usr/bin/python3", "python3.13", "python3.12", "python3.11")
SUPPORTED = ((3, 11), (3, 13))


def python_version(python: str) -> tuple[int, int] | None:
    """The (major, minor) of an interpreter, None when it is missing or does not start."""
    command = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        reply = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        major, minor = reply.stdout.split()
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    return int(major), int(minor)


def find_python() -> str:
    """The interpreter to build on: $PYTHON if set, else the first of PYTHONS that ansible-core supports."""
    for python in [os.environ["PYTHON"]] if os.environ.get("PYTHON") else PYTHONS:
        version = python_version(python)
        if version and SUPPORTED[0] <= version <= SUPPORTED[1]:
            return python
    wanted = " to ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    sys.exit(f"No Python from {wanted} found; name one with PYTHON=/path/to/python3.")


def can_make_venvs(python: str) -> bool:
    """Whether the interpreter has ensurepip, which Debian keeps in a package of its own."""
    command = [python, "-c", "import ensurepip, venv; ensurepip.version()"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def install_venv_package() -> None:
    """Install Debian's python3-venv, or end with the command that does."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "python3-venv"]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"This Python cannot make virtual environments; as root, run: {' '.join(command)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], check=True, env=environment)
    subprocess.run(command, check=True, env=environment)


def digest(name: str, python: str) -> str:
    """What the environment depends on: the requirements, the interpreter, and the place (scripts hold it)."""
    whole = hashlib.sha256(f"{name} {ROOT} {python_version(python)}".encode())
    for path in [ROOT / "requirements.txt", *sorted((ROOT / "tests" / "requirements").glob("*.txt"))]:
        whole.update(path.read_bytes())
    return whole.hexdigest()


def build(target: Path, requirements: Path, python: str) -> None:
    """Recreate the environment with everything in the requirements file."""
    if not can_make_venvs(python):
        install_venv_package()
    subprocess.run([python, "-m", "venv", "--clear", str(target)], check=True)
    pip = [str(target / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-qq", "--requirement", str(requirements)], check=True)


def main(name: str) -> None:
    """Bring one environment up to date, one process at a time."""
    target = ROOT / ".venv" / name
    stamp = target / ".digest"
    target.parent.mkdir(exist_ok=True)
    python = find_python()
    wanted = digest(name, python)
    with open(target.parent / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        print(f"Making {target.relative_to(ROOT)} ...", flush=True)
        build(target, ROOT / "tests" / "requirements" / f"{name}.txt", python)
        stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(f"Failed with status {error.returncode}: {' '.join(error.cmd)}")
