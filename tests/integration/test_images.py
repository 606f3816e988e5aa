# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images playbook on real nodes: its predictions match what a pull does, and its script copies what is missing."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
import yaml
from airgap_lab import LabError, prepare
from pages import Page
from support import HARBOR, IMAGES, NODES, ROOT, executions, files
from writable import LIST, PASSWORD, USER, Writable, WritableHarbor

CHECK = "playbooks/images.yml"
ACTION = "airgap.containerd.containerd_images"
MINE, INTERNET, MY_HARBOR = "10.77.0.40", "10.77.0.41", "10.77.0.42"
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
CHARTS = Path(__file__).parent / "charts"  # linters want one document in a file that ends in .yaml
SAMPLES = ("knative", "list", "netbox", "operator")
CERTAIN = {
    "busybox:1": "library/busybox:1",
    "quay.io/prometheus/busybox:1.36": "prometheus/busybox:1.36",
    "ghcr.io/netbox-community/netbox:v4.1.6": "netbox-community/netbox:v4.1.6",
    "ghcr.io/netbox-community/netbox:v4.1.6-3.0": "netbox-community/netbox:v4.1.6-3.0",
    "quay.io/prometheus-operator/prometheus-operator:v0.59.1": "prometheus-operator/prometheus-operator:v0.59.1",
    "registry.example.org/knative/helloworld-go:15": "knative/helloworld-go:15",
}
"""The images that the charts need, and what they are called where they come from."""
RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader:v0.59.1"

PROJECTS = {"docker.io": "dockerhub", "*": "mirror"}


@pytest.fixture(scope="module")
def mine(lab, tmp_path_factory):
    """The registry that the nodes use."""
    registry = Writable(lab, "mine", MINE, tmp_path_factory.mktemp("mine"))
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def my_harbor(lab, tmp_path_factory):
    """A Harbor with projects that are empty."""
    registry = WritableHarbor(lab, "myharbor", MY_HARBOR, tmp_path_factory.mktemp("harbor"))
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def internet(lab, tmp_path_factory):
    """The registry that plays all of the internet's; no node reaches it by the names of those."""
    registry = Writable(lab, "world", INTERNET, tmp_path_factory.mktemp("internet"))
    for name in CERTAIN.values():
        registry.index(name, "linux/arm64", "linux/amd64")
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def ready(lab, play):
    """All nodes configured for the lab's flat registry, with no images yet."""
    lab.reset(*NODES)
    play().ok()
    return lab


@pytest.fixture
def configured(ready, play, mine):
    """Configure all nodes for a registry, which is empty."""

    def configure(registry: Writable = mine, **variables) -> None:
        registry.empty()
        play(url=f"http://{registry.address}", username=USER, password=PASSWORD, **variables).ok()

    return configure


@pytest.fixture
def ask(play, tmp_path):
    """Run the playbook; return the run and what it wrote."""

    def run(*arguments: str, **variables):
        done = play(*arguments, playbook=CHECK, report_dir=str(tmp_path), **variables)
        found = json.loads((tmp_path / "images.json").read_text())
        jsonschema.validate(found, SCHEMA)
        return done, found

    return run


