# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab takes a containerd from a folder, for releases that no Debian suite has."""

from __future__ import annotations

import pytest
from airgap_lab import LabError, config, recipes

VARIABLES = {"ansible_host": "10.77.0.15", "ansible_python_interpreter": "/usr/bin/python3", "lab_containerd": "2.3.5"}


def test_a_node_of_a_suite_and_one_of_a_folder(tmp_path):
    node = config._node("n5", {**VARIABLES, "lab_suite": "sid", "lab_packages": ["x"]})
    assert node.folder is None and node.layer.packages == ("containerd", "x")
    node = config._node("n5", {**VARIABLES, "lab_suite": "bookworm", "lab_folder": str(tmp_path)})
    assert node.folder == tmp_path and node.layer.packages == ()


def test_what_is_in_a_folder_goes_where_a_package_has_it(tmp_path):
    (tmp_path / "release/bin").mkdir(parents=True)
    with pytest.raises(LabError, match=r"has no bin/containerd and no bin/containerd-shim-runc-v2, as a release"):
        recipes.programs(tmp_path / "release")
    for name in ("containerd", "containerd-shim-runc-v2", "ctr"):
        (tmp_path / "release/bin" / name).write_text(name)
    recipes.place(tmp_path / "layer", tmp_path / "release")
    placed = tmp_path / "layer/usr/bin/containerd"
    assert placed.read_text() == "containerd" and placed.stat().st_mode & 0o777 == 0o755
    unit = (tmp_path / "layer/usr/lib/systemd/system/containerd.service").read_text()
    assert "ExecStart=/usr/bin/containerd" in unit and "KillMode=process" in unit
