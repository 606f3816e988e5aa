# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy what git would commit into ``.build/ansible_collections/airgap/containerd``, where some tools insist to be.

Usage: python3 tests/tools/stage.py

ansible-test follows no links, and reads everything it finds: so a copy, and one without what git ignores.
Uncommitted changes and new files come along. The copy is a git work tree; otherwise tools would use the outer one.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / ".build" / "ansible_collections" / "airgap" / "containerd"
# The link through which a clone finds itself; it would lead the copy round in circles.
LEFT_OUT = ".collections/"


def committable(root: Path) -> list[Path]:
    """The files, relative to root, that are tracked or could be: present, and not ignored."""
    # safe.directory: the checkout may belong to another user than the one (root) who runs the tests.
    git = ["git", "-c", "safe.directory=*", "-C", str(root)]
    command = [*git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    reply = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    names = sorted({name for name in reply.stdout.decode().split("\0") if name and not name.startswith(LEFT_OUT)})
    return [Path(name) for name in names if (root / name).is_file() or (root / name).is_symlink()]


def copy(files: list[Path], source: Path, target: Path) -> None:
    """Copy the files with their modes; links stay links."""
    for file in files:
        destination = target / file
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / file, destination, follow_symlinks=False)


def main() -> None:
    """Recreate the copy."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    copy(committable(ROOT), ROOT, STAGE)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(STAGE)], check=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"Failed with status {error.returncode}: {' '.join(error.cmd)}")
