# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verify playbook and the role's verify, on real nodes."""

from __future__ import annotations

import base64
import json

import jsonschema
import pytest
from support import LAB_VARIABLES, NODES, PAUSES, files

VERIFY = "playbooks/verify.yml"
BUSYBOX, ETCD, NONE = "docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "quay.io/coreos/none:1"


@pytest.fixture(scope="module")
def ready(lab, play):
    """All nodes configured for the flat registry, with images that the role pulls itself."""
    lab.reset(*NODES)
    play(verify=True, verify_images=[BUSYBOX]).ok()
    return lab


def test_a_fleet_that_is_well(ready, play, tmp_path):
    before = {node: files(ready, node) for node in NODES}
    for node in NODES:  # they stay once they are there
        ready.run(node, ["ctr", "--namespace=k8s.io", "images", "remove", PAUSES[node]])
    run = play(playbook=VERIFY, verify_images=[BUSYBOX, ETCD], report_dir=str(tmp_path)).ok()
    assert run.changed() == dict.fromkeys(NODES, 0) and {node: files(ready, node) for node in NODES} == before
    lines = [line.split() for line in run.output.splitlines()]
    for image in (BUSYBOX, ETCD):
        row = next(words for words in lines if words[:2] == ["pulled", image])
        assert row[2] == "http://registry.lan" and " ".join(row[4:]) == ", ".join(NODES), run.output
    # Each release has a pause image of its own.
    pauses = {words[1]: words[-1] for words in lines if words[:1] == ["pulled"] and "/pause:" in words[1]}
    assert pauses == {PAUSES[node]: node for node in NODES}, run.output
    told = [run.output.index(f"ok: [{node}]") for node in NODES]
    assert max(told) < run.output.index("RESULT  "), "each node reports before the table"
    assert f"\n{len(NODES)} of {len(NODES)} nodes pull every image from the intended registry: ok\n" in run.output
    assert f"HTML report: {tmp_path}/verify.html" in run.output
    found = json.loads((tmp_path / "verify.json").read_text())
    assert [node["name"] for node in found["nodes"]] == list(NODES) and found["ok"]


def test_failures_come_first_and_decide_the_exit_status(ready, play, tmp_path):
    ready.run("n3", ["systemctl", "stop", "containerd"])
    try:
        inventory = tmp_path / "away.ini"
        inventory.write_text("away ansible_host=10.77.0.99 ansible_ssh_extra_args='-o ConnectTimeout=2'\n")
        report = str(tmp_path / "report")
        images = {"verify_images": [BUSYBOX, NONE], "verify_pause": False}
        run = play(playbook=VERIFY, inventory=(str(inventory),), report_dir=report, **images)
    finally:
        ready.run("n3", ["systemctl", "start", "containerd"])
    assert run.rc != 0
    lines = run.output.splitlines()
    first = [line.split()[0] for line in lines if line.startswith(("UNREACHABLE", "FAILED", "RESULT", "pulled"))]
    assert first == ["UNREACHABLE", "FAILED", "FAILED", "RESULT", "pulled"], run.output
    others = ", ".join(node for node in NODES if node != "n3")
    assert "UNREACHABLE  away" in lines and f"FAILED       {NONE} on {others}" in lines, run.output
    assert f"FAILED       {BUSYBOX}, {NONE} on n3" in lines, run.output
    assert "containerd does not answer on its socket" in run.output and "Start containerd" in run.output
    assert run.output.count("Start containerd") == 1, "the table is printed once"
    assert f"0 of {len(NODES) + 1} nodes pull every image from the intended registry: FAILED" in run.output
    assert (tmp_path / "report" / "verify.html").stat().st_size > 5000


def test_the_role_fails_a_node_that_cannot_pull(ready, play):
    run = play("--limit=n2", verify=True, verify_images=[NONE])
    assert run.rc != 0 and "does not have the image: it answers with status 404" in run.failed()
    assert "Push the image to http://registry.lan" in run.failed()
    run = play("--limit=n2", "--check", verify=True, verify_images=[NONE]).ok()
    assert "images" not in run.of("n2"), "in check mode nothing is pulled"
    run = play("--limit=n2", verify=True, verify_images=[BUSYBOX]).ok()
    assert [each["state"] for each in run.of("n2")["images"]] == ["present", "pulled"]
    assert run.of("n2")["msg"].endswith("; images: 1 pulled, 1 present")


# What Harbor publishes of its answers (api/v2.0/swagger.yaml of 2.16), as far as anything here has them.
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
ERROR = {"type": "object", "properties": {"code": {"type": "string"}, "message": {"type": "string"}}}
PROJECT = {
    "project_id": {"type": "integer"}, "owner_id": {"type": "integer"}, "name": {"type": "string"},
    "registry_id": {"type": "integer"}, "repo_count": {"type": "integer"}, "deleted": {"type": "boolean"},
    "metadata": {**TEXTS, "required": ["public"]},
}  # fmt: skip
REGISTRY = {
    "id": {"type": "integer"}, "insecure": {"type": "boolean"},
    **dict.fromkeys(("url", "name", "type", "description", "status"), {"type": "string"}),
}  # fmt: skip
ANSWERS = [
    ("admin", "projects/quay", 200, PROJECT),
    ("admin", "projects/mirror", 200, PROJECT),
    ("admin", "projects/none", 404, {"errors": {"type": "array", "items": ERROR}}),
    ("developer", "projects/quay", 200, PROJECT),
    ("developer", "registries/2", 403, {"errors": {"type": "array", "items": ERROR}}),
    ("robot$puller", "projects/quay", 403, {"errors": {"type": "array", "items": ERROR}}),
    ("admin", "registries/2", 200, REGISTRY),
]


