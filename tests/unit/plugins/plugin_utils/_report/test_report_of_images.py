# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of images that a fleet is to pull: document, table, page, and the script of copies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
from ansible.errors import AnsibleActionFail
from fake_node import run

from ansible_collections.airgap.containerd.plugins.action import containerd_report
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import copies, images, page

NOW = "2026-01-01T00:00:00+00:00"
DOCS = Path(__file__).parents[5] / "docs"
SCHEMA = json.loads((DOCS / "report.schema.json").read_text())
FIX = "Copy it there."
SEEN = {
    "not_found": "http://r.lan does not have the image: it answers with status 404.",
    "platform": "http://r.lan has it only for linux/arm64, not for linux/amd64.",
    "public": "No mirror is configured for it here: containerd pulls from quay.io directly.",
    "project_missing": "http://r.lan/v2/p answers with status 401 (project p not found).",
}


def outcome(image: str, kind: str | None = None, certain: bool = True, used_by=(), **put) -> dict:
    source = image if "." in image.partition("/")[0] else f"docker.io/{image}"
    repository = source.partition("/")[2].partition(":")[0]
    place = {
        "registry": "r.lan", "repository": repository, "project": None, "name": f"r.lan/{source.partition('/')[2]}",
        "source": source, "plain_http": True, "verified": True,
    }  # fmt: skip
    return {
        "image": image, "upstream": source.partition("/")[0], "state": "failed" if kind else "served",
        "served_by": None if kind else {"endpoint": "http://r.lan", "known_by": "manifest"},
        "diagnosis": {"kind": kind, "seen": SEEN[kind], "fix": FIX} if kind else None, "error": None,
        "mode": "config_path", "directory": "/d", "why": "w", "endpoints": [], "log": [], "notes": [],
        "seconds": None, "certain": certain, "used_by": list(used_by), "put": {**place, **put},
    }  # fmt: skip


def fleet(*found: dict, doubtful=(), more: int = 3) -> dict:
    asker = {"group": "g", "asked_by": None, "version": "1.7.24", "images": list(found), "doubtful": list(doubtful)}
    others = {f"n{number}": {"group": "g", "asked_by": "n1", "version": "2.1.9"} for number in range(2, 2 + more)}
    return {"n1": asker, **others}


MOTLEY = fleet(
    outcome("a/there:1"),
    outcome("quay.io/a/gone:1", "not_found", used_by=["a.yaml: Pod p, container a"]),
    outcome("quay.io/a/gone:2", "not_found"),
    outcome("quay.io/a/arm:1", "platform"),
    outcome("quay.io/a/public:1", "public", name="r.lan/a/public:1"),
    doubtful=[outcome("quay.io/a/perhaps:1", "not_found", certain=False)],
)
AWAY = {**MOTLEY, "n9": {"unreachable": True, "msg": "Failed to connect to the host via ssh"}}


def lines(results) -> list[str]:
    return images.lines(images.images(results, NOW))


def test_the_table_has_what_is_missing_first():
    assert lines(AWAY) == [
        "MISSING      2 images on n1, n2, n3, n4",
        "             http://r.lan does not have the image: it answers with status 404.",
        "          -> Copy it there.",
        "               quay.io/a/gone:1 -> r.lan/a/gone:1",
        "                 a.yaml: Pod p, container a",
        "               quay.io/a/gone:2 -> r.lan/a/gone:2",
        "PLATFORM     1 image on n1, n2, n3, n4",
        "             http://r.lan has it only for linux/arm64, not for linux/amd64.",
        "          -> Copy it there.",
        "               quay.io/a/arm:1 -> r.lan/a/arm:1",
        "PUBLIC       1 image on n1, n2, n3, n4",
        "             No mirror is configured for it here: containerd pulls from quay.io directly.",
        "          -> Copy it there.",
        "               quay.io/a/public:1 -> r.lan/a/public:1",
        "UNREACHABLE  n9",
        "             Failed to connect to the host via ssh",
        "          -> Fix the SSH connection (test with: ansible NODE -m ping), then run this again.",
        "MAYBE        quay.io/a/perhaps:1: in arguments, environment variables and ConfigMaps",
        "             No registry has them. If they are images, they are missing.",
        "",
        "RESULT       IMAGE      FROM          NODES",
        "there        a/there:1  http://r.lan  n1, n2, n3, n4",
        "",
        "0 of 5 nodes will pull every image from the intended registry: FAILED",
    ]


@pytest.mark.parametrize("results", [MOTLEY, AWAY, fleet(outcome("a/b:1")), {"a": None}, {"a": {"images": "no"}}])
def test_documents_follow_the_documented_schema(results):
    found = images.images(results, NOW)
    jsonschema.validate(found, SCHEMA)
    assert page.page(found).count("<script") == 1


