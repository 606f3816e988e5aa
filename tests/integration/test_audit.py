# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret audit: run everything with a canary for a password, then look for it everywhere (see tests/audit).

`make test` runs a sample, `make audit` the whole.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import needles
import pytest
import yaml
from needles import PASSWORD, SHORT
from places import KEPT, Audit
from support import HARBOR, NODES, SITE, Player

pytestmark = pytest.mark.alone
whole = pytest.mark.audit
TALKATIVE = ("-vvvv", "--diff")
CONFIG = "/etc/containerd/config.toml"
REGISTRY = 'plugins."io.containerd.grpc.v1.cri".registry'
LOGIN = f'version = 2\n[{REGISTRY}.configs."r.lan".auth]\nusername = "u"\npassword = {json.dumps(PASSWORD)}\n'
SHELL = ["/bin/sh", "-c"]


@pytest.fixture
def audit(fresh, tmp_path):
    fresh.registry_password(PASSWORD)
    yield Audit(fresh, tmp_path)
    fresh.registry_password()


@pytest.fixture
def go(audit):
    """Run a playbook and return the run, after looking for the canary in all that it left."""
    player = Player(audit.folder, SITE)

    def run(*arguments, nodes=("n1", "n3"), tasks=None, env=None, password=PASSWORD, kept=KEPT, **options):
        if tasks is not None:
            playbook = audit.folder / "tasks.yml"
            playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
            audit.inputs.add(playbook)
            options["playbook"] = str(playbook)
        if password is not None:
            options["password"] = password
        audit.inputs.add(audit.folder / f"vars-{player.runs + 1}.json")
        with audit.sampler(nodes) as sampler:
            done = player(f"--limit={','.join(nodes)}", *arguments, env={**audit.environment, **(env or {})}, **options)
        assert sampler.looks > 5
        leaks = audit.leaks(done.output, sampler, nodes, kept)
        assert not leaks, "\n".join(leaks)
        return done

    return run


def kept(audit, node: str) -> str:
    """Where the canary is on a node."""
    command = "grep -rlF -e CaN4ryXq7ZpWd /etc/containerd /var/lib/airgap-containerd; true"
    return audit.lab.run(node, [*SHELL, command]).stdout


def refusals(run) -> int:
    """How often the module of the role failed."""
    module = "airgap.containerd.containerd_registry"
    return [each["outcome"] for each in run.results if each["task"] == module].count("failed")


# --- the role ---


def test_everything_is_told(audit, go):
    """The sample of the role's runs: as talkative as ansible-core can be."""
    own = {"quay.io": [{"url": "http://registry.lan", "username": needles.USERNAME, "password": PASSWORD}]}
    done = go(*TALKATIVE, env={"ANSIBLE_DEBUG": "1"}, mirrors=own).ok()
    assert CONFIG in kept(audit, "n1") and "********" in done.output and "done with _execute" not in done.output
    assert "no restart needed" in go("-vvvv", "--check", "--diff").ok().output


@whole
@pytest.mark.parametrize(("nodes", "flags"), [(("n1", "n3"), ()), (NODES, TALKATIVE)], ids=["quiet", "talkative"])
def test_a_life(audit, go, nodes, flags):
    go("--check", *flags, nodes=nodes).ok()
    go(*flags, nodes=nodes).ok()
    assert go(*flags, nodes=nodes).ok().changed() == dict.fromkeys(nodes, 0)
    go(*flags, nodes=nodes, preflight=False, password=PASSWORD + "2").ok()
    audit.lab.registry_password(SHORT)
    short = go(*flags, nodes=nodes, password=SHORT).ok()
    for node in nodes:
        assert short.of(node)["msg"].startswith("containerd ") and "registries" in short.of(node)["msg"]
        assert "/etc/containerd" in json.dumps(short.of(node)) and "*" not in short.of(node)["hosts_dir"]
    audit.lab.write("n3", "/etc/containerd/certs.d/quay.io/hosts.toml", f"# password: {PASSWORD}\n", mode="0600")
    go(*flags, nodes=nodes, password=SHORT).ok()
    assert "hosts.toml.2" in kept(audit, "n3"), "a copy of what somebody edited"
    go(*flags, nodes=nodes, kept=(), state="absent", restart=False).ok()
    go(*flags, nodes=nodes, kept=(), state="absent").ok()