@pytest.mark.parametrize(("user", "path", "status", "properties"), ANSWERS)
def test_the_stand_in_answers_as_harbor_publishes(lab, user, path, status, properties):
    login = base64.b64encode(f"{user}:{LAB_VARIABLES['containerd_registry_password']}".encode()).decode()
    answer = lab.http("harbor.lan", "GET", f"/api/v2.0/{path}", {"Authorization": f"Basic {login}"})
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    assert answer.status == status
    jsonschema.validate(json.loads(answer.body), schema)
    assert lab.http("harbor.lan", "GET", f"/api/v2.0/{path}", {}).status == 401


def test_harbor(ready, task):
    account = {"url": "http://harbor.lan", "username": "robot$puller", "password": "S3cret+/p$ss"}
    reader = {"reader_username": "admin", "reader_password": account["password"]}
    projects = {"docker.io": "dockerhub", "quay.io": "quay", "*": "mirror"}
    run, result = task("containerd_harbor", "--limit=n1", projects=projects, **account, **reader)
    run.ok()
    found = {each["upstream"]: each for each in result("n1")["projects"]}
    assert {name: each["proxy_cache_of"] for name, each in found.items()} == {
        "docker.io": "https://hub.docker.com", "quay.io": "https://quay.io", "*": ""
    }  # fmt: skip
    assert all(each["exists"] and each["may_pull"] for each in found.values())
    wrong = {"ghcr.io": "quay", "quay.io": "missing", "docker.io": "dockerhub"}
    run, result = task("containerd_harbor", "--limit=n1", projects=wrong, **account)
    found = {each["upstream"]: each for each in result("n1")["projects"]}
    quay, dockerhub = found["quay.io"], found["docker.io"]
    # The robot account has no access to the API, but the registry reports a missing project to it.
    assert (quay["exists"], dockerhub["exists"], dockerhub["proxy_cache_of"]) == (False, True, None)
    assert run.rc != 0 and "Harbor has no project missing for quay.io" in run.failed()
    run, result = task("containerd_harbor", "--limit=n1", projects=wrong, **account, **reader)
    assert "Harbor's project quay is a proxy cache of https://quay.io, not of ghcr.io" in run.failed()
    run, result = task("containerd_harbor", "--limit=n1", projects=projects, **{**account, "password": "wrong"})
    assert run.failed().count("Harbor refuses the username and password (status 401)") == 1
    assert "wrong" not in run.output
    for robot, project, said in (
        ("robot$soon", "quay", ["robot account robot$soon (http://harbor.lan) expires on", "in 7 days"]),
        ("robot$lab+soon", "lab", ["robot account robot$lab+soon", "in less than a day"]),
        ("robot$expired", "quay", ["robot account robot$expired expired on", "even its correct secret is refused"]),
    ):
        account["username"] = robot
        run, result = task("containerd_harbor", "--limit=n1", projects={"quay.io": project}, **account, **reader)
        assert (run.rc != 0) == (robot == "robot$expired")
        assert all(each in " ".join(run.output.split()) for each in said), run.output
        assert result("n1")["robots"][0]["expires_at"]


def test_harbor_in_the_report(ready, play, tmp_path):
    account = {"verify_harbor_username": "admin", "verify_harbor_password": "S3cret+/p$ss"}
    projects = {"quay.io": "missing", "ghcr.io": "quay"}
    # The control node, which would send the query, is not on the lab's network.
    options = {"url": "http://harbor.lan", "projects": projects, "verify_harbor": True, **account}
    options["verify_harbor_from"] = "n2"
    run = play("--limit=n2", playbook=VERIFY, verify_images=[BUSYBOX], report_dir=str(tmp_path), **options)
    assert run.rc != 0 and "HARBOR       Harbor has no project missing for quay.io" in run.output
    # Only the administrator knows of what a project is a proxy cache.
    assert "Harbor's project quay is a proxy cache of https://quay.io, not of ghcr.io" in " ".join(run.output.split())
    assert (
        "1 of 1 nodes pull every image from the intended registry; Harbor does not provide what they need: FAILED"
        in run.output
    )


def test_harbor_is_asked_about_the_projects_of_every_node(ready, play, tmp_path):
    more = tmp_path / "more.yml"
    more.write_text("all: {hosts: {n4: {containerd_registry_projects_n4: {ghcr.io: nonesuch}}}}\n")
    options = {"url": "http://harbor.lan", "projects": {"quay.io": "quay"}, "verify_harbor": True}
    run = play(
        "--limit=n3,n4", "-e", f"image={BUSYBOX}", playbook=VERIFY, inventory=(str(more),), report_dir=str(tmp_path),
        **options,
    )  # fmt: skip
    assert run.rc != 0 and "HARBOR       Harbor has no project nonesuch for ghcr.io" in run.output
    asked = [image["image"] for image in run.of("n3", "airgap.containerd.containerd_pull")["images"]]
    assert BUSYBOX in asked and len(asked) == 2  # `image` is what resolve.yml calls it
