# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Engine of three Debian releases: hosts.toml files where it reads them, a refusal where it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import HARBOR, RELEASES

CONTAINERD = RELEASES["n4"].name
ENGINES = {"n2": "20.10.24", "n3": "26.1.5", "n4": "28.5.2"}
CERTS = "/etc/docker/certs.d"
FILE = "/etc/docker/daemon.json"
VARIABLES = {name.removeprefix("containerd_registry_"): value for name, value in HARBOR.items()}
IMAGES = {
    "docker.io/library/busybox:1": "/v2/dockerhub/library/busybox",
    "quay.io/coreos/etcd:1": "/v2/quay/coreos/etcd",
    "registry.example.org/team/tool:1": "/v2/mirror/team/tool",
}
NAMED = "-econtainerd_registry_nodes=n2,n3,n4"  # else hosts with Docker and without a kubelet are left alone
# Nodes of the lab have neither iptables nor a kernel of their own.
QUIET = {"iptables": False, "bridge": "none", "ip-forward": False}
SNAPSHOTTER = {"features": {"containerd-snapshotter": True}}


def shell(lab, node: str, command: str) -> str:
    done = lab.run(node, ["sh", "-ec", command])
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def engine(lab, node: str, **settings) -> None:
    """Start Docker with these settings."""
    lab.write(node, FILE, json.dumps({**QUIET, **settings}))
    shell(
        lab,
        node,
        "systemctl daemon-reload; systemctl reset-failed docker.service docker.socket || true;"
        "systemctl stop docker.service; systemctl restart docker.socket; systemctl start docker.service",
    )


@pytest.fixture(scope="module")
def there(lab):
    lab.reset(*ENGINES)
    for node in ENGINES:
        lab.install(node, "docker")
        shell(lab, node, "groupadd --force --system docker")
    engine(lab, "n2", **{"storage-driver": "vfs"})
    engine(lab, "n3", **{"storage-driver": "vfs"})
    engine(lab, "n4", **SNAPSHOTTER)
    yield lab
    lab.reset(*ENGINES)


def state(lab) -> str:
    return shell(lab, "n4", "pidof dockerd containerd; cat /etc/containerd/config.toml; cat " + FILE)


def test_an_engine_that_reads_no_hosts_toml_is_refused(there, play, task):
    run = play("--limit=n2,n3", NAMED, **VARIABLES)
    for node in ("n2", "n3"):
        text = run.of(node)["msg"]
        assert text.startswith(f"Docker {ENGINES[node]} does not read hosts.toml files"), run.output
        assert "upgrade it to 28 or later" in text and "set containerd_registry_docker to false" in text
    server = {"docker.io": {"server": {"url": "http://harbor.lan"}}}
    run, dummy = task("containerd_hosts", "--limit=n3", namespaces=server)
    assert "Docker 26.1.5 does not read hosts.toml files" in run.failed(), run.output
    left = play("--limit=n3", NAMED, "--check", docker=False, **VARIABLES).ok()
    assert left.of("n3")["hosts_dir"] == "/etc/containerd/certs.d", "its containerd alone"


def test_three_upstreams_come_from_harbor(there, play):
    before = state(there)
    there.reset_counters()
    mark = there.mark()
    run = play("--limit=n4", NAMED, verify=True, verify_images=list(IMAGES), **VARIABLES).ok()
    found = run.of("n4")
    assert found["version"] == "Docker 28.5.2" and found["hosts_dir"] == CERTS and not found.get("warnings"), found
    assert all(path.startswith(f"{CERTS}/") for path in found["written"]) and not found["restarted"]
    assert [each["state"] for each in found["images"]] == ["pulled"] * 3 and all(e["removed"] for e in found["images"])
    assert {each["served_by"]["known_by"] for each in found["images"]} == {"only_endpoint"}
    served = [each for each in there.requests(mark) if each["node"] == "n4" and "/manifests/" in each["path"]]
    assert {each["registry"] for each in served} == {"harbor.lan"}
    for path in IMAGES.values():
        assert any(each["path"].startswith(f"{path}/manifests/") for each in served), path
    counted = there.counters()["n4"]
    assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0)
    assert state(there) == before, "nothing is restarted, no other file is changed"
    assert play("--limit=n4", NAMED, **VARIABLES).ok().changed() == {"n4": 0}


def listed(play, folder: Path) -> set[str]:
    """The images that the node has, as the images playbook finds them without manifests; all of them are there."""
    play("--limit=n4", playbook="playbooks/images.yml", report_dir=str(folder)).ok()
    return {each["image"] for each in json.loads((folder / "images.json").read_text())["outcomes"]}


def test_the_images_that_docker_has(there, play, task, tmp_path):
    images = list(IMAGES)[:2]
    task("containerd_pull", "--limit=n4", images=images, keep=True)
    assert listed(play, tmp_path) == {"busybox:1", "quay.io/coreos/etcd:1"}


