# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a fleet: document, schema, table and page, for one node, for 300, and for nodes that lie."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest
from fleet_samples import EVIL, fleet, motley, unlike
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document as document_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names, pulls
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import page as page_module

NOW = "2026-01-01T00:00:00+00:00"
SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "report.schema.json").read_text())


def document(results):
    return document_module.document(results, NOW)


@pytest.mark.parametrize(
    "results",
    [
        fleet(1),
        fleet(12),
        motley(60),
        unlike(4),
        {"a": None},
        {"a": {"msg": EVIL}},
        {EVIL: {**fleet(1)["n000"], "version": EVIL}},
    ],
)
def test_documents_follow_the_documented_schema(results):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document(results), SCHEMA)


def test_the_sample_of_the_documentation_follows_the_schema():
    page = (Path(__file__).parents[5] / "docs" / "verify.md").read_text()
    jsonschema.validate(json.loads(re.search(r"```json\n(.*?)```", page, re.S).group(1)), SCHEMA)


def test_the_schema_refuses_something_else():
    wrong = document(fleet(1))
    wrong["outcomes"][0]["state"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_equal_outcomes_stand_in_a_document_once():
    assert len(document(fleet(300))["outcomes"]) == 4
    assert [node["ok"] for node in document(fleet(12))["nodes"]] == [False] * 4 + [True] * 8


def test_the_table_of_a_small_fleet():
    assert pulls.lines(document(fleet(4))) == [
        "UNREACHABLE  n001",
        "             Failed to connect to the host via ssh",
        "          -> Fix the SSH connection (test with: ansible NODE -m ping), then run this again.",
        "FAILED       quay.io/coreos/etcd:1 on n003",
        "             http://m.lan:81 cannot be used: cannot connect to m.lan:81: Connection refused.",
        "          -> Start the registry, or correct the port in its URL.",
        "",
        "RESULT       IMAGE                        FROM          SECONDS    NODES",
        "pulled       docker.io/library/busybox:1  http://m.lan  0.00-0.03  n000, n002, n003",
        "pulled       registry.k8s.io/pause:3.9    http://m.lan  0.00-0.03  n000, n002, n003",
        "pulled       quay.io/coreos/etcd:1        http://m.lan  0.00-0.02  n000, n002",
        "",
        "2 of 4 nodes pull every image from the intended registry: FAILED",
    ]


def test_problems_are_in_the_document_once_each_the_worst_first():
    found = document(motley(300))
    assert [each["state"] for each in found["problems"]] == ["unreachable", "failed", "failed", "bypassed"]
    refusing = found["problems"][1]
    assert refusing["kind"] == "unauthorized_anonymous" and len(refusing["nodes"]) == 33
    assert refusing["images"] == ["ghcr.io/team/app-7:1.2", "quay.io/team/app-7:1.2"]
    named = {found["nodes"][index]["name"] for index in refusing["nodes"]}
    assert "worker-05.prod.example.com" in named and "worker-06.prod.example.com" not in named


def test_nodes_that_cannot_be_reached_are_one_problem():
    words = "connect to host 10.0.0.{0} port 22: No route to host"
    results = {f"w{number}": {"unreachable": True, "msg": words.format(number)} for number in range(1, 31)}
    lines = pulls.lines(document({**results, "x": {"msg": "containerd is not installed"}}))
    assert lines[:3] == [
        "UNREACHABLE  w[1:30] (30 nodes)",
        "             connect to host … port 22: No route to host",
        "          -> Fix the SSH connection (test with: ansible NODE -m ping), then run this again.",
    ]
    assert lines[3:5] == ["ERROR        x", "             containerd is not installed"]


@pytest.mark.parametrize(
    ("given", "total", "expected"),
    [
        (["a"], 1, "a"),
        (["n10", "n9", "n2"], 9, "n2, n9, n10"),
        (["n1", "n2", "n3", "n4"], 4, "n1, n2, n3, n4"),
        (["n11", "n10", "n9", "n8", "n7", "n6"], 9, "n[6:11] (6 nodes)"),
        (["w-07.x", "w-08.x", "w-09.x", "w-10.x", "w-11.y", "w-12.y"], 9, "w-[07:10].x, w-11.y, w-12.y (6 nodes)"),
        (["a", "c", "e", "g", "i", "k"], 9, "a, c, e, g and 2 more"),
        (["a", "c", "e", "g", "i", "k"], 6, "all 6 nodes"),
        ([f"n{number}" for number in range(100)], 300, "n[0:99] (100 nodes)"),
    ],
)
def test_names_of_nodes(given, total, expected):
    assert names.several(given, total) == expected


def test_the_address_of_a_node_makes_no_other_outcome():
    result = fleet(4)["n003"]
    other = json.loads(json.dumps(result).replace("[::1]:40003->", "10.77.0.11:41000->"))
    assert len(document({"a": result, "b": other})["outcomes"]) == len(document({"a": result})["outcomes"])


def test_a_fleet_that_is_well():
    lines = pulls.lines(document(fleet(1)))
    assert lines[-1] == "1 of 1 nodes pull every image from the intended registry: ok"


def test_what_harbor_lacks_comes_first_and_fails_the_report():
    problems = [{"problems": ["no project a."]}, {"problems": ["no project a.", EVIL]}]
    found = document_module.document(fleet(1), NOW, {"failed": False, "projects": problems})
    jsonschema.validate(found, SCHEMA)
    assert pulls.lines(found)[0] == "HARBOR       no project a." and not found["ok"]
    assert pulls.lines(found)[-1].endswith("Harbor does not provide what they need: FAILED")
    assert document_module.document(fleet(1), NOW, {})["harbor"] is None
    many = {"results": [{"projects": [{"problems": [text]}]} for text in ("a", "b", "a")] + [{"msg": "no"}]}
    assert document_module.document(fleet(1), NOW, many)["harbor"] == ["a", "b", "Harbor could not be queried: no"]
    assert document_module.document(fleet(1), NOW, {"results": []})["harbor"] == [
        "Harbor could not be queried: no answer"
    ]
    assert document_module.document(fleet(1), NOW, {"failed": False, "msg": "x"})["harbor"] == [
        "Harbor could not be queried: x"
    ]
    well = document_module.document(fleet(1), NOW, {"projects": [{"problems": []}]})
    assert well["ok"] and pulls.closing(well).endswith("Harbor provides what they need: ok")


@pytest.mark.parametrize(("sample", "height"), [(fleet, 15), (motley, 30), (unlike, 140)])
def test_the_table_of_300_nodes_stays_readable(sample, height):
    lines = pulls.lines(document(sample(300)))
    assert len(lines) < height and max(map(len, lines)) <= 120
    assert "n003, n006, n009, n012 and 95 more" in "".join(lines) or sample is not fleet


def test_images_that_are_alike_on_the_same_nodes_share_a_line():
    lines = pulls.lines(document(motley(300)))
    assert any(line.split()[:3] == ["pulled", "10", "images"] and line.endswith("291 of 300 nodes") for line in lines)


def test_what_nodes_say_cannot_act_on_a_terminal():
    lines = pulls.lines(document({EVIL: {**fleet(1)["n000"]}, "b": {"msg": EVIL}}))
    assert all(line.isprintable() for line in lines)


def test_a_node_cannot_make_the_report_large():
    result = fleet(1)["n000"]
    result["images"][0]["notes"] = ["x" * 10**6] * 1000
    assert len(json.dumps(document({"a": result}))) < 100_000


@pytest.mark.parametrize(
    "images",
    [
        ["x"],
        [{}],
        [{"state": "owned"}],
        [{**fleet(1)["n000"]["images"][0], "error": "x"}],
        "x",
        [{**fleet(1)["n000"]["images"][0], "seconds": float("nan")}],
        [{**fleet(1)["n000"]["images"][0], "seconds": 10**4000}],
    ],
)
def test_nonsense_of_one_node_costs_no_other_its_row(images):
    found = document({"bad": {"images": images, "msg": "m"}, "good": fleet(1)["n000"]})
    assert {node["name"]: node["ok"] for node in found["nodes"]}["good"]
    json.dumps(found, allow_nan=False)
    assert "NaN" not in page_module.page(found)
    assert pulls.lines(found)


def test_the_page_has_no_way_out_and_nothing_gets_in():
    page = page_module.page(document({EVIL: {"msg": EVIL}, **fleet(1)}))
    assert "<img" not in page and page.count("</script>") == 1
    assert page.count("@@DATA@@") == page.count("&lt;img src=x") > 2, "nothing of a template is replaced in the data"
    assert "default-src &#x27;none&#x27;" in page and "http-equiv" in page


@pytest.mark.parametrize("sample", [fleet, motley, unlike])
def test_the_page_of_300_nodes_is_small(sample):
    assert len(page_module.page(document(sample(300))).encode()) < 1_000_000


LIES = [
    None,
    True,
    -1,
    10**4000,
    float("nan"),
    float("inf"),
    "",
    "x" * 5000,
    "\x1b[31m\u202e\n",
    [],
    {},
    [[]],
    {"a": {}},
    1.5,
]


def places(data, path=()):
    """Every place in nested data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@pytest.mark.properties
@given(st.data())
def test_a_lie_at_any_place_costs_no_other_node_its_row(data):
    results = copy.deepcopy(fleet(4))
    liar = data.draw(st.sampled_from(sorted(results)))
    path = data.draw(st.sampled_from([path for path in places(results[liar]) if path]))
    place = results[liar]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(st.sampled_from(LIES))
    found = document(results)
    rows = {node["name"]: node for node in found["nodes"]}
    truth = {node["name"]: node for node in document(fleet(4))["nodes"]}
    assert all(rows[name]["ok"] == truth[name]["ok"] for name in rows if name != liar)
    json.dumps(found, allow_nan=False)
    page_module.page(found)
    assert all(line.isprintable() for line in pulls.lines(found))


def test_an_image_without_a_name_is_shown_as_unknown():
    results = fleet(2)
    results["n000"]["images"][0]["image"] = None
    assert any("unknown" in line.split() for line in pulls.lines(document(results)))


def test_one_more_is_not_plural():
    wrong = {"kind": "unknown", "seen": "x", "fix": "y"}
    images = [{"image": f"a{index}", "upstream": "b", "state": "failed", "diagnosis": wrong} for index in range(9)]
    others = {str(index): {"msg": f"reason {index:c}"} for index in range(97, 109)}
    shown = "\n".join(pulls.lines(document({"a": {"images": images}, **others})))
    assert "and 1 more image on" in shown or "1 more problem, listed" in shown
    assert "1 more images" not in shown and "1 more problems" not in shown
