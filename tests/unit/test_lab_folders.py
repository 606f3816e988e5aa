# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab uses a containerd from a folder, for releases in no Debian suite; nodes have several base systems."""

from __future__ import annotations

import pytest
from airgap_lab import LabError, config, recipes

BASES = {"bookworm": config.Base(config.PackageSet("bookworm", ("sudo",)))}
VARIABLES = {
    "ansible_host": "10.77.0.15",
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_user": "root",
    "lab_base": "bookworm",
    "lab_containerd": "2.3.5",
}


def test_a_node_of_a_suite_and_one_of_a_folder(tmp_path):
    node = config._node("n5", BASES, {**VARIABLES, "lab_suite": "sid", "lab_packages": ["x"]})
    assert node.folder is None and node.layer.packages == ("containerd", "x")
    node = config._node("n5", BASES, {**VARIABLES, "lab_suite": "bookworm", "lab_folder": str(tmp_path)})
    assert node.folder == tmp_path and node.layer.packages == ()


def test_a_node_has_the_containerd_of_its_system_unless_it_names_a_suite():
    assert config._node("n5", BASES, VARIABLES).layer.suite == "bookworm"


def test_nodes_on_other_systems_boot_only_when_they_are_named():
    lab = config.load()
    assert lab.systems and not set(lab.systems) & set(lab.nodes)
    addresses = [node.address for node in lab.machines.values()]
    assert len(set(addresses)) == len(addresses)
    assert {node.base.packages.suite for node in lab.machines.values()} >= {"bullseye", "bookworm", "trixie", "sid"}
    assert lab.systems["sysvinit"].base.init == "sysvinit"
    assert not any("systemd" in package for package in lab.systems["sysvinit"].base.packages.packages)
    assert lab.systems["sudo"].user != "root" and lab.systems["sudo"].password


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
