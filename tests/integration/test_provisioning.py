# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples for people who have a provisioning playbook already, in docs/examples, run on nodes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from airgap_lab import Lab
from support import ENDS, LAB_VARIABLES, ROOT, assert_served, pid

EXAMPLES = ROOT / "docs" / "examples"
ROLE = "airgap.containerd.containerd_registry"
CONFIG = "/etc/containerd/config.toml"
PAUSE = "registry.k8s.io/pause:3.9"
BUSYBOX = "docker.io/library/busybox:1"

RESTART = [
    {"name": "Restart containerd", "ansible.builtin.systemd_service": {"name": "containerd", "state": "restarted"}}
]
TEMPLATED = {
    "tasks": [
        {
            "name": "Template the whole config.toml, without what others wrote",
            "ansible.builtin.template": {"src": "config.toml.j2", "dest": CONFIG, "mode": "0640"},
            "notify": "Restart containerd",
        }
    ],
    "handlers": RESTART,
}
TEMPLATE = """\
version = 2
root = "/var/lib/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{{ pod_infra_image | default("registry.k8s.io/pause:3.9") }}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
"""
RESETTING = {
    "tasks": [
        {
            "name": "Print the default",
            "ansible.builtin.command": "containerd config default",
            "changed_when": False,
            "register": "default",
            "when": "containerd_config_default_write | default(true)",
        },
        {
            "name": "Write it",
            "ansible.builtin.copy": {"content": "{{ default.stdout }}", "dest": CONFIG},
            "notify": "Restart containerd",
            "when": "containerd_config_default_write | default(true)",
        },
        {"name": "Restart at once", "ansible.builtin.meta": "flush_handlers"},
    ],
    "handlers": RESTART,
}


@pytest.fixture
def example(lab, play, tmp_path):
    """Run an example on new nodes of the group that it names; returns a function that does."""

    def run(name: str, nodes: tuple[str, ...], *arguments: str, env: dict[str, str] | None = None, **variables):
        hosts = tmp_path / "hosts.ini"
        hosts.write_text("[kube_node]\n" + "\n".join(nodes) + "\n")
        return play(*arguments, playbook=str(EXAMPLES / f"{name}.yml"), inventory=(str(hosts),), env=env, **variables)

    return run


def on(lab: Lab, node: str, script: str) -> None:
    """Run a script on a node."""
    done = lab.run(node, ["sh", "-c", script])
    assert done.returncode == 0, done.stdout + done.stderr


def write_role(folder: Path, name: str, role: dict, template: str | None = None) -> dict[str, str]:
    """Write a simulated third-party role, and return the environment in which it is found."""
    for part, tasks in role.items():
        (folder / "roles" / name / part).mkdir(parents=True)
        (folder / "roles" / name / part / "main.yml").write_text(yaml.safe_dump(tasks))
    if template:
        (folder / "roles" / name / "templates").mkdir()
        (folder / "roles" / name / "templates" / "config.toml.j2").write_text(template)
    return {"ANSIBLE_ROLES_PATH": str(folder / "roles")}


def test_before_kubeadm(lab, example):
    nodes = ENDS
    lab.reset(*nodes)
    run = example("kubeadm", nodes).ok()
    assert run.changed() == dict.fromkeys(nodes, 2), "the settings, and the registry"
    assert all(run.of(node)["restarted"] for node in nodes)
    assert [each["served_by"]["endpoint"] for each in run.of("n4", "airgap.containerd.containerd_pull")["images"]]
    before = {node: pid(lab, node) for node in nodes}
    dump = lab.run("n4", ["containerd", "config", "dump"]).stdout
    assert "SystemdCgroup = true" in dump
    second = example("kubeadm", nodes).ok()
    assert {node: pid(lab, node) for node in nodes} == before
    for node in nodes:
        assert not second.of(node)["changed"] and not second.of(node, "airgap.containerd.containerd_config")["changed"]


def test_after_a_role_that_templates_its_own_config(lab, example, tmp_path):
    env = write_role(tmp_path, "container-engine", TEMPLATED, TEMPLATE)
    lab.reset("n2")
    example("beside-kubespray", ("n2",), env=env).ok()
    assert_served(lab, "n2", PAUSE, "registry.lan", "pause")
    before = pid(lab, "n2")
    assert example("beside-kubespray", ("n2",), env=env).ok().changed() == {"n2": 0}
    assert pid(lab, "n2") == before


