# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd that belongs to k3s or RKE2, from the first run to uninstall: only hosts.toml files are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import HARBOR

PROGRAM = Path(__file__).with_name("k3s.py")
NODES = {"n3": "k3s", "n4": "rke2"}
UNITS = {"n3": "k3s", "n4": "rke2-agent"}
LIMIT = "--limit=n3,n4"
VARIABLES = {name.removeprefix("containerd_registry_"): value for name, value in HARBOR.items()}
IMAGES = ["docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "registry.example.org/team/tool:1"]
UNIT = "[Service]\nExecStart=/usr/local/bin/{program} agent\nKillMode=process\nDelegate=yes\nRestart=always\n"


def root(node: str) -> str:
    return f"/var/lib/rancher/{NODES[node]}"


def shell(lab, node: str, command: str) -> str:
    return lab.run(node, ["sh", "-ec", command]).stdout.strip()


def install(lab, node: str) -> None:
    """Give a node the distribution instead of containerd's own service."""
    program, folder = NODES[node], f"{root(node)}/{'data/current/bin' if NODES[node] == 'k3s' else 'bin'}"
    shell(
        lab,
        node,
        f"systemctl disable --now containerd; rm -rf /etc/containerd /run/containerd; mkdir -p {folder};"
        f"mv /usr/bin/containerd {folder}; rm -f /lib/systemd/system/containerd.service",
    )
    lab.write(node, f"/usr/local/bin/{program}", f"#!/usr/bin/env python3\n{PROGRAM.read_text()}", "0755")
    lab.write(node, f"/etc/systemd/system/{UNITS[node]}.service", UNIT.format(program=program))
    start(lab, node)


def start(lab, node: str) -> None:
    socket = "/run/k3s/containerd/containerd.sock"
    shell(
        lab,
        node,
        f"systemctl daemon-reload; systemctl stop {UNITS[node]}; pkill -x containerd || true; rm -f {socket};"
        f"systemctl start {UNITS[node]}; for i in $(seq 100); do test -S {socket} && exit 0; sleep 0.1; done; exit 1",
    )


def registries(lab, node: str, content: dict | None) -> None:
    path = f"/etc/rancher/{NODES[node]}/registries.yaml"
    if content is None:
        shell(lab, node, f"rm -f {path}")
        return
    shell(lab, node, f"mkdir -p /etc/rancher/{NODES[node]}")
    lab.write(node, path, json.dumps(content), "0600")


def state(lab, node: str) -> tuple[str, str]:
    """The running containerd, and what the distribution wrote."""
    return shell(lab, node, "pidof containerd"), lab.read(node, f"{root(node)}/agent/etc/containerd/config.toml")


@pytest.fixture(scope="module")
def there(lab):
    lab.reset("n2", *NODES)
    for node in NODES:
        install(lab, node)
    yield lab
    lab.reset("n2", *NODES)


def test_hosts_toml_files_are_all_that_is_written(there, play):
    before = {node: state(there, node) for node in NODES}
    there.reset_counters()
    mark = there.mark()
    run = play(LIMIT, verify=True, verify_images=IMAGES, **VARIABLES).ok()
    for node in NODES:
        found = run.of(node)
        certs = f"{root(node)}/agent/etc/containerd/certs.d"
        assert found["hosts_dir"] == certs and not found["restarted"] and not found["restart_due"]
        assert all(path.startswith(f"{certs}/") for path in found["written"]) and not found.get("warnings"), found
        served = [e for e in there.requests(mark) if e["node"] == node and "/manifests/" in e["path"]]
        assert {each["registry"] for each in served} == {"harbor.lan"}
        counted = there.counters()[node]
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0)
    assert {node: state(there, node) for node in NODES} == before
    assert play(LIMIT, **VARIABLES).ok().changed() == dict.fromkeys(NODES, 0)


def test_files_stay_while_it_starts_and_cleans_up(there, play, task):
    for node in NODES:
        registries(there, node, {"mirrors": {"other.example.org": {"endpoint": ["http://second.lan"]}}})
        start(there, node)
        assert "other.example.org" in shell(there, node, f"ls {root(node)}/agent/etc/containerd/certs.d")
    assert play(LIMIT, **VARIABLES).ok().changed() == dict.fromkeys(NODES, 0)
    run, of = task("containerd_pull", LIMIT, images=IMAGES)
    assert {each["state"] for node in NODES for each in of(node)["images"]} <= {"pulled", "present"}, run.output
    run, of = task("containerd_info", LIMIT)
    assert {node: of(node)["containerd"]["distribution"] for node in NODES} == NODES


def test_what_registries_yaml_names_is_refused_or_left(there, play):
    named = {"mirrors": {"quay.io": {"endpoint": ["http://second.lan"]}}}
    login = {"configs": {"harbor.lan": {"auth": {"username": "u", "password": "S3cret"}}}}
    for node in NODES:
        registries(there, node, named)
    for node, name in NODES.items():
        run = play(f"--limit={node}", **VARIABLES)
        assert f"{name} has a hosts.toml of its own for quay.io (named in /etc/rancher/{name}/reg" in run.failed()
        registries(there, node, login)
        start(there, node)
    run = play(LIMIT, **VARIABLES).ok()
    assert run.changed() == dict.fromkeys(NODES, 0) and "S3cret" not in run.output
    for node, name in NODES.items():
        told = f"images of harbor.lan come from the mirrors in /etc/rancher/{name}/registries.yaml"
        assert [each.removeprefix(f"{node}: ") for each in run.of(node)["warnings"]] == [told]
        registries(there, node, None)
        start(there, node)
    run = play(LIMIT, **VARIABLES).ok()
    for node in NODES:
        assert run.of(node)["written"] == [f"{root(node)}/agent/etc/containerd/certs.d/harbor.lan/hosts.toml"]


