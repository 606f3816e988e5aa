# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages say is typed on the lab, and what they say that it prints is compared with what it prints.

What can be known without the lab is in tests/unit/test_snippets.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest
import test_diagnosis as failures
import yaml
from airgap_lab import LabError
from command_lines import words
from pages import ROOT, blocks, commands, pages
from support import LAB_VARIABLES, NODES, SITE, assert_served

PLAYBOOK = SITE

NODE = "n3"  # one node is enough for what does not depend on the release
PASSWORD = LAB_VARIABLES["containerd_registry_password"]
BACK = ("uninstall", "rollback")
HARBOR_VARIABLES = ("-e", f"@{ROOT / 'tests' / 'lab' / 'harbor-vars.yml'}")
TROUBLES = "docs/troubleshooting.md"
IMAGES = "docs/images.md"  # test_images.py prints what is in it
RECIPES = ("docs/recipes.md", "docs/recipes.zh-CN.md")  # test_recipes.py does what they say


def typed(program: str) -> list[str]:
    """Every command with this program, once, in the order of the pages."""
    shown = [block for block in blocks("shell") if block.page not in RECIPES]
    found = dict.fromkeys(command for block in shown for command in commands(block))
    return [command for command in found if words(command)[0] == program]


def plain(text: str) -> str:
    """A text without what differs from run to run: times, versions, white space."""
    text = re.sub(r"\d+\.\d+\.\d+", "VERSION", text)
    text = re.sub(r"\b\d+\.\d\d(-\d+\.\d\d)?\b|\b\d+\.\d(?= s\b)", "TIME", text)
    return re.sub(r"\s+", " ", text)


def pieces(text: str) -> list[str]:
    """The lines of an output, each with the indented ones below it; a line … marks omitted lines."""
    return [each for each in re.split(r"\n(?=\S)", text.rstrip("\n")) if each != "…"]


