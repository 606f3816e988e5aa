# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests on supported pairs of ansible-core and Python, with the lowest and the highest libraries allowed.

Usage: python tests/tools/matrix.py [--ends | --only CORE-PYTHON ...], such as --only 2.16-3.10

Each pair runs the unit tests and, on the lab, the tests of the site playbook; the first pair of each ansible-core also
runs those of the Pythons on nodes, for which the control node's own Python does not matter. ``--ends`` runs unit tests
of the control node's code with the oldest and the newest pair alone, without those that search and those of code that
uses nothing of either. A Python that this machine does not have is Debian's, see debian_python.py, but ``--ends`` names
such a pair and leaves it out. Ends with status 1 when a pair failed, or when none ran.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from debian_python import debian_python
from pythons import find_python

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("hpack", "hypothesis", "jsonschema", "markdown-it-py", "pip", "pytest", "pytest-xdist", "PyYAML")
LOWEST = ("tomlkit==0.15.1", "jmespath==1.0.0", "tomli==2.0.1")
HIGHEST = ("tomlkit", "jmespath", "tomli")
UNIT = "tests/unit"
SITE = ("tests/integration/test_site.py",)
ELSEWHERE = ("module_utils", "plugin_utils/_images", "plugin_utils/_report")
"""What runs on nodes, and what uses neither ansible-core nor TOML: the ends leave it to the pairs' whole runs."""
NODE_PYTHONS = ("tests/integration/test_node_pythons.py",)


@dataclass(frozen=True)
class Pair:
    """One ansible-core on one Python, with requirements for its libraries."""

    core: str
    python: str
    libraries: tuple[str, ...] = HIGHEST

    @property
    def short(self) -> str:
        """How the command line names it."""
        return f"{self.core}-{self.python}"

    @property
    def name(self) -> str:
        """What it is called in the output, and its folder."""
        return f"core-{self.core}-python-{self.python}"


# Each ansible-core on the oldest and the newest Python that it supports on the control node.
PAIRS = (
    Pair("2.16", "3.10", LOWEST),
    Pair("2.16", "3.12"),
    Pair("2.17", "3.10"),
    Pair("2.17", "3.12"),
    Pair("2.18", "3.11"),
    Pair("2.18", "3.13"),
    Pair("2.19", "3.11", LOWEST),
    Pair("2.19", "3.13"),
    Pair("2.20", "3.12"),
    Pair("2.20", "3.14"),
    Pair("2.21", "3.12"),
    Pair("2.21", "3.13"),
    Pair("2.21", "3.14"),
    Pair("2.22", "3.13"),
    Pair("2.22", "3.14"),
    Pair("2.22", "3.15"),
)
# Of the newest release, not of a candidate, which may change under the tests.
ENDS = (Pair("2.16", "3.10", LOWEST), Pair("2.21", "3.13"))
# Of these nothing but betas and release candidates is published yet.
BEFORE_RELEASE = ("2.22",)


def provide(pair: Pair, python: str) -> Path:
    """Make the pair's virtual environment, unless it is there; return its folder of programs."""
    target = ROOT / ".venv" / "matrix" / pair.name
    done = target / ".complete"
    wanted = "\n".join((*pair.libraries, *TOOLS, python))
    if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
        # By the Python's own pip: Debian's Python cannot put one into a virtual environment here.
        subprocess.run([python, "-m", "venv", "--without-pip", "--clear", str(target)], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--python", str(target / "bin/python")]
        pip += ["install", "-qq"]
        core = f"ansible-core=={pair.core}.*" + (f",>={pair.core}.0b1" if pair.core in BEFORE_RELEASE else "")
        subprocess.run([*pip, core, *pair.libraries, *TOOLS], check=True)
        done.write_text(wanted, encoding="utf-8")
    return target / "bin"


def whole(pair: Pair) -> list[tuple[str, ...]]:
    """Return the steps of a pair, each with its arguments for pytest."""
    first = next(each for each in PAIRS if each.core == pair.core)
    return [(UNIT, "--numprocesses=2"), SITE, *([NODE_PYTHONS] if pair == first else [])]


def run(pair: Pair, python: str, steps: list[tuple[str, ...]]) -> bool:
    """Run pytest with the pair, for each step's arguments; return whether all passed."""
    programs = provide(pair, python)
    print(f"== {pair.name}", flush=True)
    path = f"{programs}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / ".collections"), "AIRGAP_MATRIX": "1"}
    command = [str(programs / "python"), "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    # One pytest for each: the unit tests' folders and the lab's would name their modules alike.
    statuses = [subprocess.run([*command, *each], cwd=ROOT, env=environment, check=False).returncode for each in steps]
    return not any(statuses)


def main() -> int:
    """Run the pairs; return the exit status."""
    parser = argparse.ArgumentParser(description="Run the tests on supported pairs of ansible-core and Python.")
    parser.add_argument("--ends", action="store_true", help="the unit tests of the oldest and the newest pair alone")
    parser.add_argument("--only", nargs="+", metavar="CORE-PYTHON", help="these pairs alone, such as 2.16-3.10")
    arguments = parser.parse_args()
    chosen = [pair for pair in PAIRS if pair.short in arguments.only] if arguments.only else PAIRS
    find = find_python if arguments.ends else lambda version: find_python(version) or debian_python(version)
    pairs = {pair: find(pair.python) for pair in (ENDS if arguments.ends else chosen)}
    # The ends go with other steps of `make test`, which use the other processors.
    ends = [(f"{UNIT}/plugins", *(f"--ignore={UNIT}/plugins/{each}" for each in ELSEWHERE), "-m", "not properties")]
    results = {
        pair: run(pair, python, ends if arguments.ends else whole(pair)) for pair, python in pairs.items() if python
    }
    print("== Support matrix")
    for pair in pairs:
        print(f"{pair.name}: {'not here' if pair not in results else 'passed' if results[pair] else 'FAILED'}")
    return 0 if results and all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
