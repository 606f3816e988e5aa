# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection from the checkout, check the content of the tarball, and install it as a user would.

Usage: .venv/test/bin/python tests/tools/tarball.py

It is built from what is committed, as `make build` does it. The tarball stays in .build/tarball.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from stage import ROOT

TARBALL = ROOT / ".build" / "tarball"
INSTALLED = ROOT / ".build" / "installed"
GALAXY = str(Path(sys.executable).with_name("ansible-galaxy"))
DOC = str(Path(sys.executable).with_name("ansible-doc"))
# First components of what a user needs; for anything else in the tarball build_ignore has a gap.
SHIPPED = frozenset({
    "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "README.md", "README.zh-CN.md", "SECURITY.md",
    "changelogs", "docs", "meta", "playbooks", "plugins", "requirements.txt", "roles",
})  # fmt: skip
MADE_BY_GALAXY = frozenset({"FILES.json", "MANIFEST.json"})


def expected() -> set[str]:
    """The committed files that belong in the tarball."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-tree", "-r", "-z", "--name-only", "HEAD"]
    names = subprocess.run(git, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    return {name for name in names if name.split("/")[0] in SHIPPED}


def run(*command: str) -> str:
    """Run a command away from the checkout's ansible.cfg, so that it sees the installed collection only."""
    variables = {**os.environ, "ANSIBLE_HOME": str(ROOT / ".build" / "home" / ".ansible")}
    variables["ANSIBLE_COLLECTIONS_PATH"] = str(INSTALLED)
    variables.pop("PYTHONPATH", None)  # it leads to this checkout, whose collection would pass for an installed one
    return subprocess.run(command, cwd=TARBALL, env=variables, stdout=subprocess.PIPE, text=True, check=True).stdout


def build() -> Path:
    """Rebuild the tarball, and return its path."""
    shutil.rmtree(TARBALL, ignore_errors=True)
    TARBALL.mkdir(parents=True)
    variables = {**os.environ, "PATH": f"{Path(GALAXY).parent}:{os.environ['PATH']}"}
    make = ["make", "--quiet", "-C", str(ROOT), "build", f"OUT={TARBALL}"]
    subprocess.run(make, env=variables, stdout=subprocess.DEVNULL, check=True)
    (tarball,) = TARBALL.glob("*.tar.gz")
    return tarball


def contents(tarball: Path) -> set[str]:
    """The files (no directories) in the tarball, without those that Galaxy adds."""
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive.getmembers() if not member.isdir()} - MADE_BY_GALAXY


def main() -> int:
    """Build, compare, install and list; return the exit status."""
    tarball = build()
    wanted, found = expected(), contents(tarball)
    for name in sorted(found - wanted):
        print(f"{name}: in the tarball, but does not belong there")
    for name in sorted(wanted - found):
        print(f"{name}: missing from the tarball")
    if wanted != found:
        return 1
    shutil.rmtree(INSTALLED, ignore_errors=True)
    run(GALAXY, "collection", "install", "--offline", "--collections-path", str(INSTALLED), str(tarball))
    modules = run(DOC, "--list", "--type", "module", "airgap.containerd").split("\n")
    print(f"{tarball.name}: {len(found)} files, {tarball.stat().st_size // 1024} KiB")
    print(*(line for line in modules if line), sep="\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"Failed with status {error.returncode}: {' '.join(error.cmd)}")
