# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that omits healthy nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def shown(tmp_path):
    """Return a function that runs a playbook on local hosts with this callback, and returns what is on the screen."""
    (tmp_path / "ansible.cfg").touch()
    settings = {
        "ANSIBLE_CONFIG": tmp_path / "ansible.cfg",
        "ANSIBLE_COLLECTIONS_PATH": ROOT / ".collections",
        "ANSIBLE_STDOUT_CALLBACK": "airgap.containerd.fleet",
        "ANSIBLE_NOCOLOR": "1",
    }

    def run(playbook: Path, hosts: dict) -> str:
        (tmp_path / "hosts.json").write_text(
            json.dumps({"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}})
        )
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.json", str(playbook)],
            cwd=tmp_path, env={**os.environ, **{name: str(value) for name, value in settings.items()}},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "WARNING" not in done.stderr and "Traceback" not in done.stdout + done.stderr, done.stderr
        return done.stdout + done.stderr

    return run


def test_hundreds_of_nodes_with_problems_fit_on_a_screen(shown):
    right, wrong = {"containerd_registry_url": "registry.lan"}, {"containerd_registry_url": ""}
    hosts = {f"n{number:02}": wrong if number < 10 else right for number in range(60)}
    output = shown(ROOT / "playbooks" / "site.yml", hosts)
    assert len(output.splitlines()) <= 60, output
    assert "60 nodes: 60 cannot be changed" in output and "n[10:59] (50 nodes): cannot be changed" in output
    assert "and 59 hosts more" in output and "ok: [" not in output


def test_what_fails_and_what_others_do_is_shown(shown, tmp_path):
    tasks = [
        {"ansible.builtin.debug": {"msg": "told"}, "changed_when": True},
        {"ansible.builtin.fail": {"msg": "ignored"}, "ignore_errors": True},
        {"ansible.builtin.fail": {"msg": "really"}, "when": "inventory_hostname == 'n2'"},
    ]
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    output = shown(playbook, {"n1": {}, "n2": {}})
    assert "changed: [n1]" in output and "really" in output and "skipping" not in output
    assert "fatal: [n2]" in output and output.count("fatal: [") == 1
    assert "and 1 host more" in output
    playbook.write_text(json.dumps([{"hosts": "n1", "gather_facts": False, "tasks": tasks[:1]}]))
    assert "1 ok" in shown(playbook, {"n1": {}})