def test_beside_a_role_that_resets_the_config_on_each_run(lab, example, tmp_path):
    env = write_role(tmp_path, "geerlingguy.containerd", RESETTING)
    lab.reset("n4")
    for _run in range(2):
        run = example("beside-geerlingguy", ("n4",), env=env).ok()
        assert run.of("n4")["changed"], "the file was reset before"
        assert_served(lab, "n4", BUSYBOX, "registry.lan", "library/busybox")
    quiet = ("-e", '{"containerd_config_default_write": false}')
    assert example("beside-geerlingguy", ("n4",), *quiet, env=env).ok().changed() == {"n4": 0}


def test_tags(lab, example):
    lab.reset("n2")
    tasks = example("tags", ("n2",), "--skip-tags", "registry").ok()
    assert ROLE not in {each["task"] for each in tasks.results} and tasks.changed() == {"n2": 0}
    run = example("tags", ("n2",), "--tags", "registry").ok()
    results = [each["result"] for each in run.results if each["task"] == ROLE]
    assert [each["changed"] for each in results] == [True, False], "imported, then included"
    assert "The kernel is prepared" not in run.output


def test_limit_and_serial(lab, example):
    lab.reset("n2", "n3", "n4")
    run = example("serial", ("n2", "n3", "n4"), "--limit", "n3,n4").ok()
    assert run.changed() == {"n3": 1, "n4": 1}
    assert example("serial", ("n2", "n3", "n4")).ok().changed() == {"n2": 1, "n3": 0, "n4": 0}
    assert_served(lab, "n2", BUSYBOX, "registry.lan", "library/busybox")


def test_strategy_free(lab, example):
    nodes = ("n2", "n4")
    lab.reset(*nodes)
    assert example("free", nodes).ok().changed() == dict.fromkeys(nodes, 1)
    assert_served(lab, nodes, BUSYBOX, "registry.lan", "library/busybox")


def test_delegated_from_another_host(lab, example):
    lab.reset("n3")
    run = example("delegated", (), "-e", "new_node=n3").ok()
    assert run.changed() == {"localhost": 1}
    assert_served(lab, "n3", BUSYBOX, "registry.lan", "library/busybox")
    assert lab.run("n3", ["test", "-f", "/var/lib/airgap-containerd/record.json"]).returncode == 0


def test_module_defaults_of_the_action_group(lab, example):
    lab.reset("n3")
    for command in (
        "mkdir -p /etc/containerd-build",
        "sed 's,ExecStart=.*,ExecStart=/usr/bin/containerd --config /etc/containerd-build/config.toml,'"
        " /lib/systemd/system/containerd.service > /etc/systemd/system/containerd-build.service",
        'printf \'version = 2\\nroot = "/var/lib/containerd/build"\\nstate = "/run/containerd-build"\\n[grpc]\\n'
        'address = "/run/containerd-build/containerd.sock"\\n\' > /etc/containerd-build/config.toml',
        "systemctl daemon-reload && systemctl start containerd-build",
    ):
        on(lab, "n3", command)
    before = lab.read("n3", CONFIG)
    run = example("module-defaults", ("n3",)).ok()
    assert "oom_score = -10" in lab.read("n3", "/etc/containerd-build/config.toml")
    assert lab.read("n3", CONFIG) == before
    info = run.of("n3", "airgap.containerd.containerd_info")["containerd"]
    assert "/etc/containerd-build/config.toml" in str(info)


@pytest.fixture
def operator(lab):
    """A user without rights on n3, who may become root by sudo."""
    lab.reset("n3")
    for command in (
        "useradd --create-home deploy",
        "echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy",
        "mkdir ~deploy/.ssh && cp /root/.ssh/authorized_keys ~deploy/.ssh && chown -R deploy: ~deploy/.ssh",
    ):
        on(lab, "n3", command)
    return ("--limit", "n3", "-e", "ansible_user=deploy")