def test_what_is_wrong_is_told_as_of_other_nodes(there, play, task):
    run, of = task("containerd_pull", "--limit=n4", images=["docker.io/library/nothing:1"])
    (image,) = of("n4")["images"]
    assert image["state"] == "failed" and image["diagnosis"]["kind"] in ("not_found", "upstream_lacks_it"), run.output
    run, of = task("containerd_info", "--limit=n4", resolve=["quay.io/coreos/etcd:1"])
    (answer,) = of("n4")["resolved"]
    assert answer["version"] == "Docker 28.5.2" and answer["directory"] == f"{CERTS}/quay.io"


def test_settings_that_contradict_are_refused(there, play):
    engine(there, "n4", **SNAPSHOTTER, **{"registry-mirrors": ["http://second.lan"]})
    run = play("--limit=n4", NAMED, **VARIABLES)
    assert "Docker runs with registry-mirrors ('http://second.lan/')" in run.failed(), run.output
    there.write("n4", FILE, json.dumps({**QUIET, "features": {"containerd-snapshotter": False}}))
    run = play("--limit=n4", NAMED, **VARIABLES)
    assert f"{FILE} disables the containerd image store" in run.failed(), "its next start counts too"
    engine(there, "n4", **{"storage-driver": "vfs"})
    run = play("--limit=n4", NAMED, **VARIABLES)
    assert "Docker 28.5.2 uses its classic image store" in run.failed(), run.output
    engine(there, "n4", **SNAPSHOTTER)
    run = play("--limit=n4", NAMED, **{**VARIABLES, "url": "http://bearer.lan"})
    assert (
        "bearer.lan requires tokens" in run.failed()
        and "Docker sends credentials to a mirror only as a header" in run.failed()
    )
    shell(there, "n4", "systemctl stop docker.service")
    run = play("--limit=n4", NAMED, **VARIABLES)
    assert "while it does not run: start it" in run.failed(), run.output
    assert shell(there, "n4", "pidof dockerd || true") == "", "asking does not start it"
    engine(there, "n4", **SNAPSHOTTER)


def test_all_of_it_goes_again(there, play):
    assert play("--limit=n4", NAMED, **VARIABLES).ok().changed() == {"n4": 0}
    more = play("--limit=n4", NAMED, extra_upstreams=["more.example.org"], **VARIABLES).ok().of("n4")
    assert more["written"] == [f"{CERTS}/more.example.org/hosts.toml"]
    back = play("--limit=n4", NAMED, state="previous").ok().of("n4")
    assert back["removed"] == more["written"] and not back["restarted"] and not back["restart_due"]
    play("--limit=n4", NAMED, state="absent").ok()
    assert shell(there, "n4", "ls /etc/docker; ls -d /var/lib/airgap-containerd 2>&1 || true").splitlines()[0] == (
        "daemon.json"
    )


def test_beside_a_kubelet_both_are_configured_and_both_go(there, play, task, tmp_path):
    shell(there, "n4", "mkdir -p /etc/kubernetes")
    before = shell(there, "n4", f"cat /etc/containerd/config.toml {FILE}; pidof dockerd")
    alone = play("--limit=n4", "--check", **VARIABLES).ok().of("n4")
    shown = task("containerd_info", "--limit=n4")[1]("n4")
    assert shown["containerd"]["version"] == CONTAINERD and not shown["docker"]["namespaces"], "shown all the same"
    assert alone["version"] == CONTAINERD and not any(path.startswith(CERTS) for path in alone["written"])
    run = play("--limit=n4", docker=True, **VARIABLES).ok()
    found = run.of("n4")
    names = [path.removeprefix(f"{CERTS}/") for path in found["written"] if path.startswith(CERTS)]
    theirs = [path for path in found["written"] if path.startswith("/etc/containerd/certs.d/")]
    assert sorted(names) == sorted(path.removeprefix("/etc/containerd/certs.d/") for path in theirs) and names
    assert play("--limit=n4", docker=True, **VARIABLES).ok().changed() == {"n4": 0}
    assert play("--limit=n4", **VARIABLES).ok().changed() == {"n4": 0}, "what an earlier run gave it stays"
    run = play("--limit=n4", playbook="playbooks/verify.yml", verify_images=list(IMAGES), report_dir=str(tmp_path)).ok()
    assert "2 of 2 nodes pull every image from the intended registry" in run.output and "n4 (Docker)" in run.output
    run = play("--limit=n4", "-eimage=quay.io/coreos/etcd:1", playbook="playbooks/resolve.yml").ok()
    assert f"on n4 (containerd {CONTAINERD})" in run.output and "on n4 (Docker) (Docker 28.5.2)" in run.output, (
        run.output
    )
    shown = run.of("n4", "airgap.containerd.containerd_info")
    assert shown["docker"]["managed"] == sorted(path for path in found["written"] if path.startswith(CERTS))
    assert shown["containerd"]["managed"] == sorted(theirs) and shown["containerd"]["engine"] is None
    there.pull("n4", "registry.example.org/team/tool:1")
    assert {"registry.example.org/team/tool:1", "quay.io/coreos/etcd:1"} <= listed(play, tmp_path), "CRI's and Docker's"
    play("--limit=n4", state="absent").ok()
    assert shell(there, "n4", f"cat /etc/containerd/config.toml {FILE}; pidof dockerd") == before
    assert shell(there, "n4", "ls -d /etc/docker/* /etc/containerd/*").split() == ["/etc/containerd/config.toml", FILE]
