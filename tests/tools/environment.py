# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let ansible-builder prepare an execution environment with the built tarball, and see that it finds the requirements.

Usage: .venv/galaxy/bin/python tests/tools/environment.py

Needs what tests/tools/tarball.py built and installed, and no container engine: the image itself is not built.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
CONTEXT = BUILD / "environment"
BUILDER = str(Path(sys.executable).with_name("ansible-builder"))
DEFINITION = """\
---
version: 3
images:
  base_image:
    name: registry.lan/ansible/runner:1
dependencies:
  ansible_core: {package_pip: ansible-core}
  ansible_runner: {package_pip: ansible-runner}
  galaxy:
    collections:
      - name: TARBALL
        type: file
"""


def requirements(text: str) -> set[str]:
    """The requirements in a file, comments left out, in one spelling."""
    lines = (re.sub(r"#.*", "", line) for line in text.splitlines())
    return {re.sub(r"[\s'\"]+", "", line) for line in lines if line.strip()}


def main() -> int:
    """Create the build context and compare; return the exit status."""
    (tarball,) = (BUILD / "tarball").glob("*.tar.gz")
    shutil.rmtree(CONTEXT, ignore_errors=True)
    CONTEXT.mkdir()
    (CONTEXT / "execution-environment.yml").write_text(DEFINITION.replace("TARBALL", str(tarball)), encoding="utf-8")
    subprocess.run([BUILDER, "create", "--context", "context"], cwd=CONTEXT, check=True)
    found = CONTEXT / "found.txt"
    command = [BUILDER, "introspect", str(BUILD / "installed"), "--write-pip", str(found)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wanted = requirements((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    if requirements(found.read_text(encoding="utf-8")) != wanted:
        print(f"ansible-builder finds {found.read_text(encoding='utf-8')!r} instead of {sorted(wanted)}")
        return 1
    print(f"ansible-builder finds {', '.join(sorted(wanted))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