def test_an_unprivileged_user_who_becomes_root(lab, play, operator):
    """Without pipelining; in test_systems.py it is with it."""
    refused = play(*operator)
    assert refused.rc != 0 and "Traceback" not in refused.output
    run = play(*operator, "--become", "-e", "ansible_pipelining=false").ok()
    assert run.changed() == {"n3": 1}
    assert_served(lab, "n3", BUSYBOX, "registry.lan", "library/busybox")


def test_fact_caching(lab, play, tmp_path):
    """Neither does the role need facts, nor does it put any of its own, or a secret, into the cache."""
    lab.reset("n3")
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": True, "roles": [ROLE]}]))
    cache = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache"),
        "ANSIBLE_GATHERING": "smart",
    }
    assert play("--limit=n3", playbook=str(playbook), env=cache).ok().changed() == {"n3": 1}
    assert play("--limit=n3", playbook=str(playbook), env=cache).ok().changed() == {"n3": 0}
    (cached,) = [path for path in (tmp_path / "cache").iterdir() if path.is_file()]
    text = cached.read_text()
    assert "ansible_distribution" in text and "containerd_registry" not in text
    assert LAB_VARIABLES["containerd_registry_password"] not in text


def test_ansible_pull(lab, tmp_path):
    """A node gets a repository and configures itself; it has Ansible and git, as such nodes do."""
    lab.reset("n2")
    root, site = lab.root("n2"), Path(next(path for path in sys.path if path.endswith("site-packages")))
    repository = tmp_path / "nodes"
    repository.mkdir()
    shutil.copy(EXAMPLES / "local.yml", repository)
    (repository / "registry.yml").write_text(yaml.safe_dump(LAB_VARIABLES))
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=Nodes"]):
        subprocess.run([*git, *command], check=True)
    shutil.copytree(repository, root / "srv/nodes.git")
    packages = root / "usr/local/lib/python3.11/dist-packages"
    for name in ("ansible*", "cffi*", "_cffi*", "cryptography*", "[jJ]inja2*", "[mM]arkup[sS]afe*", "packaging*",
                 "resolvelib*", "tomlkit*", "jmespath*", "[pP]y[yY][aA][mM][lL]*", "yaml", "_yaml"):  # fmt: skip
        for path in site.glob(name):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, packages / path.name)
    collection = packages / "ansible_collections/airgap/containerd"
    for name in ("meta", "plugins", "roles"):
        shutil.copytree(ROOT / name, collection / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "galaxy.yml", collection)
    executable = shutil.which("git")
    libraries = subprocess.run(["ldd", executable], capture_output=True, text=True, check=True).stdout.split()
    for file in (executable, *(word for word in libraries if word.startswith("/") and "pcre" in word)):
        (root / file.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / file.lstrip("/"))
    on(lab, "n2", "ln -s git /usr/bin/git-upload-pack")
    for name, module in (("ansible", "adhoc"), ("ansible-playbook", "playbook"), ("ansible-pull", "pull")):
        text = f"#!/usr/bin/python3\nimport sys\nfrom ansible.cli.{module} import main\nsys.exit(main())\n"
        lab.write("n2", f"/usr/local/bin/{name}", text, "0755")
    units = [f"/etc/systemd/system/ansible-pull.{kind}" for kind in ("service", "timer")]
    for path in units:
        unit = (EXAMPLES / Path(path).name).read_text().replace("http://git.lan/nodes.git", "file:///srv/nodes.git")
        lab.write("n2", path, unit)
    verified = lab.run("n2", ["systemd-analyze", "verify", *units])
    assert "ansible-pull" not in verified.stderr, verified.stderr
    on(lab, "n2", "systemctl daemon-reload && systemctl enable --now ansible-pull.timer")
    assert "ansible-pull.timer" in lab.run("n2", ["systemctl", "list-timers", "--all"]).stdout
    on(lab, "n2", "systemctl start ansible-pull.service")  # waits for one that has begun
    assert_served(lab, "n2", BUSYBOX, "registry.lan", "library/busybox")
    before = pid(lab, "n2")
    lab.run("n2", ["rm", "-r", "/etc/containerd/certs.d/quay.io"])
    on(lab, "n2", "systemctl start ansible-pull.service")
    assert_served(lab, "n2", "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")
    assert pid(lab, "n2") == before
