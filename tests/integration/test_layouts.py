# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd in the layout of k0s, MicroK8s, Canonical Kubernetes and kind, from the first run to uninstall."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support import HARBOR

PROGRAM = Path(__file__).with_name("layouts.py")
VARIABLES = {name.removeprefix("containerd_registry_"): value for name, value in HARBOR.items()}
IMAGES = ["docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "registry.example.org/team/tool:1"]
UNIT = "[Service]\nExecStart=/usr/local/bin/{program} worker\nKillMode=mixed\nDelegate=yes\nRestart=always\n"
MICROK8S = "/var/snap/microk8s"
NODES = {"n2": "microk8s", "n3": "k0s", "n4": "k0s"}
BINARIES = {"microk8s": "/snap/microk8s/current/bin", "k0s": "/var/lib/k0s/bin", "k8s": "/snap/k8s/current/bin"}
UNITS = {"microk8s": "snap.microk8s.daemon-containerd", "k0s": "k0sworker", "k8s": "snap.k8s.containerd"}
SOCKETS = {
    "microk8s": f"{MICROK8S}/common/run/containerd.sock",
    "k0s": "/run/k0s/containerd.sock",
    "k8s": "/run/containerd/containerd.sock",
}
HOSTS_DIRS = {"microk8s": f"{MICROK8S}/7/args/certs.d", "k0s": "/etc/k0s/certs.d", "k8s": "/etc/containerd/hosts.d"}
DROP_IN = "/etc/k0s/containerd.d/airgap-registry.toml"


def shell(lab, node: str, command: str) -> str:
    done = lab.run(node, ["sh", "-ec", command])
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def install(lab, node: str, name: str) -> None:
    """Give a node the distribution instead of containerd's own service."""
    folder = BINARIES[name]
    shell(
        lab,
        node,
        f"systemctl disable --now containerd; rm -rf /etc/containerd /run/containerd; mkdir -p {folder};"
        f"mv /usr/bin/containerd {folder}; rm -f /lib/systemd/system/containerd.service",
    )
    if name == "microk8s":
        shell(
            lab, node, f"mkdir -p {MICROK8S}/7/args/certs.d/docker.io {MICROK8S}/common/run; ln -s 7 {MICROK8S}/current"
        )
        registry = '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "${SNAP_DATA}/args/certs.d"\n'
        lab.write(node, f"{MICROK8S}/7/args/containerd-template.toml", f"version = 2\n{registry}")
        # microk8s-resources/default-args/certs.d
        url = "https://registry-1.docker.io"
        hosts = f'server = "https://docker.io"\n\n[host."{url}"]\ncapabilities = ["pull", "resolve"]\n'
        lab.write(node, f"{MICROK8S}/7/args/certs.d/docker.io/hosts.toml", hosts)
    lab.write(node, f"/usr/local/bin/{name}", f"#!/usr/bin/env python3\n{PROGRAM.read_text()}", "0755")
    lab.write(node, f"/etc/systemd/system/{UNITS[name]}.service", UNIT.format(program=name))
    start(lab, node, name)


def start(lab, node: str, name: str) -> None:
    socket = SOCKETS[name]
    shell(
        lab,
        node,
        f"systemctl daemon-reload; systemctl stop {UNITS[name]}; rm -f {socket}; systemctl start {UNITS[name]};"
        f"for i in $(seq 100); do test -S {socket} && exit 0; sleep 0.1; done; exit 1",
    )


@pytest.fixture(scope="module")
def there(lab):
    lab.reset(*NODES)
    for node, name in NODES.items():
        install(lab, node, name)
    yield lab
    lab.reset(*NODES)


def reloaded(lab, node: str, before: str) -> None:
    """Wait until k0s has restarted its containerd."""
    for _attempt in range(100):
        if lab.run(node, ["pidof", "containerd"]).stdout.strip() not in ("", before):
            return
        time.sleep(0.2)
    raise AssertionError(f"k0s of {node} did not restart its containerd")


def pulls(lab, task, limit: str) -> None:
    lab.reset_counters()
    mark = lab.mark()
    run, of = task("containerd_pull", limit, images=IMAGES)
    for node in limit.partition("=")[2].split(","):
        assert {each["state"] for each in of(node)["images"]} == {"pulled"}, run.output
        served = [e for e in lab.requests(mark) if e["node"] == node and "/manifests/" in e["path"]]
        assert {each["registry"] for each in served} == {"harbor.lan"}
        counted = lab.counters()[node]
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0)


