# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test units`` on the staged copy.

Usage: .venv/test/bin/python tests/tools/units.py [ANSIBLE-TEST ARGUMENT ...]

Without arguments, on the Python of this environment; ``--python default`` uses every Python on this machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pythons import find_python
from sanity import HOME, STAGE, environment, pip_version, provide_pip


def main(arguments: list[str]) -> int:
    """Run them, and return the exit status."""
    provide_pip(HOME / ".ansible" / "test" / "cache", pip_version())
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    command = [str(Path(sys.executable).with_name("ansible-test")), "units", "--color=no", "--venv", "--requirements"]
    command += arguments if "--python" in arguments else ["--python", version, *arguments]
    python = find_python(version)
    return subprocess.run(command, cwd=STAGE, env=environment([python] if python else []), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
