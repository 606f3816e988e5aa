# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a fleet: document, schema, table and page, for one node, for 300, and for nodes that lie."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from fleet_samples import EVIL, fleet

from ansible_collections.airgap.containerd.plugins.plugin_utils import verify_page, verify_report

NOW = "2026-01-01T00:00:00+00:00"
DOCS = Path(__file__).parents[4] / "docs" / "verify.md"
SCHEMA = json.loads(re.search(r"```json\n(.*?)```", DOCS.read_text(), re.S).group(1))


def document(results):
    return verify_report.document(results, NOW)


@pytest.mark.parametrize(
    "results",
    [fleet(1), fleet(12), fleet(300), {"a": None}, {"a": {"msg": EVIL}}, {EVIL: {**fleet(1)["n000"], "version": EVIL}}],
)
def test_documents_follow_the_documented_schema(results):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document(results), SCHEMA)


def test_the_schema_refuses_something_else():
    wrong = document(fleet(1))
    wrong["outcomes"][0]["state"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_equal_outcomes_stand_in_a_document_once():
    assert len(document(fleet(300))["outcomes"]) == 4
    assert [node["ok"] for node in document(fleet(12))["nodes"]] == [False] * 4 + [True] * 8


def test_the_table_of_a_small_fleet():
    assert verify_report.table(document(fleet(4))) == [
        "NO ANSWER   n001",
        "          Failed to connect to the host via ssh",
        "FAILED    quay.io/coreos/etcd:1  0.03 s  n003",
        "          http://m.lan:81 cannot be asked: cannot connect to m.lan:81: Connection refused.",
        "          -> Start the registry, or correct the port in its URL.",
        "pulled    docker.io/library/busybox:1  from http://m.lan  0.00-0.03 s  n000, n002, n003",
        "pulled    quay.io/coreos/etcd:1  from http://m.lan  0.00-0.02 s  n000, n002",
        "pulled    registry.k8s.io/pause:3.9  from http://m.lan  0.00-0.03 s  n000, n002, n003",
        "",
        "2 of 4 nodes get 3 images from where they should: FAILED",
    ]


def test_a_fleet_that_is_well():
    lines = verify_report.table(document(fleet(1)))
    assert lines[-1] == "1 of 1 nodes get 3 images from where they should: ok"


def test_what_harbor_lacks_comes_first_and_fails_the_report():
    problems = [{"problems": ["no project a."]}, {"problems": ["no project a.", EVIL]}]
    found = verify_report.document(fleet(1), NOW, {"failed": False, "projects": problems})
    jsonschema.validate(found, SCHEMA)
    assert verify_report.table(found)[0] == "HARBOR    no project a." and not found["ok"]
    assert verify_report.table(found)[-1].endswith("Harbor lacks something: FAILED")
    assert verify_report.document(fleet(1), NOW, {"skipped": True})["harbor"] is None
    assert verify_report.document(fleet(1), NOW, {"failed": False, "msg": "x"})["harbor"] == ["x"]
    well = verify_report.document(fleet(1), NOW, {"projects": [{"problems": []}]})
    assert well["ok"] and verify_report.closing(well).endswith("Harbor has what they need: ok")


def test_the_table_of_300_nodes_stays_readable():
    lines = verify_report.table(document(fleet(300)))
    assert len(lines) < 15 and max(map(len, lines)) <= 120
    assert "n003, n006, n009, n012 and 95 more" in lines[2]


def test_what_nodes_say_cannot_act_on_a_terminal():
    lines = verify_report.table(document({EVIL: {**fleet(1)["n000"]}, "b": {"msg": EVIL}}))
    assert all(line.isprintable() for line in lines)


def test_a_node_cannot_make_the_report_large():
    result = fleet(1)["n000"]
    result["images"][0]["notes"] = ["x" * 10**6] * 1000
    assert len(json.dumps(document({"a": result}))) < 100_000


def test_the_page_has_no_way_out_and_nothing_gets_in():
    page = verify_page.page(document({EVIL: {"msg": EVIL}, **fleet(1)}))
    assert "<img" not in page and page.count("</script>") == 2 and "@@" not in re.sub('"@@DATA@@"', "", page)
    assert "default-src &#x27;none&#x27;" in page and "http-equiv" in page
    data = re.search(r'type="application/json">(.*?)</script>', page, re.S).group(1)
    assert json.loads(data) == document({EVIL: {"msg": EVIL}, **fleet(1)})


def test_the_page_of_300_nodes_is_small():
    assert len(verify_page.page(document(fleet(300))).encode()) < 1_000_000
