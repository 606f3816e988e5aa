# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons that this ansible-core supports on nodes, as far as this machine has them: the oldest and the newest, and
with AIRGAP_MATRIX set, as `make matrix` does, all of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from ansible import constants
from pythons import find_python
from support import assert_served

NODE = "n2"


def supported() -> dict[str, str]:
    """Interpreters on this machine, by version; ansible-core itself names the versions that it looks for on nodes."""
    versions = [name.removeprefix("python") for name in constants.INTERPRETER_PYTHON_FALLBACK]
    found = {version: find_python(version) for version in versions if re.fullmatch(r"3\.\d+", version)}
    here = {version: python for version, python in found.items() if python}
    return (
        here
        if os.environ.get("AIRGAP_MATRIX")
        else {version: here[version] for version in (list(here)[-1], list(here)[0])}
    )


PYTHONS = supported()


@pytest.mark.parametrize("version", PYTHONS)
def test_a_node_with_this_python(lab, play, version):
    lab.reset(NODE)
    command = [PYTHONS[version], "-c", "import sys; print(sys.base_prefix)"]
    prefix = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    left_out = shutil.ignore_patterns("__pycache__", "test", "tests", "*.a")
    shutil.copytree(prefix, lab.root(NODE) / prefix.lstrip("/"), symlinks=True, dirs_exist_ok=True, ignore=left_out)
    arguments = ("--limit", NODE, "-e", f"ansible_python_interpreter={prefix}/bin/python{version}")
    assert play(*arguments).ok().changed() == {NODE: 1}
    assert_served(lab, NODE, "docker.io/library/busybox:1", "registry.lan", "library/busybox")
    assert play(*arguments).ok().changed() == {NODE: 0}