def demo():
    """The program `tests/lab/demo` as a module."""
    loader = SourceFileLoader("demo", str(ROOT / "tests" / "lab" / "demo"))
    module = module_from_spec(spec_from_loader("demo", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def first_runs(lab, play):
    """What two runs on new nodes print, and the lab after them."""
    lab.reset(*NODES)
    first, second = play().ok(), play().ok()
    return first.output + second.output, sum(second.changed().values())


@pytest.fixture(scope="module")
def printed(lab, play, first_runs, tmp_path_factory) -> str:
    """What the playbook and the demo print."""
    output, changed = first_runs
    show, folder = demo(), tmp_path_factory.mktemp("demo")
    show.REPORT = folder
    lab.reset_counters()
    mark, images = lab.mark(), f"@{ROOT / 'tests' / 'lab' / 'demo-vars.yml'}"
    report = f"containerd_registry_report_dir={folder}"
    table = play("-e", images, "-e", report, playbook="playbooks/verify.yml").ok().output
    last, good = show.verdict(show.pulls(), lab.requests(mark), lab.counters(), changed)
    assert good, last
    return plain(f"{output}\n{table}\n{last}")


OUTPUTS = [
    pytest.param(block.text, id=str(block))
    for block in blocks("output")
    if block.page not in (TROUBLES, IMAGES)
    and not re.search(r" on \S+ \(containerd|moves from config|of 300 nodes", block.text)
]


@pytest.mark.parametrize("text", OUTPUTS)
def test_outputs_are_what_is_printed(printed, text):
    for piece in pieces(text):
        assert plain(piece).strip() in printed, piece


def test_commands_of_the_pages_run(first_runs, lab, play, tmp_path):
    """On one node; what goes back is followed by the site playbook, so that the next command finds what it needs."""
    kept = {"containerd_registry_report_dir": str(tmp_path), "containerd_registry_render_dest": str(tmp_path / "files")}
    folders, went_back, done = ("-e", json.dumps(kept)), False, set()
    for command in typed("ansible-playbook"):
        source, playbook, *rest = [word for word in words(command)[1:] if word != "-i"]
        if source not in ("inventories/lan", "inventories/lab") or "--ask-vault-pass" in rest:
            continue  # the test below types what wants a vault
        if "manifests=" in command:
            continue  # test_images.py has some
        if went_back:
            play(f"--limit={NODE}").ok()
        harbor = HARBOR_VARIABLES if "verify_harbor" in command else ()
        where = ("-e", f"containerd_registry_schedule_on={NODE}") if playbook.endswith(".schedule") else ()
        run = play(f"--limit={NODE}", *folders, *harbor, *rest, *where, playbook=playbook)
        assert run.rc == 0, f"{command}\n{run.output}"
        assert PASSWORD not in run.output
        name = playbook.rpartition(".")[2] if "/" not in playbook else playbook
        went_back = name in BACK and "--check" not in rest
        done.add(name)
    play(
        "-e", f"containerd_registry_schedule_on={NODE}", playbook="playbooks/schedule.yml", schedule_state="absent"
    ).ok()
    assert done >= {"site", "verify", "schedule", "resolve", "rollback", "uninstall", "playbooks/site.yml"}
    play(f"--limit={NODE}").ok()


def test_the_vault_of_the_first_page(lab, play, tmp_path):
    """The sample inventory with the lab's hosts and password, encrypted and run as the README has it."""
    lab.reset(NODE)
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories", ignore=shutil.ignore_patterns("lab"))
    vault = tmp_path / "inventories" / "lan" / "group_vars" / "all" / "vault.yml"
    assert yaml.safe_load(vault.read_text()) == {"vault_harbor_password": "change-me"}
    vault.write_text(yaml.safe_dump({"vault_harbor_password": PASSWORD}))
    shutil.copy(ROOT / "inventories" / "lab" / "hosts.yml", tmp_path / "inventories" / "lan" / "hosts.yml")
    (tmp_path / "word").write_text("the word of this vault\n")
    variables = {
        "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "word"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
    }
    encrypt, *runs = typed("ansible-vault") + [each for each in typed("ansible-playbook") if "--ask-vault" in each]
    for command in (encrypt, *runs):
        # The lab's Harbor has another name than that of the example, and no password can be typed.
        arguments = [word for word in words(command) if word != "--ask-vault-pass"]
        if command in runs:
            arguments += [f"--limit={NODE}", "-e", "containerd_registry_url=http://harbor.lan"]
        environment = {**os.environ, **variables}
        done = subprocess.run(
            arguments, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    assert vault.read_text().startswith("$ANSIBLE_VAULT;")
    assert_served(lab, NODE, "docker.io/library/busybox:1", "harbor.lan", "dockerhub/library/busybox")


def test_commands_of_the_lab_run(first_runs):
    for command in typed("tests/lab/lab"):
        arguments = words(command)
        if arguments[1] in ("up", "down", "reset", "swap") or arguments[1:] == ["ssh", "n1"]:
            continue  # would stop the lab that other tests use, or wait for input
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_other_commands_of_ansible_run(first_runs):
    for command in (*typed("ansible"), *typed("ansible-doc")):
        done = subprocess.run(words(command), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def test_commands_on_a_node_run(first_runs, lab):
    for block in blocks("node"):
        for command in commands(block):
            done = lab.run(NODE, ["sh", "-c", command])
            assert done.returncode == 0, f"{block}: {command}: {done.stderr}"


def test_tasks_of_the_pages_run(lab, play, tmp_path):
    lab.reset(NODE)
    # Those that are a file of a role are run with the rest of it, see test_molecule_docs.py.
    tasks = [task for block in blocks("tasks") if not block.file for task in block.data]
    (tmp_path / "tasks.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    run = play(f"--limit={NODE}", *HARBOR_VARIABLES, playbook=str(tmp_path / "tasks.yml")).ok()
    assert len(run.results) == len(tasks)


@pytest.fixture(scope="module")
def complaints(lab) -> str:
    """What the pulls of a node that is wrong in every way end with, and what its log says."""
    lab.reset(NODE)
    registry, path = f"[{failures.V2}.registry]", f'config_path = "{failures.CERTS}"'
    for kind, mirror in {**failures.MIRRORS, **failures.ALONE}.items():
        if mirror:
            text = failures.hosts_toml(*mirror)
            lab.write(NODE, f"{failures.CERTS}/{failures.upstream(kind)}/hosts.toml", text)
    broken = f"{failures.CERTS}/{failures.upstream('hosts_toml_broken')}/hosts.toml"
    lab.write(NODE, broken, 'server = "http://registry.lan\n')
    failures.restart(lab, NODE, failures.config(registry, path))
    found = []

    def pull(image: str) -> None:
        with pytest.raises(LabError) as error:
            lab.pull(NODE, image)
        found.append(str(error.value))

    for kind in {**failures.MIRRORS, **failures.ALONE}:
        if kind != "unreachable":
            pull(failures.image(kind))
    mirror = f'[{failures.V2}.registry.mirrors."docker.io"]'
    failures.restart(lab, NODE, failures.config(registry, path, mirror, 'endpoint = ["http://registry.lan"]'))
    pull("docker.io/library/busybox:1")
    assert lab.run(NODE, ["systemctl", "is-active", "containerd"]).stdout.strip() == "active"
    found.append(lab.run(NODE, ["ctr", "plugins", "ls", "id==cri"]).stdout)
    found.append(lab.run(NODE, ["journalctl", "-u", "containerd", "--no-pager", "-o", "cat"]).stdout)
    lab.reset(NODE)
    return "\n".join(found)


def test_troubles_show_as_the_page_says(complaints):
    (page,) = (each for each in pages() if each.name == TROUBLES)
    lines = [line for block in page.blocks if block.kind == "output" for line in block.text.splitlines()]
    assert lines
    for line in lines:
        assert line in complaints, line
