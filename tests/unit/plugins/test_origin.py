# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a node says decides anything on the control node, even if its Python answers arbitrarily."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import forked
import pytest
import yaml

from ansible_collections.airgap.containerd.plugins.plugin_utils import _origin

ROOT = Path(__file__).resolve().parents[3]
COLLECTIONS = ROOT / ".collections" if (ROOT / ".collections").is_dir() else ROOT.parents[2]
PAYLOAD = "{{ cycler.__init__.__globals__.os.popen('touch %s').read() }}"
INVENTORY = {
    "ansible_connection": "local",
    "lan_files": "/srv/lan",
    "lan_ca": "{{ lan_files }}/ca.pem",
    "containerd_registry_url": "https://registry.lan",
    "containerd_registry_endpoints": {"registry.lan": {"ca": "{{ lan_ca }}"}},
}
COMES = "is set by the facts of this node, which are not trusted"
USES = "containerd_registry_endpoints uses the variable {}, which is set by the facts of this node"
SAID = {
    "containerd_registry_hosts_template": "/etc/passwd",
    "containerd_registry_url": "http://evil.lan",
    "containerd_registry_mirrors": {},
    "containerd_registry_mirrors_x": {"quay.io": "http://evil.lan"},
    "containerd_registry_endpoints_x": {"evil.lan": {"client_cert": "/root/a.pem", "client_key": "/root/a.key"}},
    "containerd_registry_report_dir": "/etc",
    "containerd_registry_verify_harbor_from": "localhost",
    "containerd_registry_pulled": {"images": []},
    "containerd_registry_of_tomorrow": 1,
    "__containerd_registry_of_tomorrow": True,
}
ROLE = {"name": "airgap.containerd.containerd_registry", "tasks_from": "validate"}
VALIDATE = {"ansible.builtin.import_role": ROLE}
LOOK = {"airgap.containerd.containerd_info": {}, "vars": {"ansible_python_interpreter": "/nowhere/python"}}
GATHER = {"ansible.builtin.setup": {"gather_subset": "!all"}}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """What all runs share, so that they are forks of one process: an empty ansible.cfg, and the cache of facts."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "ansible.cfg").touch()
    return folder


@pytest.fixture
def play(tmp_path, home):
    """Return a function that runs tasks on a node which answers `facts` to every module, and returns what is shown."""
    python, printed, cache = tmp_path / "python", tmp_path / "printed", home / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    environment = {
        **os.environ, "ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(cache),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1", "PWD": str(tmp_path),
    }  # fmt: skip

    def run(facts: dict, *tasks: dict, arguments=(), hosts=("n1",), inventory=None, playbook=None) -> str:
        reply = json.dumps({"changed": False, "ansible_facts": facts})
        python.write_text(f"#!/bin/sh\ncat <<'END'\n{reply}\nEND\n")
        python.chmod(0o755)
        known = {"n1": {"ansible_python_interpreter": str(python)}}
        everything = {"vars": inventory or INVENTORY, "hosts": {host: known.get(host, {}) for host in hosts}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": everything}))
        if playbook is None:
            playbook = tmp_path / "play.yml"
            playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
        command = ["ansible-playbook", "-i", str(tmp_path / "hosts.yml"), str(playbook), *arguments]
        assert forked.run(command, environment, Path.cwd(), printed, 300) is not None
        output = printed.read_text()
        assert "Traceback" not in output
        return " ".join(output.split())

    return run


def test_variables_of_this_collection_are_no_facts(play):
    name = "containerd_registry_hosts_template"
    assert f"{name} {COMES}" in play({name: "/etc/passwd"}, GATHER, VALIDATE)
    assert f"{name} {COMES}" in play({}, VALIDATE, arguments=["--check"]), "it is in the cache now"


@pytest.mark.parametrize("name", SAID)
def test_none_of_them(name):
    variables = {"containerd_registry_url": "http://registry.lan", name: SAID[name]}
    with pytest.raises(_origin.FromFacts, match=f"^{name} {COMES}"):
        _origin.check(variables, {name: SAID[name]}, {})
    with pytest.raises(_origin.FromFacts):
        _origin.check({**variables, name: "set on the command line"}, {name: SAID[name]}, {})
    with pytest.raises(_origin.FromFacts):
        _origin.check({"my_url": "x"}, {"my_url": "x"}, {}, "my_")
    _origin.check(variables, {name: SAID[name]}, {name: SAID[name]})  # a play has set it


def test_every_module_refuses_them(play):
    modules = {
        "config": {"merge": {"a": 1}},
        "harbor": {"url": "http://registry.lan", "projects": {"*": "mirror"}},
        "hosts": {"namespaces": {}},
        "info": {},
        "pull": {},
        "report": {"pulls": {"n1": {}}, "dest": "/nowhere"},
        "restart": {},
    }
    tasks = [{f"airgap.containerd.containerd_{name}": args, "ignore_errors": True} for name, args in modules.items()]
    output = play({"containerd_registry_url": "http://evil.lan"}, GATHER, *tasks)
    assert len(re.findall(f"containerd_registry_url {COMES}", output)) >= len(modules)
    assert f"ignored={len(modules)}" in output


def test_nor_are_those_that_they_use(play):
    inventory = {**INVENTORY, "lan_files": "{{ inventory_dir }}/files"}
    output = play({"inventory_dir": "/root"}, GATHER, VALIDATE, inventory=inventory)
    assert USES.format("inventory_dir") in output


def test_facts_that_the_operator_names_may_be_used(play):
    facts = {"ansible_lan": "registry", "lan": "evil", "domain": "lan", "ansible_domain": "lan"}
    inventory = {
        **INVENTORY,
        "domain": "lan",
        "containerd_registry_url": "http://{{ ansible_lan }}.{{ ansible_facts.domain }}",
        "containerd_registry_endpoints": {},
    }
    assert "failed=0" in play(facts, GATHER, VALIDATE, inventory=inventory)
    inventory["containerd_registry_url"] = "http://{{ domain }}.lan"
    assert "uses the variable domain" in play(facts, GATHER, VALIDATE, inventory=inventory)


def test_what_a_play_sets_is_the_operators(play, tmp_path):
    (tmp_path / "more.yml").write_text("containerd_registry_direct: [b.lan]\n")
    tasks = [
        {"ansible.builtin.set_fact": {"containerd_registry_url": "http://registry.lan", "cacheable": True}},
        {"ansible.builtin.set_fact": {"containerd_registry_endpoints": {}}},
        {"ansible.builtin.include_vars": str(tmp_path / "more.yml")},
        {"ansible.builtin.command": "true", "register": "containerd_registry_catch_all", "when": False},
        {"ansible.builtin.set_fact": {"containerd_registry_catch_all": True}},
    ]
    lan_ca = {"ansible.builtin.set_fact": {"lan_files": "/srv", "cacheable": True}}
    assert "'/srv/ca.pem' is not a file on the control node" in play({"lan_files": "/root"}, GATHER, lan_ca, VALIDATE)
    assert "failed=0" in play({}, *tasks, VALIDATE)
    late = {"containerd_registry_url": "http://evil.lan"}
    assert COMES in play(late, tasks[0], GATHER, VALIDATE), "facts that come after it are the node's"


def test_a_template_runs_no_code(play, tmp_path):
    canary, template = tmp_path / "canary", tmp_path / "hosts.toml.j2"
    template.write_text(PAYLOAD % canary)
    inventory = {**INVENTORY, "containerd_registry_endpoints": {}, "containerd_registry_hosts_template": str(template)}
    output = play({}, VALIDATE, inventory=inventory)
    assert (
        "the template of hosts.toml failed for *: access to attribute '__init__' of 'type' object is unsafe" in output
    )
    assert not canary.exists()


def test_the_filter_reads_no_facts(play, tmp_path):
    look = {
        "ansible.builtin.debug": {"msg": "{{ 'a' | airgap.containerd.resolve('2.1.9', variables=hostvars['n1']) }}"}
    }
    inventory = {**INVENTORY, "containerd_registry_endpoints": {}}
    assert "registry.lan/v2" in play({}, GATHER, look, inventory=inventory)
    output = play({"containerd_registry_hosts_template": "/etc/passwd"}, GATHER, look, inventory=inventory)
    assert f"containerd_registry_hosts_template {COMES}" in output


def test_what_is_asked_on_the_command_line_is_no_fact(play):
    play({"image": "evil.lan/x:1", "resolve_from": "variables"}, GATHER)
    resolve = ROOT / "playbooks" / "resolve.yml"
    assert "Give the name of an image" in play({}, playbook=resolve)
    output = play({}, playbook=resolve, arguments=["-e", "image=busybox", "-e", "resolve_from=node"])
    assert "Give the name of an image" not in output and "TASK [Read the node]" in output


@pytest.mark.parametrize("name", ["images", "verify_image"])
def test_images_under_another_name_are_not_passed_over(play, name):
    inventory = {"ansible_connection": "local", "containerd_registry_binary": "/nowhere/containerd"}
    verify = ROOT / "playbooks" / "verify.yml"
    output = play({}, playbook=verify, inventory=inventory, arguments=["-e", f"{name}=busybox", "--check"])
    assert f"Unknown variable {name}: give names of images as -e image=busybox" in output and "RESULT" not in output
    lists = {**inventory, name: ["something of another role"]}
    assert "Unknown variable" not in play({}, playbook=verify, inventory=lists, arguments=["--check"])


def test_one_node_costs_its_own_row(play, tmp_path):
    """The first node has facts of this collection in the cache: the playbook goes on without it."""
    play({"containerd_registry_report_dir": "/nowhere"}, GATHER)
    output = play({}, playbook=ROOT / "playbooks" / "verify.yml", hosts=("n1", "n2"), inventory={
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
        "containerd_registry_binary": "/nowhere/containerd", "containerd_registry_report_dir": str(tmp_path / "report"),
    })  # fmt: skip
    found = json.loads((tmp_path / "report" / "verify.json").read_text())
    assert COMES in output and COMES in json.dumps(found)
    assert "n2" in json.dumps(found)


def test_mistakes_of_many_nodes_are_shown_once(play):
    hosts = [f"w{number}" for number in range(1, 41)]
    inventory = {"ansible_connection": "local", "containerd_registry_url": "registry.lan"}
    output = play({}, playbook=ROOT / "playbooks" / "site.yml", hosts=hosts, inventory=inventory)
    # Once in each place where ansible-core shows the words of a failed task.
    assert 1 <= output.count("does not begin with http:// or https://") <= 2
    assert (
        "all 40 nodes: cannot be changed containerd_registry_url: 'registry.lan' does not begin with http://" in output
    )
    assert "Change the node" not in output
    inventory |= {"containerd_registry_url": "http://r.lan", "containerd_registry_projects": ["a"]}
    output = play({}, playbook=ROOT / "playbooks" / "site.yml", hosts=hosts, inventory=inventory)
    wrong = "containerd_registry_projects: is a list but a mapping is required: write it as KEY: VALUE"
    assert 1 <= output.count(wrong) <= 2
    assert len(output) < 9000, "of which each node has a line of the plan and one of the recap"


def test_a_mistaken_name_is_told_once(play):
    inventory = {
        "ansible_connection": "local",
        "containerd_registry_url": "http://r.lan",
        "containerd_registry_usrname": 1,
    }
    output = play({}, VALIDATE, hosts=["w1", "w2", "w3"], inventory=inventory)
    told = "containerd_registry_usrname is not a variable of this role: did you mean containerd_registry_username?"
    assert output.count(told) == 1 and "failed=0" in output


def test_names_are_found_wherever_they_stand():
    others = {"here": "x"}

    def refused(template: object) -> bool:
        try:
            _origin.check({"containerd_registry_x": template, "between": "{{ here }}", "here": "x"}, others, {})
        except _origin.FromFacts:
            return True
        return False

    for text in ("{{ here }}", "{% if here %}{% endif %}", "{{ between }}", "{{ lookup('vars', 'here') }}",
                 "{{ vars['here'] }}", "{{ q('ansible.builtin.vars', 'a', 'here') }}", "{{ a | default(here) }}",
                 "{{ here", "{% do here %}", "{{ vars['between'] }}"):  # fmt: skip
        assert refused(text), text
        assert refused({"a": [{text: 1}]}) and refused([{"b": text}])
    for text in ("here", "{{ there }}", "{{ ansible_facts.here }}", "{{ ansible_facts['here'] }}", "{{ 'here' }}", 5):
        assert not refused(text), text