def test_a_file_of_its_own_that_is_left_from_its_last_start_is_not_touched(there, play):
    registries(there, "n3", {"mirrors": {"ghcr.io": {"endpoint": ["http://second.lan"]}}})
    start(there, "n3")
    registries(there, "n3", None)
    run = play("--limit=n3", **VARIABLES)
    assert "k3s has a hosts.toml of its own for ghcr.io (written when it started last)" in run.failed(), run.output
    start(there, "n3")
    assert play("--limit=n3", **VARIABLES).ok().of("n3")["written"] == [
        "/var/lib/rancher/k3s/agent/etc/containerd/certs.d/ghcr.io/hosts.toml"
    ]


def test_what_would_have_to_be_in_config_toml_is_refused(there, play):
    run = play("--limit=n3", **{**VARIABLES, "url": "http://bearer.lan"})
    assert "k3s rewrites /var/lib/rancher/k3s/agent/etc/containerd/config.toml at every start" in run.failed()
    assert "set these credentials in /etc/rancher/k3s/registries.yaml" in run.failed(), run.output


def test_while_it_is_stopped_the_files_are_written_all_the_same(there, play):
    shell(there, "n3", "systemctl stop k3s; pkill -x containerd || true")
    changed = {**VARIABLES, "extra_upstreams": ["more.example.org"]}
    found = play("--limit=n3", **changed).ok().of("n3")
    assert len(found["written"]) == 1 and not found["restart_due"]
    start(there, "n3")
    assert play("--limit=n3", **changed).ok().changed() == {"n3": 0}
    running = state(there, "n3")
    gone = play("--limit=n3", state="previous").ok().of("n3")
    assert gone["removed"] == found["written"] and not gone["restarted"] and state(there, "n3") == running


def test_a_node_with_two_containerds_is_refused_until_one_is_named(there, play):
    there.write("n2", "/etc/systemd/system/k3s.service", UNIT.format(program="k3s"))
    shell(there, "n2", "mkdir -p /var/lib/rancher/k3s/agent/etc/containerd; systemctl daemon-reload")
    there.write("n2", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml", "version = 2\n")
    run = play("--limit=n2", **VARIABLES)
    assert "more than one containerd (k3s, a service of its own): set distribution to k3s or none" in run.failed()
    assert play("--limit=n2", **VARIABLES, distribution="none").ok().of("n2")["hosts_dir"] == "/etc/containerd/certs.d"


def test_rke2_gets_registries_yaml_where_it_is_asked_for(there, play, task):
    path = "/etc/rancher/rke2/registries.yaml"
    certs = f"{root('n4')}/agent/etc/containerd/certs.d"
    run = play(LIMIT, registries_yaml=True, **VARIABLES)
    assert "set disable-default-registry-endpoint: true in /etc/rancher/rke2/config.yaml" in run.failed(), run.output
    there.write("n4", "/etc/rancher/rke2/config.yaml", "disable-default-registry-endpoint: true\n", "0600")
    found = play(LIMIT, registries_yaml=True, **VARIABLES).ok()
    assert found.of("n4")["written"] == [path] and found.changed()["n3"] == 0, "k3s needs none"
    assert "restart rke2-server or rke2-agent on this node" in found.of("n4")["warnings"][0]
    assert "password" not in found.output and shell(there, "n4", f"stat -c %a {path}") == "600"
    start(there, "n4")
    assert there.read("n4", f"{certs}/docker.io/hosts.toml").startswith("# File generated by rke2")
    run = play("--limit=n4", registries_yaml=True, **VARIABLES).ok()
    assert run.changed() == {"n4": 0} and not run.of("n4").get("warnings"), run.output
    mark = there.mark()
    run, of = task("containerd_pull", "--limit=n4", images=["quay.io/coreos/etcd:1", "ghcr.io/owner/img:1"])
    assert {each["state"] for each in of("n4")["images"]} <= {"pulled", "present"}, run.output
    assert {e["registry"] for e in there.requests(mark) if e["node"] == "n4"} == {"harbor.lan"}
    gone = play("--limit=n4", **VARIABLES).ok().of("n4")
    assert gone["removed"] == [path] and "is removed: restart" in gone["warnings"][0]
    start(there, "n4")
    again = play("--limit=n4", **VARIABLES).ok().of("n4")
    assert f"{certs}/docker.io/hosts.toml" in again["written"] and not again.get("warnings")
    shell(there, "n4", "rm /etc/rancher/rke2/config.yaml")


def test_all_of_it_goes_again(there, play):
    before = {node: state(there, node) for node in NODES}
    play(LIMIT, state="absent").ok()
    for node in NODES:
        left = shell(there, node, f"grep -rl airgap.containerd {root(node)}/agent/etc/containerd || true")
        assert left == "", node
    assert {node: state(there, node) for node in NODES} == before
