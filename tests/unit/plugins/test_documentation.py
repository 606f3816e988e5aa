# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what is there."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.plugins.doc_fragments import files
from role_options import role_options

from ansible_collections.airgap.containerd.plugins.module_utils._change import lock
from ansible_collections.airgap.containerd.plugins.module_utils._cri import client, protobuf
from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    commands,
    filesystem,
    history,
    imports,
    trial,
)
from ansible_collections.airgap.containerd.plugins.module_utils._registry import connection, preflight, web
from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import options
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import pull

ROOT = Path(__file__).parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "action").glob("containerd_*.py"))
PLUGINS = sorted(path for kind in ("modules", "filter", "callback") for path in (ROOT / "plugins" / kind).glob("*.py"))
ROLE = ROOT / "roles" / "containerd_registry"
FRAGMENTS = ROOT / "plugins" / "doc_fragments" / "node.py"


def documented(name: str) -> dict:
    """The options of a module's documentation, fragments included."""
    source = (ROOT / "plugins" / "modules" / f"{name}.py").read_text()
    doc = yaml.safe_load(re.search(r'DOCUMENTATION = r"""(.*?)"""', source, re.S).group(1))
    options = dict(doc.get("options", {}))
    for fragment in doc["extends_documentation_fragment"]:
        options |= fragment_options(fragment)
    return options


def fragment_options(fragment: str) -> dict:
    """The options of a documentation fragment."""
    if fragment == "ansible.builtin.files":
        return yaml.safe_load(files.ModuleDocFragment.DOCUMENTATION)["options"]
    part = fragment.removeprefix("airgap.containerd.node").removeprefix(".") or "documentation"
    found = re.search(rf'^    {part.upper()} = r"""(.*?)"""', FRAGMENTS.read_text(), re.S | re.M)
    return yaml.safe_load(found.group(1)).get("options", {})


def spec(name: str) -> dict:
    module = importlib.import_module(f"ansible_collections.airgap.containerd.plugins.action.{name}")
    return module.ActionModule.argument_spec


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name):
    options, arguments = documented(name), spec(name)
    assert set(options) == set(arguments)
    for option, argument in arguments.items():
        for key in ("type", "elements", "default", "choices", "required"):
            assert options[option].get(key) == argument.get(key), (option, key)


def test_limits_are_documented_as_they_are():
    page = (ROOT / "docs" / "safety.md").read_text()
    stated = dict(re.findall(r"^\| (.*?) \| (.*?) \|$", page.partition("## Limits on a node")[2], re.M))

    def mib(size: int) -> str:
        return f"{size // (1 << 20)} MiB"

    seconds = inspect.signature(commands.run).parameters["timeout"].default
    restart = options.ARGUMENT_SPEC["restart_timeout"]["default"]
    assert {key: value for key, value in stated.items() if key not in ("what", "---")} == {
        "waiting for another run": f"{lock.LOCK_SECONDS} s",
        "a restart and its verification": f"`containerd_registry_restart_timeout`, {restart} s; twice that if the "
        "previous files are restored",
        "a trial start": f"{trial.SECONDS} s; usually less than half a second",
        "any other command": f"{seconds} s, {mib(commands.MAX_OUTPUT)} of output",
        "a configuration file, a `hosts.toml`": mib(filesystem.MAX_FILE),
        "the record or a state": mib(history.MAX_STATE),
        "entries of a directory": str(filesystem.MAX_NAMES),
        "imported files": str(imports.MAX_IMPORTS),
        "states": "2: the open one and the last one",
        "copies of a file that was edited by hand": f"the newest {history.MAX_COPIES}",
        "an answer of CRI": f"{mib(client.MAX_MESSAGE)}, {protobuf.MAX_VALUES} values",
        "a preflight request to a registry": f"{web.TIMEOUT:.0f} s and {mib(connection.MAX_BODY)}, "
        f"{preflight._DEADLINE:.0f} s for all",
        "a request to a node, a node's answer": mib(wire.MAX_DATA),
        "a message of a node": f"{_text.MAX_LINE} characters",
        "images to pull": str(pull.MAX_IMAGES),
    }


def test_the_role_offers_what_its_module_does():
    arguments = spec("containerd_registry")
    assert set(role_options()) == set(arguments) - {"validate_only", "fleet", "planned", "from_variables"}
    for option, value in role_options().items():
        for key in ("type", "elements", "choices"):
            assert value.get(key) == arguments[option].get(key), (option, key)


