# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes on other Debian systems, without systemd, and with an account that is not root: from first run to removal.

Two of them here; with AIRGAP_SYSTEMS set, as `make systems` does, all, each with pipelining and without, and with all
the Pythons that it has.
"""

from __future__ import annotations

import os

import pytest
import yaml
from airgap_lab import LabError
from ansible import constants
from support import ROOT, SITE, assert_served, files

PLAYBOOK = SITE

FOLDER = ROOT / "inventories" / "systems"
ALL = tuple(yaml.safe_load((FOLDER / "hosts.yml").read_text())["all"]["children"]["systems"]["hosts"])
SYSTEMS = ALL if os.environ.get("AIRGAP_SYSTEMS") else ("sysvinit", "sudo")
PIPELINING = (True, False) if os.environ.get("AIRGAP_SYSTEMS") else (True,)
IMAGE, REPOSITORY = "docker.io/library/busybox:1", "library/busybox"
LIST_PYTHONS = "ls -1 /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9] 2>/dev/null"


def pythons(lab, system: str) -> list[str]:
    """The interpreters on a node that this ansible-core knows, or its own alone where it is a newer one."""
    found = lab.run(system, ["sh", "-c", LIST_PYTHONS]).stdout.split()
    supported = [path for path in found if path.rsplit("/")[-1] in constants.INTERPRETER_PYTHON_FALLBACK]
    return (supported or found[:1]) if os.environ.get("AIRGAP_SYSTEMS") else found[:1]


@pytest.mark.parametrize("pipelining", PIPELINING)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_node_from_first_run_to_removal(lab, play, system, pipelining):
    lab.up([system])
    for python in pythons(lab, system):

        def run(playbook="playbooks/site.yml", python=python):
            more = ("-e", f"ansible_pipelining={pipelining}", "-e", f"ansible_python_interpreter={python}")
            return play(f"--limit={system}", *more, playbook=playbook, inventory=(str(FOLDER),)).ok()

        before = files(lab, system)
        with pytest.raises(LabError):
            lab.pull(system, IMAGE)
        first = run()
        assert first.changed() == {system: 1} and first.of(system)["restarted"], first.output
        assert_served(lab, system, IMAGE, "registry.lan", REPOSITORY)
        assert run().changed() == {system: 0}
        assert run("playbooks/uninstall.yml").changed() == {system: 1}
        assert {path: digest for path, digest in files(lab, system).items() if "/etc/containerd" in path} == {
            path: digest for path, digest in before.items() if "/etc/containerd" in path
        }
        lab.run(system, ["ctr", "--namespace=k8s.io", "images", "rm", IMAGE])
        with pytest.raises(LabError):
            lab.pull(system, IMAGE)