@whole
def test_what_is_rendered(audit, go, play):
    """Credentials are in the files that are for them, and in no other."""
    dest = audit.folder / "rendered"
    given = {"playbook": "playbooks/render.yml", "version": "1.7.24", "render_dest": str(dest)}
    go("--check", *TALKATIVE, **given).ok()
    assert not dest.exists()
    play("--limit=n1,n3", password=PASSWORD, **given).ok()
    private = [path for path in dest.rglob("*") if path.is_file() and not path.stat().st_mode & 0o077]
    assert {"cloud-init-secrets.yml", "cluster-api-secret.yml", "hosts.toml"} <= {path.name for path in private}
    audit.inputs.update(private)
    assert go(*TALKATIVE, **given).ok().changed() == {"n1": 0, "n3": 0}


SILENT = "https://10.77.0.66"
UNNAMED = "ls -l $process/fd 2>/dev/null | grep -q '/run/.*(deleted)'"


@whole
@pytest.mark.parametrize("end", ["deadline", "hang-up", "kill"])
def test_a_client_key_while_the_registry_is_silent(audit, go, end):
    """The registry never answers: the run gives up, loses its control node, or is killed on the node."""
    tls = audit.lab.config.tls
    key = f"{needles.CORE}\n{(tls / 'client.key').read_text()}"
    variables = {
        "url": SILENT,
        "endpoints": {SILENT: {"client_cert": (tls / "client.crt").read_text(), "client_key": key}},
    }
    if end == "deadline":
        assert "10.77.0.66" in go("-vvvv", nodes=("n3",), kept=(), **variables).failed()
        return
    player = Player(audit.folder, SITE)
    audit.inputs.add(audit.folder / "vars-1.json")
    with audit.sampler(("n3",)) as sampler:
        started = player.start("--limit=n3", "-vvvv", **variables)
        asks = [*SHELL, f"for process in /proc/[0-9]*; do {UNNAMED} && exit; done; exit 1"]
        assert any(audit.lab.run("n3", asks).returncode == 0 for dummy in range(100)), "the key is in use"
        if end == "kill":
            kill = f"for process in /proc/[0-9]*; do {UNNAMED} && kill -9 ${{process#/proc/}}; done; true"
            audit.lab.run("n3", [*SHELL, kill])
        else:
            os.killpg(started.pid, signal.SIGKILL)
        output = started.communicate(timeout=120)[0]
    leaks = audit.leaks(output, sampler, ("n3",), kept=())
    assert not leaks, "\n".join(leaks)


@whole
@pytest.mark.parametrize("registry", ["harbor.lan", "bearer.lan"])
def test_harbor(audit, go, registry):
    variables = {name.partition("registry_")[2]: value for name, value in HARBOR.items()}
    password = {"password": "S3cret+/p$ss", "url": f"http://{registry}"}
    for auth_method in ("auto", "header", "config"):
        go(*TALKATIVE, nodes=("n2", "n4"), auth_method=auth_method, **{**variables, **password}).ok()


@whole
def test_the_full_form(audit, go):
    endpoints = {
        "http://registry.lan": {"headers": {"X-Token": needles.CORE}},
        "http://registry.lan:5000": {"identity_token": needles.CORE},
    }
    mirrors = {"*": "http://registry.lan", "quay.io": ["http://registry.lan", "http://registry.lan:5000"]}
    variables = {"mirrors": mirrors, "endpoints": endpoints}
    env = {"ANSIBLE_DEBUG": "1"}
    go(*TALKATIVE, nodes=("n3", "n4"), preflight=False, env=env, **variables).ok()


@whole
def test_remote_files_that_are_kept(audit, go):
    """Without pipelining, ansible-core stores the module with its arguments on the node: for root alone."""
    env = {"ANSIBLE_PIPELINING": "false", "ANSIBLE_KEEP_REMOTE_FILES": "true"}
    player, nodes = Player(audit.folder, SITE), ("n3",)
    audit.inputs.add(audit.folder / "vars-1.json")
    with audit.sampler(nodes) as sampler:
        done = player("--limit=n3", *TALKATIVE, env={**audit.environment, **env}, password=PASSWORD).ok()
    leaks = audit.leaks(done.output, sampler, nodes)
    assert leaks and all(leak.startswith("n3's file /root/.ansible/tmp/") for leak in leaks), "\n".join(leaks)
    readable = ["find", "/root/.ansible/tmp/", "-mindepth", "1", "-perm", "/077"]
    assert audit.lab.run("n3", readable).stdout == ""
    go("--check", env={"ANSIBLE_PIPELINING": "false"}, nodes=("n1",)).ok()


