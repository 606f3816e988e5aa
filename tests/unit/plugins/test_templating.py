# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates make of settings, in the ansible-core that runs this: before 2.19 with and without jinja2_native."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.release import __version__ as CORE

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import load

ROOT = Path(__file__).resolve().parents[3]
COLLECTIONS = ROOT / ".collections" if (ROOT / ".collections").is_dir() else ROOT.parents[2]
KEEPS_TYPES = tuple(map(int, CORE.split(".")[:2])) >= (2, 19)
NATIVE = [True] if KEEPS_TYPES else [False, True]
VARIABLES = {
    "number": 3,
    "yes": True,
    "text": "overlayfs",
    "port": 10010,
    "runtimes": ["runc", "nvidia"],
    "password": "12345",
    "bracket": "[1]",
}
CRI = "io.containerd.cri.v1.images"


def play(folder: Path, native: bool, *tasks: dict, check: bool = True) -> str:
    """Run tasks on this machine, which needs no containerd for that; return the output."""
    playbook = folder / "play.yml"
    everything = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": VARIABLES}
    playbook.write_text(yaml.safe_dump([{**everything, "tasks": list(tasks)}]))
    (folder / "ansible.cfg").touch()
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        **({} if KEEPS_TYPES else {"ANSIBLE_JINJA2_NATIVE": str(native)}),
    }
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [shutil.which("ansible-playbook", path=here), "-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run([*command, str(playbook)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == check, done.stdout + done.stderr
    return done.stdout + done.stderr


def merge(path: Path, settings: object) -> dict:
    return {"airgap.containerd.containerd_config": {"path": str(path), "version": "2.1.9", "merge": settings}}


@pytest.mark.parametrize("native", NATIVE)
def test_settings(tmp_path, native):
    known, unknown, whole = (tmp_path / f"{name}.toml" for name in ("known", "unknown", "whole"))
    output = play(
        tmp_path, native,
        merge(known, {
            "oom_score": "{{ number }}",
            "root": "/var/lib/{{ text }}",
            "grpc": {"gid": "{{ number | int }}"},
            "plugins": {"cri_images": {"max_concurrent_downloads": "{{ number + 1 }}", "snapshotter": "{{ text }}"},
                        "cri_runtime": {"enable_selinux": "{{ yes }}", "enable_cdi": "{{ not yes }}"},
                        "cri_server": {"stream_server_port": "{{ port }}"}},
        }),
        merge(unknown, {"plugins": {"example.of.mine": {
            "variable": "{{ number }}", "expression": "{{ number + 0 }}", "plain": 3}}}),
        merge(whole, "{{ {'plugins': {'example.of.mine': {'number': number, 'yes': yes, 'list': runtimes}}} }}"),
    )  # fmt: skip
    assert "Traceback" not in output
    found = load.load(known.read_text())
    assert found.pop("version") == 3
    plugins = found.pop("plugins")
    assert repr(found) == repr({"oom_score": 3, "root": "/var/lib/overlayfs", "grpc": {"gid": 3}})
    assert plugins[CRI] == {"max_concurrent_downloads": 4, "snapshotter": "overlayfs"}
    assert plugins["io.containerd.grpc.v1.cri"] == {"stream_server_port": "10010"}
    assert plugins["io.containerd.cri.v1.runtime"] == {"enable_selinux": True, "enable_cdi": False}
    mine = load.load(unknown.read_text())["plugins"]["example.of.mine"]
    assert mine == {"variable": 3, "expression": 3 if native else "3", "plain": 3}, "as the documentation says"
    assert load.load(whole.read_text())["plugins"]["example.of.mine"] == {
        "number": 3, "yes": True, "list": ["runc", "nvidia"],
    }  # fmt: skip


@pytest.mark.parametrize("native", NATIVE)
def test_the_role(tmp_path, native):
    """The validating part of the role connects to nothing, and checks everything."""
    role = {"name": "airgap.containerd.containerd_registry", "tasks_from": "validate"}
    variables = {
        "containerd_registry_url": "http://registry.lan:{{ number }}000",
        "containerd_registry_username": "{{ password }}",
        "containerd_registry_password": "{{ bracket }}",
        "containerd_registry_catch_all": "{{ yes }}",
        "containerd_registry_prune": "{{ not yes }}",
        "containerd_registry_restart_throttle": "{{ number }}",
        "containerd_registry_upstreams": "{{ ['docker.io', 'quay.io'] }}",
        "containerd_registry_endpoints": {"registry.lan:3000": {"skip_verify": "{{ not yes }}"}},
    }
    play(tmp_path, native, {"ansible.builtin.include_role": role, "vars": variables})
    wrong = {**variables, "containerd_registry_restart_throttle": "{{ text }}x"}
    output = play(tmp_path, native, {"ansible.builtin.include_role": role, "vars": wrong}, check=False)
    assert "containerd_registry_restart_throttle: 'overlayfsx' is not a whole number" in output
    for name in ("containerd_registry_password", "containerd_registry_direct_x", "containerd_registry_endpoints_x"):
        wrong = {**variables, name: "{{ [vault_x] | first }}"}
        output = play(tmp_path, native, {"ansible.builtin.include_role": role, "vars": wrong}, check=False)
        assert (
            f"{name}: its template cannot be rendered: 'vault_x' is undefined" in output and "Traceback" not in output
        )
    nothing = {**variables, "containerd_registry_direct_x": None, "containerd_registry_restart": None}
    play(tmp_path, native, {"ansible.builtin.include_role": role, "vars": nothing})