def test_hosts_toml_files_are_all_that_is_written_and_k0s_is_told_of_them(there, play, task):
    limit = "--limit=n2,n3,n4"
    before = {node: shell(there, node, "pidof containerd") for node in NODES}
    run = play(limit, **VARIABLES).ok()
    for node, name in NODES.items():
        found = run.of(node)
        certs = HOSTS_DIRS[name]
        others = [path for path in found["written"] if not path.startswith(f"{certs}/")]
        assert found["hosts_dir"] == certs and others == ([DROP_IN] if name == "k0s" else []), found
        assert not found["restarted"] and not found["restart_due"]
    for node in ("n3", "n4"):
        reloaded(there, node, before[node])
        start(there, node, "k0s")
    assert shell(there, "n2", "pidof containerd") == before["n2"]
    assert play(limit, **VARIABLES).ok().changed() == dict.fromkeys(NODES, 0)
    run, of = task("containerd_info", limit)
    assert {node: of(node)["containerd"]["distribution"] for node in NODES} == NODES
    pulls(there, task, limit)


def test_they_stay_while_it_starts_anew(there, play, task):
    start(there, "n2", "microk8s")
    assert play("--limit=n2", **VARIABLES).ok().changed() == {"n2": 0}
    changed = {**VARIABLES, "extra_upstreams": ["more.example.org"]}
    before = shell(there, "n4", "pidof containerd")
    assert play("--limit=n4", **changed).ok().of("n4")["written"] == ["/etc/k0s/certs.d/more.example.org/hosts.toml"]
    assert shell(there, "n4", "sleep 1; pidof containerd") == before, "nobody restarts for a hosts.toml"


def test_a_file_that_k0s_does_not_write_any_more_is_refused(there, play):
    before = shell(there, "n3", "pidof containerd")
    play("--limit=n3", state="absent").ok()
    reloaded(there, "n3", before)
    by_hand = "echo '# mine' >/etc/k0s/containerd.toml; sleep 1; ! grep k0s_managed /etc/k0s/containerd.toml"
    shell(there, "n3", f"until {by_hand}; do :; done")  # k0s writes it at each of its own changes
    assert "does not begin with '# k0s_managed=true'" in play("--limit=n3", **VARIABLES).failed()


def test_all_of_it_goes_again(there, play):
    play("--limit=n2,n4", state="absent").ok()
    for node, name in NODES.items():
        left = shell(there, node, f"grep -rl airgap.containerd /etc/k0s {MICROK8S} 2>/dev/null || true")
        assert left == "" and there.run(node, ["ls", "/var/lib/airgap-containerd"]).returncode, (node, name)
    assert "registry-1.docker.io" in there.read("n2", f"{HOSTS_DIRS['microk8s']}/docker.io/hosts.toml")


def test_canonical_kubernetes_has_the_usual_socket_and_another_directory(there, play, task):
    there.reset("n2")
    install(there, "n2", "k8s")
    found = play("--limit=n2", **VARIABLES).ok().of("n2")
    assert found["hosts_dir"] == HOSTS_DIRS["k8s"] and not found["restarted"], found
    assert all(path.startswith(HOSTS_DIRS["k8s"]) for path in found["written"])
    start(there, "n2", "k8s")
    assert play("--limit=n2", **VARIABLES).ok().changed() == {"n2": 0}
    pulls(there, task, "--limit=n2")
    play("--limit=n2", state="absent").ok()
    assert shell(there, "n2", "ls /etc/containerd/hosts.d") == ""


def test_kind_has_a_service_of_its_own(there, play, task):
    there.reset("n2")
    certs = "/etc/containerd/certs.d"
    registry = '[plugins."io.containerd.grpc.v1.cri".registry]\n'
    there.write("n2", "/etc/containerd/config.toml", f'version = 2\n{registry}config_path = "{certs}"\n')
    there.write("n2", "/kind/version", "v1.34.0")
    shell(there, "n2", "systemctl restart containerd")
    found = play("--limit=n2", **VARIABLES).ok().of("n2")
    assert found["hosts_dir"] == certs and not found["restarted"] and not found["restart_due"], found
    assert all(path.startswith(certs) for path in found["written"])
    assert task("containerd_info", "--limit=n2")[1]("n2")["containerd"]["distribution"] == "kind"
    pulls(there, task, "--limit=n2")
    assert play("--limit=n2", distribution="kind", **VARIABLES).ok().changed() == {"n2": 0}
    play("--limit=n2", state="absent").ok()
    assert shell(there, "n2", f"ls -d {certs} 2>/dev/null || true; rm -r /kind") == ""
