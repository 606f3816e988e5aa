# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block of every page is what it looks like: what can be known without the lab.

tests/integration/test_pages.py runs the commands on the lab, and compares what they print with the pages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import command_lines
import fleet_samples
import pki
import pytest
import yaml
from pages import ROOT, Block, blocks, commands, pages

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import from_legacy
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document, pulls, resolutions
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

BIN = Path(sys.executable).parent
TABLE = re.compile(r"on (\S+) \(containerd (\S+)\)")
NODE_PATH = re.compile(r"# (/etc/containerd/(?:certs\.d/)?)(\S+)\n")
SECRET = "12345"


def ids(found: list[Block]) -> list[str]:
    return [str(each) for each in found]


def every(kind: str):
    """Parametrize with every block of a kind."""
    found = blocks(kind)
    assert found, f"no page has a block of the kind {kind}"
    return pytest.mark.parametrize("block", found, ids=ids(found))


def ansible(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs in a folder, with the collection of this checkout."""
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{folder / 'collections'}",
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "integration" / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "AIRGAP_RECORD": str(folder / "record.jsonl"),
        "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_HOST_PATTERN_MISMATCH": "warning",  # `ansible-test` makes it an error
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(
        [shutil.which(program, path=f"{BIN}:{os.environ['PATH']}"), *arguments],
        cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("page", pages(), ids=repr)
def test_every_block_has_a_kind(page):
    for block in page.blocks:
        assert block.kind
    assert page.text.count("```") == 2 * len(page.blocks), "a fence is indented, or not closed"
    assert not re.search(r"\n\n {4}\S", re.sub(r"\n[-*0-9].*\n( {2,}.*\n|\n)*", "", page.prose)), "an indented block"


@pytest.fixture(scope="module")
def validated(tmp_path_factory) -> dict[str, dict]:
    """What the validating play says of every block of variables, each of which is a host."""
    folder = tmp_path_factory.mktemp("variables")
    inventory = folder / "lan"
    for place in (folder, inventory):
        (place / "files").mkdir(parents=True)
    certificate, key = pki.pair()
    wanted = {"containerd_registry_url": "http://harbor.lan"}
    names, hosts, secrets = {}, {}, {}
    for number, block in enumerate(blocks("variables")):
        given = any(name.startswith(("containerd_registry_url", "containerd_registry_mirrors")) for name in block.data)
        names[f"block{number}"] = str(block)
        hosts[f"block{number}"] = {**({} if given else wanted), **block.data}
        for name in re.findall(r"\bvault_\w+", block.text):
            secrets[name] = "Basic dTpw" if name.endswith("auth") else SECRET
        for beside, name in re.findall(r"(/\.\.)?/files/([\w.-]+)", block.text):
            path = (folder if beside else inventory) / "files" / name
            path.write_text(key if name.endswith(".key") else certificate)
    (inventory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": secrets}}))
    role = {"name": "airgap.containerd.containerd_registry", "tasks_from": "validate"}
    tasks = [{"name": "Validate", "ansible.builtin.import_role": role}]
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    run = ansible(folder, "ansible-playbook", "-i", "lan/hosts.yml", "play.yml")
    lines = (folder / "record.jsonl").read_text().splitlines() if (folder / "record.jsonl").is_file() else []
    entries = [json.loads(line) for line in lines]
    found = {
        names[entry["host"]]: entry["result"]
        for entry in entries
        if entry.get("task") == "airgap.containerd.containerd_registry"
    }
    assert len(found) == len(hosts), run.stdout + run.stderr
    return found


@every("variables")
def test_variables_are_right(validated, block):
    assert validated[str(block)]["msg"] == "variables are valid"
    assert "warnings" not in validated[str(block)]


def stubs(folder: Path, plays: list[dict]) -> None:
    """Make the roles, modules and playbooks of others that plays name, with nothing in them."""
    tasks = [task for play in plays for part in ("pre_tasks", "tasks", "post_tasks") for task in play.get(part, ())]
    roles = [role for play in plays for role in play.get("roles", ())]
    names = [each.get("role", each.get("name")) if isinstance(each, dict) else each for each in roles]
    names += [task[each]["name"] for task in tasks for each in task if each.endswith(("import_role", "include_role"))]
    for module in (each for task in tasks for each in task if re.fullmatch(r"(?!ansible|airgap)\w+\.\w+\.\w+", each)):
        namespace, collection, name = module.split(".")
        modules = folder / "collections" / "ansible_collections" / namespace / collection / "plugins" / "modules"
        modules.mkdir(parents=True, exist_ok=True)
        (modules / f"{name}.py").write_text("")
    for name in names:
        if not name.startswith("airgap.containerd."):
            (folder / "roles" / name / "tasks").mkdir(parents=True, exist_ok=True)
            (folder / "roles" / name / "tasks" / "main.yml").write_text("[]\n")
    for play in plays:
        name = play.get("ansible.builtin.import_playbook", "airgap.")
        if not name.startswith("airgap."):
            (folder / name).write_text("- hosts: all\n  gather_facts: false\n")


def test_playbooks_and_tasks_have_no_errors_of_syntax(tmp_path):
    names = []
    for number, block in enumerate([*blocks("playbook"), *blocks("tasks")]):
        plays = block.data if block.kind == "playbook" else [{"hosts": "all", "tasks": block.data}]
        stubs(tmp_path, plays)
        for play in plays:
            assert play.get("name") or block.kind == "tasks" or "hosts" not in play, f"{block}: a play without a name"
        names.append(f"{number}.yml")
        (tmp_path / names[-1]).write_text(yaml.safe_dump(plays, sort_keys=False))
    run = ansible(tmp_path, "ansible-playbook", "--syntax-check", "-i", "localhost,", *names)
    assert run.returncode == 0, run.stdout + run.stderr


def test_inventories_can_be_read(tmp_path):
    for number, block in enumerate(blocks("inventory")):
        (tmp_path / f"{number}.yml").write_text(block.text)
        run = ansible(tmp_path, "ansible-inventory", "-i", f"{number}.yml", "--list")
        assert run.returncode == 0 and "WARNING" not in run.stderr, f"{block}: {run.stderr}"
        assert json.loads(run.stdout)["_meta"]["hostvars"] or "hosts" in block.text, block


@pytest.mark.parametrize("block", [each for page in pages() for each in page.blocks if each.file], ids=str)
def test_what_a_block_says_of_a_file_is_in_it(block):
    path = ROOT / block.file
    if not path.is_file() or block.file.startswith("/"):
        return  # a file of the reader's own
    theirs = yaml.safe_load(path.read_text()) if path.suffix in (".yml", ".yaml") else path.read_text()
    if isinstance(block.data, dict):
        assert {name: theirs.get(name) for name in block.data} == block.data
    else:
        assert block.data == theirs


@every("shell")
def test_commands_can_be_typed(block):
    for command in commands(block):
        try:
            command_lines.check(command, block)
        except ValueError as error:
            pytest.fail(f"{block}: {command}: {error}", pytrace=False)


@pytest.mark.parametrize(
    "command",
    [
        "make demos",
        "ansible-playbook -i inventories/wan airgap.containerd.site",
        "ansible-playbook -i inventories/lan airgap.containerd.sight",
        "ansible-playbook -i inventories/lan airgap.containerd.site --chek",
        "ansible-playbook -i inventories/lan airgap.containerd.site -e containerd_registry_stat=absent",
        "ansible-doc airgap.containerd.containerd_nothing",
        "tests/lab/lab upp",
        "python3 -m pip install -r nowhere.txt",
        "rm -rf /",
    ],
)
def test_wrong_commands_are_found(command):
    with pytest.raises(ValueError):
        command_lines.check(command, Block("README.md", "", 1, "shell", command))


def test_execution_environments_have_known_keys():
    for block in blocks("environment"):
        known = {"version", "images", "dependencies", "additional_build_steps", "additional_build_files", "options"}
        assert set(block.data) <= known and block.data["version"] == 3, block


def test_dockerfiles_have_known_instructions():
    for block in blocks("dockerfile"):
        lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
        assert {line.split()[0] for line in lines} <= {"FROM", "RUN", "VOLUME", "CMD", "ENV", "COPY"}, block
        assert lines[0].startswith("FROM "), block


@every("toml")
def test_toml_can_be_read(block):
    load(block.text)


@every("json")
def test_json_can_be_read(block):
    json.loads(block.text)


def tables() -> list[tuple[Block, str]]:
    """Every table of the resolver, and what it ought to be: the TOML of a page adds up from one to the next."""
    found = []
    for page in pages():
        config, hosts = None, {}
        for block in page.blocks:
            path = NODE_PATH.match(block.text) if block.kind == "toml" else None
            if path and path.group(2) == "config.toml":
                config = block.text
            elif path:
                hosts[path.group(2)] = block.text
            elif block.kind == "output" and TABLE.search(block.text) and config:
                node, version = TABLE.search(block.text).groups()
                answer = filter.resolve([block.text.split()[0]], version, config=config, hosts=hosts)
                found.append((block, "\n".join(resolutions.lines({node: answer})) + "\n"))
    return found


@pytest.mark.parametrize(("block", "right"), tables(), ids=lambda each: str(each) if isinstance(each, Block) else "")
def test_tables_of_the_resolver_are_right(block, right):
    assert block.text == right
    assert "secret" not in right and "c2Vjcm" not in right


def plans() -> list[tuple[Block, Block]]:
    """Every plan of a migration, and the config.toml before it."""
    found = []
    for page in pages():
        for before, block in zip(page.blocks, page.blocks[1:], strict=False):
            if before.kind == "toml" and "moves from config.toml to hosts.toml" in block.text:
                found.append((before, block))
    return found


@pytest.mark.parametrize(("before", "block"), plans(), ids=str)
def test_plans_of_a_migration_are_right(before, block):
    registry = load(before.text)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    wanted = desired.desired({"url": "http://registry.lan", "upstreams": ["docker.io"]})
    found = from_legacy.from_registry(registry, wanted, "containerd_registry_")
    assert [*found.items, *found.staying, *found.replaced] == block.text.splitlines()


def test_the_table_of_a_fleet_is_right():
    (block,) = (each for each in blocks("output") if "of 300 nodes" in each.text)
    table = pulls.lines(document.document(fleet_samples.documented(), "2026-01-01T00:00:00+00:00"))
    written, right = (
        re.sub(r"0\.\d\d(-0\.\d\d)? ", "", re.sub(r"host \S+ port", "host … port", " ".join(text.split())))
        for text in (block.text, "\n".join(table))
    )
    assert written == right


def test_there_are_tables_and_plans():
    assert len(tables()) >= 2 and len(plans()) >= 1


END = r'(\w+)(?:[\[{]"([^"]*)"[\]}])?'
EDGE = re.compile(rf'{END} --(?:"([^"]*)"--)?> {END}')


@every("mermaid")
def test_diagrams_hold_together(block):
    """Every line is an edge, every end has a text, and everything hangs on the first node."""
    head, *lines = block.text.splitlines()
    assert head == "flowchart TD"
    texts, edges = {}, []
    for line in lines:
        match = EDGE.fullmatch(line.strip())
        assert match, line
        start, start_text, _label, end, end_text = match.groups()
        edges.append((start, end))
        for name, text in ((start, start_text), (end, end_text)):
            if text:
                assert name not in texts, f"{name} has two texts"
                texts[name] = text
    reached, size = {edges[0][0]}, 0
    while len(reached) != size:
        size = len(reached)
        reached |= {end for start, end in edges if start in reached}
    assert reached == set(texts) == {name for edge in edges for name in edge}