def copy(mine: Writable, script: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where both registries can be reached, with the one that plays the internet under all its names."""
    prepare.install_programs(print, {"skopeo": "skopeo"})
    upstreams = ["docker.io", "quay.io", "ghcr.io", "registry.k8s.io", "registry.example.org"]
    there = [f'[[registry]]\nprefix = "{name}"\nlocation = "{INTERNET}"\ninsecure = true\n' for name in upstreams]
    settings = home / ".config" / "containers"
    settings.mkdir(parents=True)
    (settings / "registries.conf").write_text("".join(there))
    (settings / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    login = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (home / "auth.json").write_text(json.dumps({"auths": dict.fromkeys([*upstreams, mine.address, INTERNET], login)}))
    environment = {**os.environ, "HOME": str(home), "REGISTRY_AUTH_FILE": str(home / "auth.json")}
    environment.pop("XDG_CONFIG_HOME", None)
    return mine.run(["sh", str(script)], env=environment)


def pulled(lab, node: str, image: str) -> bool:
    """Whether containerd itself pulls an image, which then goes again."""
    try:
        lab.pull(node, image)
    except LabError:
        return False
    return True


def good(found: dict, node: str) -> dict[str, bool]:
    """What is foretold for a node, by image."""
    (row,) = (each for each in found["nodes"] if node in each["hosts"])
    outcomes = [found["outcomes"][each["outcome"]] for each in row["results"]]
    return {each["image"]: each["state"] == "served" for each in outcomes}


def test_the_images_that_the_nodes_have(ready, play, ask):
    ready.pull("n2", "docker.io/library/busybox:1")
    ready.pull("n3", "quay.io/coreos/etcd:1")
    mark = ready.mark()
    ready.reset_counters()
    run, found = ask("-vvv")
    assert run.rc == 0, run.output
    assert {each["image"] for each in found["outcomes"]} == {"docker.io/library/busybox:1", "quay.io/coreos/etcd:1"}
    assert executions(run.output) == dict.fromkeys(NODES, 2), "one to list, one to read the node and query"
    asking = {node for node in NODES if run.of(node, ACTION)["asked_by"] is None}
    assert asking < set(NODES), "one of each group"
    requests = ready.requests(mark)
    assert {each["node"] for each in requests} == asking and {each["method"] for each in requests} == {"HEAD"}
    for node, counted in ready.counters().items():
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0), node


def test_a_thousand_images_are_one_execution_on_each_node(ready, play, ask, tmp_path):
    """The first node of each group reads itself and queries in one, as its variables say what that will be."""
    another = tmp_path / "another.yml"
    another.write_text(
        yaml.safe_dump({"all": {"hosts": {"n3": {"containerd_registry_url": "http://registry.lan:5000"}}}})
    )
    play(inventory=(str(another),)).ok()
    (tmp_path / "list").write_text("".join(f"quay.io/a/image-{number}:1\n" for number in range(1000)))
    mark = ready.mark()
    run, found = ask("-vvv", "-e", f"images_file={tmp_path}/list", inventory=(str(another),))
    assert executions(run.output) == dict.fromkeys(NODES, 1) and len(found["outcomes"]) >= 1000
    groups = {run.of(node, ACTION)["group"]: node for node in NODES}
    assert len(groups) == len(NODES), "different releases, or another registry"
    heads = [each for each in ready.requests(mark) if each["method"] == "HEAD"]
    seen = Counter(each["node"] for each in heads if each["status"] != 401)  # 1.4 waits for the challenge
    assert seen == dict.fromkeys(NODES, 1000)
    few = "image=" + ",".join(IMAGES)
    run, dummy = ask("-vvv", "-e", few)
    assert executions(run.output)["n3"] == 2, "it is not as its variables say now"
    assert {run.of(node, ACTION)["asked_by"] for node in NODES} == {None}
    play().ok()
    mark = ready.mark()
    run, dummy = ask("-vvv", "-e", few)
    assert executions(run.output) == dict.fromkeys(NODES, 1)
    asking = {node for node in NODES if run.of(node, ACTION)["asked_by"] is None}
    assert asking in (set(NODES) - {"n2"}, set(NODES) - {"n3"}) and {e["node"] for e in ready.requests(mark)} == asking


def test_the_output_in_the_documentation(ready, tmp_path, ask):
    (tmp_path / "rendered.yaml").write_text((CHARTS / "documented.yaml.txt").read_text())
    run, dummy = ask("-e", f"manifests={tmp_path / 'rendered.yaml'}")
    (block,) = (each for each in Page(ROOT / "docs" / "images.md").blocks if each.kind == "output")
    printed = run.output.replace(str(tmp_path), "containerd-verify")
    for line in block.text.splitlines():
        assert line in printed, (line, run.output)


def test_check_mode_tells_the_same_and_writes_nothing(ready, play, tmp_path):
    options = {"playbook": CHECK, "report_dir": str(tmp_path / "none")}
    run = play("--check", "--limit=n1", "-e", "image=quay.io/coreos/none:1", **options)
    assert run.rc != 0 and "MISSING" in run.output and not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["flat", "harbor"])
def test_what_is_missing_is_copied_and_then_pulled(configured, lab, mine, my_harbor, internet, ask, tmp_path, kind):
    charts = tmp_path / "charts"
    charts.mkdir()
    for each in SAMPLES:
        (charts / f"{each}.yaml").write_text((CHARTS / f"{each}.yaml.txt").read_text())
    registry, project = (mine, "") if kind == "flat" else (my_harbor, "mirror/")
    configured(registry, **({"projects": PROJECTS} if kind == "harbor" else {}))
    registry.index(f"{project}{RELOADER.removeprefix('quay.io/')}", "linux/amd64")
    before = {node: files(lab, node) for node in NODES}
    run, found = ask("-e", f"manifests={charts}")
    assert run.rc != 0 and f"0 of {len(NODES)} nodes will pull every image" in run.output
    assert {each["image"] for each in found["copy"]["images"]} == set(CERTAIN), run.output
    # One argument of the operator names an image that exists; another, and the ConfigMap, some that do not.
    assert good(found, "n1")[RELOADER]
    assert {each["image"] for each in found["doubtful"]} == {
        "jimmidyson/configmap-reload:v0.5.0", "gcr.io/knative-releases/queue:v1.14"
    }  # fmt: skip
    done = copy(registry, tmp_path / "images.sh", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    run, found = ask("-e", f"manifests={charts}")
    assert run.rc == 0 and f"{len(NODES)} of {len(NODES)} nodes will pull every image" in run.output, run.output
    assert {node: files(lab, node) for node in NODES} == before
    for node in NODES:
        assert all(pulled(lab, node, image) for image in (*CERTAIN, RELOADER)), node


def samples(mine: Writable) -> list[str]:
    """Images of every kind that a registry may have, and some that it does not have; their names."""
    mine.image("library/plain:1")
    mine.image("library/plain:arm", "linux/arm64")
    several = mine.index("a/several:1", "linux/arm64/v8", "linux/amd64")
    mine.index("a/list:1", "linux/s390x", "linux/amd64", kind=LIST)
    mine.index("a/arm:1", "linux/arm64", "linux/arm/v7")
    mine.index("a/x86:1", "linux/386")
    mine.index("a/v1:1", "linux/amd64/v1")
    mine.index("a/v3:1", "linux/amd64/v3")
    mine.index("a/windows:1", "windows/amd64")
    none = "sha256:" + "0" * 64
    return [
        "plain:1", "docker.io/library/plain:1", "plain:arm", "plain", "plain:2",
        "quay.io/a/several:1", f"quay.io/a/several@{several}", f"quay.io/a/several:other@{several}",
        f"quay.io/a/several@{none}", "quay.io/a/list:1", "quay.io/a/arm:1", "quay.io/a/x86:1", "quay.io/a/v1:1",
        "quay.io/a/v3:1", "quay.io/a/windows:1", "quay.io/a/none:1", "quay.io/A/several:1",
        f"{MINE}/a/several:1", f"{MINE}/a/none:1", "unlisted.example.org/a/several:1", "quay.io/a/several:1:2",
    ]  # fmt: skip


def compare(lab, ask, wanted: list[str], folder: Path) -> None:
    """Foretell, pull, and compare, on every node."""
    manifest = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": image} for image in wanted]}}
    (folder / "wanted.json").write_text(json.dumps(manifest))
    dummy, found = ask("-e", f"manifests={folder / 'wanted.json'}")
    wrong = {}
    for node in NODES:
        for image, foretold in good(found, node).items():
            if pulled(lab, node, image) != foretold:
                wrong[node, image] = foretold
    assert not wrong


def test_what_is_foretold_is_what_a_pull_does(configured, lab, mine, ask, tmp_path):
    configured(catch_all=False)
    compare(lab, ask, samples(mine), tmp_path)


def test_harbor(ready, lab, play, ask, tmp_path):
    projects = {**HARBOR["containerd_registry_projects"], "ghcr.io": "nonesuch", "gcr.io": "signed"}
    play(url="http://harbor.lan", projects=projects).ok()
    wanted = [
        "docker.io/library/busybox:1", "docker.io/library/none:1", "quay.io/coreos/etcd:1", "ghcr.io/owner/img:1",
        "gcr.io/app:1", "registry.example.org/team/tool:1", "registry.example.org/team/none:1",
    ]  # fmt: skip
    compare(lab, ask, wanted, tmp_path)
    run, found = ask("-e", "image=" + ",".join(wanted))
    words = {line.split("  ")[0] for line in run.output.splitlines()} & {"MISSING", "NO PROJECT", "NOT ALLOWED"}
    assert words == {"MISSING", "NO PROJECT", "NOT ALLOWED"}, run.output
    assert found["copy"]["projects"] == [{"registry": "harbor.lan", "project": "nonesuch"}]
    # A proxy cache accepts no pushes, and a copy cannot fix what a policy forbids.
    assert {each["destination"] for each in found["copy"]["images"]} == {
        "harbor.lan/nonesuch/owner/img:1", "harbor.lan/mirror/team/none:1"
    }  # fmt: skip