@whole
def test_the_other_playbooks(audit, go):
    """On nodes whose containerd has a proxy with a password, which every one of them sees."""
    nodes = ("n1", "n4")
    for node in nodes:
        proxy = f"HTTP_PROXY=http://u:{needles.CORE}@proxy.lan:3128\nNO_PROXY=registry.lan\n"
        audit.lab.write(node, "/etc/containerd/proxy.env", proxy, mode="0600")
        drop_in = "[Service]\nEnvironmentFile=/etc/containerd/proxy.env\n"
        audit.lab.write(node, "/etc/systemd/system/containerd.service.d/proxy.conf", drop_in)
        audit.lab.run(node, [*SHELL, "systemctl daemon-reload; systemctl restart containerd"])
    formats = {"report_formats": ["html", "json", "junit", "markdown", "prometheus"]}
    reports = {"report_dir": str(audit.folder / "reports"), **formats}
    images = {"verify_images": ["quay.io/coreos/etcd:1", "x.io/none:1"]}
    asked = ("-e", "image=quay.io/coreos/etcd:1")
    go(*TALKATIVE, "--check", nodes=nodes, **reports).ok()
    go(*TALKATIVE, nodes=nodes).ok()
    done = go(*TALKATIVE, nodes=nodes, playbook="playbooks/verify.yml", **reports, **images)
    assert done.rc != 0, "there is no x.io/none"
    assert len(list((audit.folder / "reports").iterdir())) == 10, "five of each playbook"
    go(*TALKATIVE, *asked, nodes=nodes, playbook="playbooks/resolve.yml").ok()
    for playbook in ("rollback", "uninstall"):
        go(*TALKATIVE, nodes=nodes, playbook=f"playbooks/{playbook}.yml").ok()


# --- runs that fail ---


def test_broken_toml_that_holds_the_password(audit, go):
    """The sample of failing runs: parsers that quote the line, ours and containerd's."""
    audit.lab.write("n3", CONFIG, LOGIN + f"password = {PASSWORD}\n", mode="0600")
    audit.lab.write("n1", CONFIG, 'version = 2\nimports = ["/etc/containerd/x.toml"]\n')
    audit.lab.write("n1", "/etc/containerd/x.toml", LOGIN + f"token = [{needles.CORE!r}, 5x]\n", mode="0600")
    options = {"url": "http://registry.lan", "preflight": False}
    done = go(*TALKATIVE, tasks=[{"airgap.containerd.containerd_registry": options}])
    assert done.rc != 0 and "not valid TOML at line 5" in done.failed() and "does not accept" in done.failed()


@whole
@pytest.mark.parametrize("line", ["password = 5", 'password = ["CaN4ryXq7ZpWd", 5]', 'CaN4ryXq7ZpWd$ = "x"', "{0}"])
def test_imports_that_containerd_does_not_accept(audit, go, line):
    broken = LOGIN.rpartition("password")[0] + line.format(PASSWORD) + "\n"
    for node in NODES:
        audit.lab.write(node, CONFIG, 'version = 2\nimports = ["/etc/containerd/x.toml"]\n')
        audit.lab.write(node, "/etc/containerd/x.toml", broken, mode="0600")
    role = {"ansible.builtin.import_role": {"name": "airgap.containerd.containerd_registry"}, "ignore_errors": True}
    shown = go(*TALKATIVE, nodes=NODES, tasks=[role, {"airgap.containerd.containerd_info": {}}], preflight=False).ok()
    assert refusals(shown) == len(NODES), shown.output
    assert shown.of("n3", "airgap.containerd.containerd_info")["containerd"]["registry"]["error"]


@whole
def test_a_wrong_password(audit, go):
    audit.lab.registry_password("another")
    done = go(*TALKATIVE, nodes=NODES)
    assert done.rc != 0 and "refuses the username and password" in done.failed()


