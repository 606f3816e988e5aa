# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installed from its tarball, from a clone, included by others; and how often it goes to a node."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
import yaml
from stage import committable, copy
from support import ENDS, LAB_VARIABLES, NEWEST, ROOT, SITE, assert_served, executions

PLAYBOOK = SITE


@pytest.mark.nodes(*ENDS)
def test_remote_executions_do_not_grow(fresh, play):
    """One for the plan, two more to change whatever there is: preflight, certificates, restart and proof."""
    tls = fresh.config.tls
    account = {name: LAB_VARIABLES[f"containerd_registry_{name}"] for name in ("username", "password")}
    certificates = {
        "ca": str(tls / "ca.crt"),
        "client_cert": str(tls / "client.crt"),
        "client_key": str(tls / "client.key"),
    }
    names = [f"registry{number}.example.org" for number in range(50)]
    wanted = {
        "upstreams": names,
        "mirrors": {f"tls{number}.example.org": ["https://registry.lan:8443"] for number in range(10)},
        "endpoints": {"https://registry.lan:8443": {**account, **certificates}},
    }

    def run(**options):
        return play("-vvv", **{**wanted, **options}).ok()

    first, unchanged, changed = run(), run(), run(upstreams=names[1:])
    assert [first.of(node)["restarted"] for node in ENDS] == [True, True]
    assert first.changed() == changed.changed() == dict.fromkeys(ENDS, 1)
    counts = [executions(each.output) for each in (first, unchanged, changed)]
    assert counts == [dict.fromkeys(ENDS, 3), dict.fromkeys(ENDS, 1), dict.fromkeys(ENDS, 3)]


@pytest.mark.nodes(NEWEST)
def test_from_a_tarball(fresh, play, tmp_path):
    collections = tmp_path / "collections"
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, cwd=tmp_path)
    (tarball,) = tmp_path.glob("airgap-containerd-*.tar.gz")
    install = ["ansible-galaxy", "collection", "install", "--offline", "-p", str(collections), str(tarball)]
    subprocess.run(install, check=True, capture_output=True, cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = {"ANSIBLE_COLLECTIONS_PATH": str(collections)}
    run = play(playbook="airgap.containerd.site", cwd=elsewhere, env=env).ok()
    assert run.changed() == {NEWEST: 1}
    assert play().ok().changed() == {NEWEST: 0}, "the clone finds nothing left to do"


def test_offline_to_the_letter(lab, tmp_path):
    """docs/offline.md, from an empty folder with the bundle alone, and no network but the lab's for what follows it."""
    text = (ROOT / "docs" / "offline.md").read_text()
    online, install, playbook = re.findall(r"^```shell\n(.*?)```", text, re.S | re.M)
    clone, folder = tmp_path / "clone", tmp_path / "controller"
    copy(committable(ROOT), ROOT, clone)
    folder.mkdir()
    shutil.copytree(ROOT / "inventories" / "lab", folder / "inventories" / "lan")
    left_out = ("PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"ANSIBLE_HOME": str(tmp_path / "home"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(script, cwd, *before):
        command = [*before, "bash", "-euxo", "pipefail", "-c", script]
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("git init -q && git add -A && git -c user.name=x -c user.email=x@x.lan commit -qm x", clone)
    run(online, clone)
    (clone / "bundle").rename(folder / "bundle")
    lab.reset("n2")
    no_network = ("unshare", "--net")
    run(install, folder, *no_network)
    output = run(playbook.rstrip() + " --limit n2", folder, *no_network)
    assert re.search(r"^n2 .* changed=1 ", output, re.M), output
    assert_served(lab, "n2", "docker.io/library/busybox:1", "registry.lan", "library/busybox")


@pytest.mark.nodes(NEWEST)
def test_included_by_others_without_facts(fresh, play, tmp_path):
    playbook = tmp_path / "other.yml"
    tasks = [{"ansible.builtin.include_role": {"name": "airgap.containerd.containerd_registry"}}]
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    run = play(playbook=str(playbook)).ok()
    assert run.changed() == {NEWEST: 1}
    assert all("ansible_facts" not in each["result"] for each in run.results)


@pytest.mark.nodes("n3")
def test_the_interpreter_is_discovered_once_for_a_play(fresh, play, tmp_path):
    playbook = tmp_path / "twice.yml"
    tasks = [{"airgap.containerd.containerd_info": {}}] * 3
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    run = play("-vvv", "-e", "ansible_python_interpreter=auto_silent", playbook=str(playbook)).ok()
    assert executions(run.output) == {"n3": 1 + 3}
