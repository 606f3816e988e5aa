# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A newer Python than this machine has: Debian sid's, unpacked into .venv, with the C library that it was built for.

The interpreter is given the path of its libraries, so that it runs here like any other; the only package installed is
the one that sets that path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lab"))

from airgap_lab import prepare, recipes  # noqa: E402
from airgap_lab.config import PackageSet  # noqa: E402

SUITE = "sid"
OWN = ("python{0}", "python{0}-minimal", "libpython{0}-minimal", "libpython{0}-stdlib", "python{0}-venv")
LIBRARIES = (
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "liblzma5",
    "libmpdec4",
    "libncursesw6",
    "libreadline8t64",
    "libsqlite3-0",
    "libssl3t64",
    "libtinfo6",
    "libuuid1",
    "libzstd1",
    "python3-pip-whl",
    "zlib1g",
)


def debian_python(version: str) -> str | None:
    """The interpreter of a major.minor version, unpacked unless it is there already; None if it cannot be had."""
    target = ROOT / ".venv" / "pythons" / version
    python = target / "usr/bin" / f"python{version}"
    if not python.exists():
        try:
            prepare.check_machine()
            _unpack(version, target)
        except (prepare.LabError, subprocess.CalledProcessError) as error:
            print(f"no Python {version}: {error}", flush=True)
            return None
    return str(python)


def _unpack(version: str, target: Path) -> None:
    prepare.install_programs(print, {"patchelf": "patchelf"})
    unfinished = target.with_name(f".{version}")
    for folder in (target, unfinished):
        shutil.rmtree(folder, ignore_errors=True)
    unfinished.mkdir(parents=True)
    packages = (*(name.format(version) for name in OWN), *LIBRARIES)
    recipes.unpack(unfinished, prepare.mirror(), PackageSet(SUITE, packages))
    libraries = next((target / "usr/lib" / path.parent.name) for path in unfinished.glob("usr/lib/*/libc.so.6"))
    loader = libraries / next(unfinished.glob(f"usr/lib/{libraries.name}/ld-linux*")).name
    # Debian's ensurepip looks for the wheel of pip where it would be installed.
    wheel = next(unfinished.glob("usr/share/python-wheels/pip-*.whl"))
    shutil.unpack_archive(wheel, unfinished / f"usr/lib/python{version}", format="zip")
    program = unfinished / "usr/bin" / f"python{version}"
    # Of a whole process, unlike a run path: also for what extension modules need.
    path = ["--force-rpath", "--set-rpath", str(libraries), "--set-interpreter", str(loader)]
    subprocess.run(["patchelf", *path, str(program)], check=True)
    unfinished.rename(target)