WRONGS = "containerd_registry_wrong"
WRONG = [
    {"password": [PASSWORD]},
    {"password": {"a": PASSWORD}},
    {"password": f"{PASSWORD}\n"},
    {"username": f"u:{PASSWORD}"},
    {"username": None},
    {"url": f"http://robot:{needles.CORE}@registry.lan"},
    {"url": f"robot:{needles.CORE}@registry.lan"},
    {"upstreams": [f"https://u:{needles.CORE}@quay.io"]},
    {"direct": [f"u:{needles.CORE}@quay.io"]},
    {"projects": {f"u:{needles.CORE}@quay.io": "x"}},
    {"projects": {"quay.io": {"project": "Q", "username": "u", "password": PASSWORD}}},
    {"projects": {"quay.io": {"project": "q", "passwrod": PASSWORD}}},
    {"projects": {"quay.io": {"project": "q", "username": "u", "password": [PASSWORD]}}},
    {"mirrors": {"quay.io": f"http://u:{needles.CORE}@x.lan"}},
    {"mirrors": {"quay.io": {"endpoints": [{"url": "http://x.lan", "password": PASSWORD}]}}},
    {"endpoints": {"http://registry.lan": {"passwrod": PASSWORD}}},
    {"endpoints": {"http://registry.lan": PASSWORD}},
    {"endpoints": {f"http://u:{needles.CORE}@registry.lan": {"username": "u", "password": "p"}}},
    {"endpoints": {"http://registry.lan": {"auth": f"{PASSWORD}"}}},
    {"endpoints": {"http://registry.lan": {"username": "u", "password": [PASSWORD]}}},
    {"endpoints": {"http://registry.lan": {"headers": {"Authorization": PASSWORD}}}},
    {"endpoints": {"https://registry.lan": {"client_key": f"-----BEGIN PRIVATE KEY-----\n{needles.CORE}"}}},
    {"endpoints": [PASSWORD]},
]


@whole
def test_wrong_variables(audit, go):
    """All in one run: each is the only thing wrong, and refused by itself."""
    tasks = []
    for number, wrong in enumerate(WRONG):
        given = {f"containerd_registry_{name}": f"{{{{ {WRONGS}[{number}].{name} }}}}" for name in wrong}
        given.setdefault("containerd_registry_password", "{{ containerd_registry_right }}")
        role = {"name": "airgap.containerd.containerd_registry"}
        tasks.append({"ansible.builtin.import_role": role, "vars": given, "ignore_errors": True})
    done = go(*TALKATIVE, nodes=("n3",), tasks=tasks, password=None, wrong=WRONG, right=PASSWORD)
    assert refusals(done) == len(WRONG), done.output


@whole
def test_a_rollback(audit, go):
    failing = [*SHELL, "echo no restart today >&2; exit 3"]
    assert go(*TALKATIVE, restart_command=failing).rc != 0
    go(*TALKATIVE).ok()
    assert go(*TALKATIVE, password=PASSWORD + "3", preflight=False, restart_command=failing).rc in (0, 2)
    assert (
        go(*TALKATIVE, nodes=("n1",), password="x", preflight=False, restart_command=[*SHELL, "kill -9 $PPID"]).rc != 0
    )
    go(*TALKATIVE).ok()


# --- the modules ---

# As playbooks do it: ansible-core's junit callback itself records literal values in a task.
GIVEN = "{{ containerd_registry_password }}"
GIVEN_BY_TASK = {"url": "http://registry.lan", "username": "u", "password": PASSWORD}
HEADER = {"quay.io": {"hosts": [{"url": "http://registry.lan", "header": {"Authorization": f"Basic {GIVEN}"}}]}}
AUTH = ["plugins", "cri_images", "registry", "configs", "r.lan", "auth"]


def merge(password) -> dict:
    data = {"username": "u", "password": password}
    for key in reversed(AUTH):
        data = {key: data}
    return data


TASKS = {
    "config": {"containerd_config": {"merge": merge(GIVEN + "2"), "backup": True}},
    "config, refused": {"containerd_config": {"merge": merge([GIVEN, 5])}},
    "config, removed": {"containerd_config": {"remove": [AUTH]}},
    "hosts": {"containerd_hosts": {"namespaces": HEADER}},
    "hosts, refused": {"containerd_hosts": {"namespaces": {"quay.io": {"password": GIVEN}}}},
    "info": {"containerd_info": {"query": "files"}},
    "pull": {
        "containerd_pull": {"images": ["registry.lan/lab/app:1", "x.io/no:1"], "username": "u", "password": GIVEN}
    },
    "images": {"containerd_images": {"images": ["registry.lan/lab/app:1", "x.io/no:1", f"http://u:{GIVEN}@x.io/a:1"]}},
    "harbor": {"containerd_harbor": {"url": "http://harbor.lan", "username": "u", "password": GIVEN, "projects": {}}},
    "restart": {"containerd_restart": {"restore": [{"path": CONFIG, "backup": "/etc/containerd/none"}]}},
}


