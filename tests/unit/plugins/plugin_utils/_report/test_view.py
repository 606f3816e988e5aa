# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTML report says, with nothing but a parser of HTML: no script has run."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser

import pytest
from fleet_samples import EVIL, fleet, motley

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document, images, page, settings, view
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.markup import Markup, element, together

NOW = "2026-01-01T00:00:00+00:00"
CLOSED = ("input", "meta", "wbr")
HARBOR = {"projects": [{"problems": ["Harbor has no project quay."]}]}


class Reader(HTMLParser):
    """Collects the text and the links of a page, and checks that every element is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.text, self.links, self.names = "", [], set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.names |= {given["id"]} if "id" in given else set()
        self.links += [given["href"]] if "href" in given else []
        self.open += [] if tag in CLOSED else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += "" if self.open and self.open[-1] in ("style", "script") else f"{data} "


def made(results, harbor=None, **more):
    return {**document.document(results, NOW, harbor, seconds=12.3), **more}


def read(found):
    return Reader(page.page(found))


def legacy(name="n1"):
    """A node that tries the mirror, then the upstream itself."""
    mirror, upstream = ({"origin": each, "url": f"http://{each}.lan"} for each in ("mirror", "upstream"))
    image = {"image": "busybox:1", "upstream": "docker.io", "state": "pulled", "mode": "legacy"}
    image["endpoints"] = [mirror, upstream]
    return {name: {"version": "1.4.13", "images": [image]}}


@pytest.mark.parametrize(
    ("found", "short", "long"),
    [
        (made(fleet(1)), "Everything is as expected", "The node pulls every image from the intended registry."),
        (made(fleet(3)), "1 of 3 nodes needs attention", "2 of 3 nodes pull every image"),
        (made(fleet(12)), "4 of 12 nodes need attention", "8 of 12 nodes pull every image"),
        (made(fleet(1), HARBOR), "Harbor needs attention", "Harbor has 1 problem."),
        (made(fleet(12), HARBOR), "4 of 12 nodes and Harbor need attention", "Harbor has 1 problem."),
        (made(fleet(1), {"projects": []}), "Everything is as expected", "Harbor has the projects that they need."),
        (made({"a": {"msg": "x"}, "b": None}), "Both nodes need attention", "0 of 2 nodes pull every image"),
        (made({"a": None}), "The node needs attention", "0 of 1 nodes pull every image"),
    ],
)
def test_the_headline_says_whether_all_is_well(found, short, long):
    told = view.headline(found)
    assert told[0] == short and long in told[1]
    text = read(found).text
    assert short in text and long in text and ("✓ Where" in text) == found["ok"]


def test_all_content_is_there_without_a_script():
    found = made(motley(60), HARBOR, collection="1.0.0", inventory=["inventories/lan"])
    shown = read(found)
    for words in (
        "2026-01-01 00:00:00 UTC, took 12 s",
        "13 images from 13 upstreams",
        "inventories/lan",
        "airgap.containerd 1.0.0",
        "1.6.20 (15 nodes), 1.7.24 (30 nodes), 2.1.9 (14 nodes), unknown (1 node)",
        "47 as expected",
        "3 bypassed the mirror",
        "9 failed to pull",
        "1 unreachable",
        "6 nodes: failed to pull",
        "Harbor has no project quay.",
        "Request that failed",
        "containerd error",
        "Endpoints tried, in order",
        "Click a cell for details.",
        "server http://harbor.lan:8080/v2/mirror pull, resolve, push no no status 401, unauthorized",
    ):
        assert words in shown.text, words
    assert {each.removeprefix("#") for each in shown.links} <= {*shown.names, "-"}
    assert {name[0] for name in shown.names if name[1:].isdigit()} == {"d", "n", "p"}, "cells, nodes and problems"


def test_rows_with_the_same_problems_are_together_the_worst_first():
    groups = view.groups(made(motley(60)), 50)
    assert [(each.kind, len(each.nodes)) for each in groups] == [
        ("unreachable", 1), ("failed", 6), ("failed", 2), ("failed", 1), ("bypassed", 3), ("good", 47),
    ]  # fmt: skip
    assert len(groups[3].problems) == 2
    assert [each.kind for each in view.groups(made(motley(60)), 0)] == ["unreachable", "failed", "bypassed", "good"]


def test_failed_nodes_are_copied_as_a_limit():
    found = made({**fleet(12), "it's": None, "n002 (Docker)": None, "n002": None})
    bad = [node for node in found["nodes"] if not node["ok"]]
    words = shlex.split(view.limit(bad))
    assert words == ["--limit", "n001,n002,n003,n006,n009,it's"]
    assert "--limit &#x27;n001" in page.page(found)
    assert view.hosts([{"name": "all 3 nodes", "hosts": ["a", "b", "c"]}]) == ["a", "b", "c"]


def test_nodes_that_may_pull_from_the_public_registry_are_marked():
    found = made({**legacy(), **fleet(1)})
    assert [node["public_fallback"] for node in found["nodes"]] == [True, False]
    text = read(found).text
    assert "Everything is as expected" in text and text.count("public fallback") == 1
    assert "1 node may still pull from public registries" in text and "containerd 1.4" in text
    other = legacy()
    other["n1"]["images"][0]["mode"] = "config_path"
    assert "containerd 1.4 " not in read(made(other)).text and "public fallback" in read(made(other)).text
    other["n1"]["images"][0]["endpoints"].pop(0)
    assert "public fallback" not in read(made(other)).text, "a registry that is used directly"


def test_settings_of_legacy_mirrors_are_marked_too():
    planned = {"pending": True, "version": "1.4.13", "mode": "legacy", "namespaces": ["docker.io"], "changes": []}
    places = {"endpoints": {"docker.io": "http://m.lan"}}
    found = settings.settings({"n1": {**planned, **places}, "n2": planned}, NOW)
    assert [node["public_fallback"] for node in found["nodes"]] == [True, False]
    assert "Both nodes are configured as the variables describe." in read(found).text


def test_images_stand_for_many_nodes():
    image = {"image": "a/b:1", "upstream": "docker.io", "state": "failed",
             "diagnosis": {"kind": "not_found", "seen": "It is not there.", "fix": "Push it."}}  # fmt: skip
    group = {"group": "g", "version": "1.7.24"}
    results = {"n1": {**group, "images": [image]}, "n2": {**group, "asked_by": "n1"}, "n3": {**group, "asked_by": "n1"}}
    shown = read(images.images(results, NOW))
    assert "All 3 nodes need attention" in shown.text and "0 of 3 nodes will pull every image" in shown.text
    assert "--limit n1,n2,n3" in shown.text and "not found" in shown.text


def test_a_cell_without_an_image_and_one_without_details():
    found = made({**legacy(), **fleet(1)})
    assert "No image from this upstream was tested on this node." in page.page(found)
    assert re.search(r'href="#more"', page.page(made({str(index): _alone(index) for index in range(400)})))


def test_without_any_answer_there_are_no_columns_and_every_node_has_its_reason():
    shown = read(
        made({"a": {"unreachable": True, "msg": "No route to host"}, "b": {"msg": "containerd is not installed"}})
    )
    assert "Node Result" in shown.text and "0 upstreams" not in shown.text
    assert shown.text.count("No route to host") == shown.text.count("containerd is not installed") == 4


def _alone(number):
    wrong = {"kind": "unknown", "seen": f"{number} " + "x" * 300, "fix": "y" * 300}
    return {"images": [{"image": "a", "upstream": "b", "state": "failed", "diagnosis": wrong}]}


def test_text_is_escaped_and_markup_is_not():
    assert element("p", EVIL, title='"') == element("p", together(EVIL), title='"')
    assert "<img" not in element("p", EVIL) and "<b>" in element("p", element("b", "x"))
    assert element("a", None, hidden=False, tabindex=0, class_="x", data_copy="&") == (
        '<a tabindex="0" class="x" data-copy="&amp;"></a>'
    )
    assert isinstance(together("x"), Markup)