def test_a_fleet_that_is_well():
    assert lines(fleet(outcome("a/b:1")))[-1] == "4 of 4 nodes will pull every image from the intended registry: ok"
    big = images.images(fleet(outcome("a/b:1"), more=299), NOW)
    assert len(big["nodes"]) == 1 and len(big["nodes"][0]["hosts"]) == 300
    assert images.closing(big).startswith("300 of 300 nodes")


def test_a_group_whose_node_gave_no_answer():
    results = {**fleet(), "n1": {"failed": True, "msg": "it crashed"}}
    found = images.images(results, NOW)
    assert not found["ok"] and {node["name"]: node["error"] for node in found["nodes"]} == {
        "n1": "it crashed",
        **{
            name: "n1, which checks for all nodes with the same settings, did not answer" for name in ("n2", "n3", "n4")
        },
    }


def test_what_one_group_confirms_is_certain_for_the_others():
    two = fleet(outcome("a/b:1", certain=False), more=0)
    other = fleet(doubtful=[outcome("a/b:1", "not_found", certain=False)], more=0)["n1"]
    found = images.images({**two, "n2": {**other, "group": "h"}}, NOW)
    assert {node["name"]: node["ok"] for node in found["nodes"]} == {"n1": True, "n2": False} and not found["doubtful"]


def test_two_upstream_names_that_are_one_image():
    same = fleet(outcome("a/b:1", "not_found"), outcome("quay.io/a/b:1", "not_found"), outcome("r.lan/a/b:1"))
    found = images.images(same, NOW)
    assert found["same"] == [{"name": "r.lan/a/b:1", "images": ["docker.io/a/b:1", "quay.io/a/b:1"]}]
    assert "ONE IMAGE    docker.io/a/b:1 and quay.io/a/b:1 have the same name in the registry" in "\n".join(
        images.lines(found)
    )
    (copy,) = found["copy"]["images"]
    assert (copy["source"], copy["also"]) == ("docker.io/a/b:1", ["quay.io/a/b:1"])
    assert "\n# not copied, because it would replace the one above: quay.io/a/b:1\n" in copies.script([copy])


def script(*found: dict) -> str:
    return copies.script(images.images(fleet(*found), NOW)["copy"]["images"])


def test_the_script():
    text = script(
        outcome("quay.io/a/b:1", "not_found"),
        outcome(
            "quay.io/a/c:1", "project_missing", project="p", name="h.lan/p/a/c:1", registry="h.lan", plain_http=False
        ),
        outcome("quay.io/a/d:1", "platform"),
        outcome("quay.io/a/e:1", "public"),
        outcome("r.lan/own:1", "not_found"),
    )
    commands = [line for line in text.splitlines() if line.startswith("run skopeo")]
    options = "run skopeo copy --all --preserve-digests --retry-times 3"
    assert commands == [
        f"{options} --dest-tls-verify=false docker://quay.io/a/b:1 docker://r.lan/a/b:1",
        f"{options} docker://quay.io/a/c:1 docker://h.lan/p/a/c:1",
        f"{options} --dest-tls-verify=false docker://quay.io/a/d:1 docker://r.lan/a/d:1",
    ]
    assert (
        "# Create the project p in h.lan first." in text
        and "# r.lan/own:1 already has the name of the registry" in text
    )
    assert "#   skopeo login h.lan\n#   skopeo login --tls-verify=false r.lan\n" in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=True).returncode == 0


@pytest.mark.parametrize(
    "evil", ["r.lan/$(reboot):1", "r.lan/a;reboot", "r.lan/a\nreboot", "r.lan/a`b`", "-x", "r.lan/a b"]
)
def test_nothing_of_a_node_runs_in_the_script(evil):
    text = script(outcome("quay.io/a/b:1", "not_found", name=evil, registry=evil))
    assert not [line for line in text.splitlines() if "reboot" in line and not line.startswith("#")]
    assert "run skopeo" not in text


def test_files_of_the_report(tmp_path):
    result = run(containerd_report, {}, images=MOTLEY, dest=str(tmp_path / "r"))
    assert result["failed"] and not (tmp_path / "r").exists(), "in check mode"
    assert result["copy"] == str(tmp_path / "r" / "images.sh")
    with pytest.raises(AnsibleActionFail, match="missing parameter.* required by 'images': dest"):
        run(containerd_report, {}, images=MOTLEY)
    wrong = run(containerd_report, {}, resolutions={"n1": []}, dest="/x")
    assert wrong["msg"] == "dest: no files are written with resolutions: leave it out"