@whole
@pytest.mark.parametrize("flags", [("--check", *TALKATIVE), TALKATIVE], ids=["check", "apply"])
def test_modules(audit, go, flags):
    """Without `no_log` on the tasks, on nodes that hold the canary already."""
    for node in NODES:
        audit.lab.write(node, CONFIG, LOGIN, mode="0600")
    tasks = []
    for task in TASKS.values():
        named = {f"airgap.containerd.{name}": options for name, options in task.items()}
        tasks += [{**named, "register": "kept", "ignore_errors": True}, {"ansible.builtin.debug": {"var": "kept"}}]
    done = go(*flags, nodes=NODES, tasks=tasks).ok()
    assert len(done.results) == len(NODES) * 2 * len(TASKS)


# --- the control: what is planted is found ---


def test_every_way_of_writing_is_found():
    for how, data in needles.written().items():
        assert needles.find(b"before " + data + b" after\n"), how
    assert not needles.find(b'password = "********"\npassword: always\n' + Path(__file__).read_bytes()[:0])


def test_every_place_is_looked_at(audit):
    """A playbook that leaks in each place on purpose."""
    player, lab = Player(audit.folder, SITE), audit.lab
    for name, text in (
        ("/tmp/readable", needles.CORE),
        ("/etc/containerd/readable.toml", LOGIN),
        ("/var/log/x", PASSWORD),
        ("/run/.airgap-x/client_key", PASSWORD),
        ("/var/lib/airgap-containerd/open.json", LOGIN),
        ("/var/lib/airgap-containerd/hosts.toml.2026-01-01@00:00:00~", LOGIN),
    ):
        lab.write("n3", name, text)
    lab.run("n3", ["logger", f"planted {needles.CORE}"])
    tasks = [
        {"ansible.builtin.debug": {"msg": needles.CORE}},
        {"airgap.containerd.containerd_registry": {**GIVEN_BY_TASK, "from_variables": "x_", "validate_only": True}},
        {"ansible.builtin.set_fact": {"planted": needles.CORE, "cacheable": True}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", "sleep 0.5", needles.CORE]}},
        {
            "ansible.builtin.copy": {"content": PASSWORD, "dest": str(audit.folder / "tmp/planted"), "mode": "0644"},
            "delegate_to": "localhost",
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"},
        },
    ]  # fmt: skip
    playbook = audit.folder / "tasks.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "n3", "gather_facts": False, "tasks": tasks}]))
    audit.inputs.add(playbook)
    (audit.folder / "reports").mkdir()
    (audit.folder / "reports" / "verify.json").write_text(json.dumps({"message": PASSWORD}))
    with tarfile.open(audit.folder / "airgap-containerd-1.0.0.tar.gz", "w:gz") as archive:
        archive.add(audit.folder / "reports" / "verify.json", "vault.yml")
    with audit.sampler(("n3",)) as sampler:
        done = player("-vvvv", playbook=str(playbook), env=audit.environment)
        subprocess.run(["sh", "-c", "sleep 0.3", needles.CORE], check=True)
        time.sleep(0.2)
    leaks = audit.leaks(done.output, sampler, ("n3",), kept=())
    places = {leak.rpartition(":")[0] for leak in leaks}
    (fields,) = [line for line in (audit.folder / "run-1.jsonl").read_text().splitlines() if '"args"' in line]
    assert needles.find(json.dumps(json.loads(fields)["args"]).encode()), "what callbacks get besides the result"
    assert places >= {
        "output", "process list, sh", "n3's journal", "n3's file /tmp/readable", "n3's file /var/log/x",
        "n3's file /etc/containerd/readable.toml", "controller's file ansible.log", "controller's file run-1.jsonl",
        "controller's file tmp/planted", "controller's file reports/verify.json",
        "controller's file airgap-containerd-1.0.0.tar.gz, vault.yml", "n3's file /run/.airgap-x/client_key",
        "n3's file /var/lib/airgap-containerd/open.json",
        "n3's file /var/lib/airgap-containerd/hosts.toml.2026-01-01@00:00:00~",
    }, "\n".join(leaks)  # fmt: skip
    for start in ("controller's file facts/", "controller's file junit/", "temporary file "):
        assert any(place.startswith(start) for place in places), (start, sorted(places))
