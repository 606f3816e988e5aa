# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on the staged copy, with every Python on this machine, and touch nothing outside .build.

Usage: .venv/test/bin/python tests/tools/sanity.py [ANSIBLE-TEST ARGUMENT ...]

Needs only PyPI from the internet: ansible-test would fetch get-pip.py from its own host, so a replacement
that runs pip from its wheel is put where ansible-test looks first.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from ansible_test._util.target.common.constants import CONTROLLER_PYTHON_VERSIONS, REMOTE_ONLY_PYTHON_VERSIONS
from pythons import find_python

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / ".build" / "ansible_collections" / "airgap" / "containerd"
HOME = ROOT / ".build" / "home"
# Node code runs on these too, though the ansible-core of this environment no longer tests them: they only compile.
RETIRED_PYTHON_VERSIONS = ("3.6", "3.7")
# The lab is a program of its own, not a part of the collection; its command starts python3, which ansible-test forbids.
LEFT_OUT = ("--exclude", "tests/lab/")
NODE_CODE = ("plugins/modules", "plugins/module_utils")
GET_PIP = '''\
"""Stand-in for get-pip.py: install the pip that lies beside it."""
import os
import runpy
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), {wheel!r}))
# pip knows these two of get-pip's options no more than it needs them.
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--upgrade", "--force-reinstall"] + wanted
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def pip_version() -> str:
    """The pip that this ansible-test puts into its environments, read from its source: it offers no other way."""
    import ansible_test._internal.python_requirements as requirements

    found = re.search(r"pip='([0-9.]+)'", Path(requirements.__file__).read_text(encoding="utf-8"))
    if not found:
        sys.exit("Cannot tell which pip this ansible-test wants; tests/tools/sanity.py needs a look.")
    return found[1]


def provide_pip(cache: Path, version: str) -> None:
    """Put the replacement for get-pip.py and the wheel it runs into ansible-test's cache."""
    wheel = f"pip-{version}-py3-none-any.whl"
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / wheel).is_file():
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(cache), f"pip=={version}"]
        subprocess.run(command, check=True)
    stand_in = cache / f"get_pip_{version.replace('.', '_')}.py"
    stand_in.write_text(GET_PIP.format(wheel=wheel), encoding="utf-8")


def environment(pythons: list[str]) -> dict[str, str]:
    """Variables for ansible-test: a home of its own, this environment first, then the directories of the Pythons."""
    directories = [str(Path(sys.executable).parent), *(str(Path(python).parent) for python in pythons)]
    home = os.environ.get("HOME", "/")
    return {
        **os.environ,
        "HOME": str(HOME),
        # pip's own settings (a package mirror, say) stay those of the user.
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", f"{home}/.config"),
        "PATH": os.pathsep.join([*dict.fromkeys(directories), os.environ["PATH"]]),
    }


def compile_node_code(python: str) -> bool:
    """Compile what runs on nodes, without leaving a trace; the interpreter prints what it does not like."""
    files = [str(path) for directory in NODE_CODE for path in sorted((STAGE / directory).glob("**/*.py"))]
    script = "import sys\nfor path in sys.argv[1:]:\n    compile(open(path, 'rb').read(), path, 'exec')"
    return subprocess.run([python, "-c", script, *files], check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Run everything, and return the exit status."""
    tested = {v: find_python(v) for v in (*REMOTE_ONLY_PYTHON_VERSIONS, *CONTROLLER_PYTHON_VERSIONS)}
    retired = {v: find_python(v) for v in RETIRED_PYTHON_VERSIONS}
    print("Python: " + ", ".join(v if found else f"{v} (not here)" for v, found in {**retired, **tested}.items()))
    for version, python in retired.items():
        if python and not compile_node_code(python):
            print(f"Node code does not compile on Python {version}.")
            return 1
    provide_pip(HOME / ".ansible" / "test" / "cache", pip_version())
    command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--local", "--color", "no"]
    variables = environment([python for python in tested.values() if python])
    return subprocess.run([*command, *LEFT_OUT, *arguments], cwd=STAGE, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
