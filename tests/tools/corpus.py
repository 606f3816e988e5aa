# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get the public toml-test corpus from the package index into ``.build/corpus``, unless it is there.

Usage: python tests/tools/corpus.py
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements" / "corpus.txt"
TARGET = ROOT / ".build" / "corpus"


def corpus() -> Path:
    """The folder with `valid`, `invalid` and the lists of files for each version of TOML."""
    TARGET.mkdir(parents=True, exist_ok=True)
    name = REQUIREMENTS.read_text(encoding="utf-8").split()[-1].replace("==", "-")
    folder = TARGET / name / "tests" / "toml-test" / "tests"
    with open(TARGET / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (TARGET / f"{name}.complete").exists():
            with tempfile.TemporaryDirectory() as download:
                command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq", "--no-deps"]
                command += ["--no-binary=:all:", "--dest", download, "--requirement", str(REQUIREMENTS)]
                subprocess.run(command, check=True)
                (archive,) = Path(download).iterdir()
                with tarfile.open(archive) as tar:
                    tar.extractall(TARGET, [each for each in tar if "/toml-test/tests/" in each.name and each.isfile()])
            (TARGET / f"{name}.complete").touch()
    return folder


if __name__ == "__main__":
    print(corpus())
