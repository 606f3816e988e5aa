# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example in docs/molecule.md, copied and run: molecule tests a role that includes ours, on a node of the lab."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support import ROOT

PAGE = (ROOT / "docs" / "molecule.md").read_text()
FILES = dict(re.findall(r"^`(roles/\S+)`:\n\n```\w+\n(.*?)```", PAGE, re.S | re.M))
SCENARIO = "roles/node/molecule/default"


@pytest.fixture
def project(tmp_path) -> Path:
    """The example with the lab's nodes in its inventory, and without what makes nodes in containers."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in ("Containerfile", "create.yml", "destroy.yml", "inventory/hosts.yml"):
        (tmp_path / SCENARIO / name).unlink()
    shutil.copytree(ROOT / "inventories" / "lab", tmp_path / SCENARIO / "inventory", dirs_exist_ok=True)
    return tmp_path / "roles" / "node"


def test_a_role_that_includes_ours(lab, project):
    lab.reset("n3")
    molecule = project / "molecule" / "default" / "molecule.yml"
    settings = yaml.safe_load(molecule.read_text())
    settings["ansible"]["executor"]["args"]["ansible_playbook"].append("--limit=n3")
    molecule.write_text(yaml.safe_dump(settings))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    done = subprocess.run(
        ["molecule", "test"], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    actions = settings["scenario"]["test_sequence"]
    assert f"successful={len(actions)}" in done.stderr


def test_nodes_in_containers(tmp_path):
    """There is no container engine here: only the syntax of the playbooks is checked."""
    for name in ("create.yml", "destroy.yml"):
        (tmp_path / name).write_text(FILES[f"{SCENARIO}/{name}"])
        subprocess.run(["ansible-playbook", "--syntax-check", str(tmp_path / name)], check=True, capture_output=True)
    hosts = yaml.safe_load(FILES[f"{SCENARIO}/inventory/hosts.yml"])["all"]["hosts"]
    created = yaml.safe_load(FILES[f"{SCENARIO}/create.yml"])[0]["tasks"][1]["ansible.builtin.command"]["argv"]
    assert set(hosts) <= set(created)


def test_every_scenario_of_the_collection_is_in_the_table():
    scenarios = {path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml")}
    assert set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.M)) == scenarios