@pytest.mark.parametrize(
    ("file", "more"),
    [
        ("main", {}),
        ("validate", {"validate_only": True}),
        ("plan", {"fleet": "plan"}),
        ("change", {"fleet": "change", "planned": "{{ containerd_registry_plan | default(omit) }}"}),
    ],
)
def test_the_role_hands_all_its_variables_on(file, more):
    task = yaml.safe_load((ROLE / "tasks" / f"{file}.yml").read_text())[0]
    assert task["airgap.containerd.containerd_registry"] == {"from_variables": "containerd_registry_", **more}


def test_the_defaults_of_the_role_are_those_documented():
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    documented_defaults = {
        f"containerd_registry_{name}": value["default"] for name, value in role_options().items() if "default" in value
    }
    assert defaults == documented_defaults


def test_the_action_group_holds_the_modules_that_know_the_service():
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert groups == {"containerd": [name for name in MODULES if "service" in spec(name)]}


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_every_plugin_tells_since_when_it_is_there_and_what_else_to_see(path):
    doc = yaml.safe_load(re.search(r'DOCUMENTATION = r"""(.*?)"""', path.read_text(), re.S).group(1))
    assert doc["version_added"] == "1.0.0" and doc["seealso"]
    if path.parent.name == "modules":
        fragment = (ROOT / "plugins" / "doc_fragments" / "node.py").read_text()
        shared = "airgap.containerd.node" in doc.get("extends_documentation_fragment", [])
        common = yaml.safe_load(re.search(r'DOCUMENTATION = r"""(.*?)"""', fragment, re.S).group(1))
        attributes = {**(common["attributes"] if shared else {}), **doc.get("attributes", {})}
        assert {"check_mode", "diff_mode", "platform"} <= set(attributes)


class Once(yaml.SafeLoader):
    """Refuses duplicate keys, of which YAML otherwise uses the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        names = [key.value for key, value in node.value]
        assert len(names) == len(set(names)), f"{node.start_mark}: {sorted(names)}"
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize(
    "path", [*PLUGINS, FRAGMENTS, ROLE / "meta" / "argument_specs.yml"], ids=lambda path: path.stem
)
def test_nothing_is_documented_twice(path):
    text = path.read_text()
    documents = re.findall(r'^(?: {4})?[A-Z_]+ = r"""(.*?)"""', text, re.S | re.M) if path.suffix == ".py" else [text]
    loaded = [yaml.load(each, Once) for each in documents]
    assert loaded
    if path.parent.name == "modules":
        own = set(loaded[0].get("options", {}))
        for fragment in loaded[0].get("extends_documentation_fragment", []):
            assert fragment == "ansible.builtin.files" or not own & set(fragment_options(fragment)), fragment


@pytest.mark.parametrize("kind", ["module", "filter", "callback", "role"])
def test_ansible_doc_shows_all_of_it_without_a_warning(kind, tmp_path):
    plugins = [path.stem for path in PLUGINS if path.parent.name.rstrip("s") == kind]
    names = [f"airgap.containerd.{name}" for name in (plugins or [ROLE.name])]
    done = subprocess.run(
        [sys.executable, "-m", "ansible.cli.doc", "--type", kind, *names],
        cwd=tmp_path, env={**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # ansible-core 2.22 warns of a collection of its own.
    warnings = [each for each in re.split(r"^(?=\[)", done.stderr, flags=re.M) if each.strip()]
    assert [each for each in warnings if "_protomatter" not in each.replace("\n", "")] == []
    shown = done.stdout.lower()  # before 2.18 names are shown in capitals
    assert [name for name in names if name not in shown] == []


def test_execution_environments_get_the_requirements():
    environment = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text())
    assert environment["dependencies"] == {"python": "requirements.txt"} and (ROOT / "requirements.txt").is_file()


def test_the_changelog_names_all_that_there_is():
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    release = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())["releases"][version]
    assert {each["name"] for each in release["modules"]} == {
        path.stem for path in PLUGINS if path.parent.name == "modules"
    }
    for kind in ("filter", "callback"):
        assert {each["name"] for each in release["plugins"][kind]} == {
            path.stem for path in (ROOT / "plugins" / kind).glob("*.py")
        }
    assert {each["name"] for each in release["objects"]["role"]} == {path.name for path in (ROOT / "roles").iterdir()}
    assert {each["name"] for each in release["objects"]["playbook"]} == {
        path.stem for path in (ROOT / "playbooks").glob("*.yml")
    }
