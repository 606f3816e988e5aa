# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of a report for other programs: JUnit, Markdown, Prometheus, of every kind of document."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from fake_node import run
from fleet_samples import EVIL, fleet, motley
from markdown_it import MarkdownIt

from ansible_collections.airgap.containerd.plugins.action import containerd_report
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import (
    cases,
    document,
    images,
    junit,
    markdown,
    prometheus,
    settings,
)

NOW = "2026-11-28T00:00:00+00:00"
SECONDS = 1795824000
SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "report.schema.json").read_text())
HAND = {
    "path": "/etc/containerd/certs.d/docker.io/hosts.toml", "cause": "hand_edit", "upstream": "docker.io",
    "seen": "/etc/containerd/certs.d/docker.io/hosts.toml was edited since the last run",
    "changed_at": "2026-11-27T20:00:00+00:00", "owner": 1000,
}  # fmt: skip
PLANNED = {
    "version": "1.7.24", "mode": "config_path", "pending": False, "changes": [],
    "namespaces": ["*", "docker.io", "quay.io"], "endpoints": {"docker.io": "http://r.lan", "quay.io": "http://r.lan"},
}  # fmt: skip
PLANS = {
    "n1": PLANNED,
    "n2": {**PLANNED, "pending": True, "changes": [HAND]},
    "n3": {"msg": "containerd 1.3 is older than 1.4"},
    "n4": {"unreachable": True, "msg": "No route to host"},
}
PROJECT = {
    "upstream": "docker.io", "project": "hub", "harbor": "http://h.lan", "exists": True, "proxy_cache_of": None,
    "may_pull": True, "problems": [],
}  # fmt: skip
ROBOT = {"name": "robot$a", "harbor": "http://h.lan", "expires_at": "2027-01-01T00:00:00Z", "never_expires": False,
         "disabled": False}  # fmt: skip
EARLIER = {**ROBOT, "name": "robot$b", "expires_at": "2026-12-24T00:00:00Z"}
WANTING = {**PROJECT, "upstream": "quay.io", "problems": ["there is none"]}
HARBOR = {"results": [{"projects": [PROJECT, WANTING], "robots": [ROBOT]},
                      {"projects": [PROJECT], "robots": [ROBOT, EARLIER]}]}  # fmt: skip
GROUP = {"group": "g", "version": "1.7.24"}
WILL = {"i1": {**GROUP, "images": fleet(1)["n000"]["images"]}, "i2": {**GROUP, "asked_by": "i1"}}


def verified(results, harbor=None):
    return document.document(results, NOW, harbor, seconds=12.5)


DOCUMENTS = {
    "one": verified(fleet(1)),
    "many": verified(motley(60), HARBOR),
    "evil": verified({EVIL: {"msg": EVIL}, **fleet(4)}, {"msg": EVIL}),
    "images": images.images(WILL, NOW, 3),
    "site": settings.settings(PLANS, NOW, seconds=3),
    "done": settings.settings(PLANS, NOW, {"n2": {"changed": True}}),
    "failed": settings.settings(PLANS, NOW, {"n2": {"failed": True, "msg": EVIL}}),
    "evil plan": settings.settings(
        {EVIL: {"pending": 1, "changes": [{**HAND, "seen": EVIL, "owner": True}, {"seen": "x"}, 5]}}, NOW
    ),
}


@pytest.fixture(params=DOCUMENTS)
def found(request):
    return DOCUMENTS[request.param]


def values(text: str) -> dict[str, float]:
    """Return the samples of an exposition by their series, and insist on its grammar."""
    samples = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            match = re.fullmatch(r'(airgap_containerd_\w+\{(?:\w+="(?:[^"\\]|\\[\\"n])*",?)+\}) ([0-9.]+)', line)
            assert match and match[1] not in samples, line
            samples[match[1].removeprefix("airgap_containerd_")] = float(match[2])
    assert text.endswith("\n")
    return samples


def test_documents_follow_the_schema(found):
    jsonschema.validate(found, SCHEMA)


def test_a_case_for_each_node_and_upstream(found):
    listed = list(cases.cases(found))
    assert len({(each.node, each.upstream) for each in listed}) == len(listed)
    assert found["harbor"] or all(each.is_ok for each in listed) == found["ok"]


def test_junit_counts_its_cases(found):
    root = ElementTree.fromstring(junit.junit(found))
    for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(root.get(kind)) == len(root.findall(f".//{tag}"))
    assert bool(root.findall(".//failure") or root.findall(".//error")) != found["ok"]


def test_junit_names_what_is_wrong_and_what_to_do():
    root = ElementTree.fromstring(junit.junit(DOCUMENTS["many"]))
    failure = root.find(".//testcase[@name='quay.io']/failure")
    assert failure.get("type") == "unauthorized_anonymous" and "Set the username" in failure.text
    assert root.find(".//testsuite[@name='Harbor']/testcase[@name='quay.io from hub']/failure") is not None
    assert root.find(".//testcase[@name='the node']/error").get("message").startswith("Failed to connect")


def test_markdown_is_tables_and_nothing_else(found):
    text = markdown.markdown(found, EVIL.replace("\u2028", " "))
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "text_special", "html_inline"}
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<sub>", "</sub>"}
    assert not re.search(r"(?<!\\)[@:$]\w|(?<!\\)#\d", re.sub(r"<sub>.*|:?-+:?\|", "", text))


def test_markdown_tells_what_is_wrong_first():
    text = markdown.markdown(DOCUMENTS["site"], settings.closing(DOCUMENTS["site"]))
    assert "❌ 1 of 4 nodes are configured as the variables describe, 1 would change, 2 cannot be checked" in text
    assert text.index("No route to host") < text.index("was edited since the last run") < text.index("### Upstreams")
    assert r"| ❌ | docker.io | http\://r.lan | 1 of 2 | n2 |" in text


def test_metrics_are_what_the_format_wants(found):
    found_values = values(prometheus.prometheus(found))
    assert found_values[f'check_timestamp_seconds{{check="{found["about"]}"}}'] == SECONDS
    assert found_values[f'check_ok{{check="{found["about"]}"}}'] == found["ok"]


def test_metrics_of_pulls():
    found = values(prometheus.prometheus(DOCUMENTS["many"]))
    node = 'check="verify",node="worker-05.prod.example.com"'
    mirror = 'endpoint="http://harbor.lan:8080/v2/mirror"'
    assert found[f'credentials_refused{{{node},upstream="quay.io",{mirror}}}'] == 1
    assert found[f'upstream_ok{{{node},upstream="quay.io",{mirror}}}'] == 0
    assert found[f'bypassed{{{node},upstream="quay.io",{mirror}}}'] == 0
    assert found[f'last_success_timestamp_seconds{{{node},upstream="gcr.io",{mirror}}}'] == SECONDS
    assert found['node_answered{check="verify",node="worker-08.prod.example.com"}'] == 0
    assert found['harbor_project_ok{upstream="quay.io",endpoint="http://h.lan"}'] == 0
    assert found['account_expires_timestamp_seconds{endpoint="http://h.lan"}'] == 1798070400
    bypassed = [name for name, value in found.items() if name.startswith("bypassed") and value]
    assert bypassed and all('upstream="docker.io"' in name for name in bypassed)


def test_metrics_tell_when_the_support_of_a_release_ends():
    found = values(prometheus.prometheus(DOCUMENTS["many"]))
    node = 'check="verify",node="worker-05.prod.example.com",version="1.6.20"'
    assert found[f"release_info{{{node}}}"] == 1
    ends = found[f"release_end_of_life_timestamp_seconds{{{node}}}"]
    day = releases.release((1, 6, 20)).end_of_life
    assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(ends - 1)) == f"{day} 23:59"
    unknown = verified({"n": {**fleet(1)["n000"], "version": EVIL}, "m": {**fleet(1)["n000"], "version": "99.0.0"}})
    assert "end_of_life" not in prometheus.prometheus(unknown)


def test_metrics_name_no_image():
    for each in DOCUMENTS.values():
        told = prometheus.prometheus(each)
        assert "app-" not in told and "busybox" not in told and "image=" not in told


def test_metrics_of_settings():
    found = values(prometheus.prometheus(DOCUMENTS["site"]))
    assert {name: value for name, value in found.items() if name.startswith(("drift", "up_to"))} == {
        'drift{node="n1"}': 0, 'drift{node="n2"}': 1, 'drift_cause{node="n2",cause="hand_edit"}': 1,
        'up_to_date{node="n1"}': 1, 'up_to_date{node="n2"}': 0, 'up_to_date{node="n3"}': 0, 'up_to_date{node="n4"}': 0,
    }  # fmt: skip
    done = values(prometheus.prometheus(DOCUMENTS["done"]))
    assert done['drift{node="n2"}'] == 0 and done['up_to_date{node="n2"}'] == 1
    failed = values(prometheus.prometheus(DOCUMENTS["failed"]))
    assert 'drift{node="n2"}' not in failed and failed['up_to_date{node="n2"}'] == 0


def test_when_something_last_worked_is_kept():
    before = prometheus.prometheus(document.document(fleet(12), "2026-11-20T00:00:00+00:00"))
    told = values(prometheus.prometheus(verified({**fleet(12), "n002": {"msg": "away"}}), before))
    last = {name: value for name, value in told.items() if name.startswith("last_success")}
    away = {name: value for name, value in last.items() if 'node="n002"' in name}
    assert len(away) == 3 and set(away.values()) == {SECONDS - 8 * 86400}
    assert 'upstream="quay.io"' not in "".join(name for name in last if 'node="n003"' in name), "it never worked"
    again = values(prometheus.prometheus(verified({"n002": {"msg": "away"}}), prometheus.prometheus(verified({}), "")))
    assert not [name for name in again if name.startswith("last_success")]


@pytest.mark.parametrize(
    "before",
    [
        "x",
        'airgap_containerd_last_success_timestamp_seconds{a="\\',
        "\x00" * 100,
        'airgap_containerd_last_success_timestamp_seconds{node="n"} NaN',
        'x{node="n"} 1',
        "airgap_containerd_last_success_timestamp_seconds{" + 'a="b",' * 5000 + "} 1x",
    ],
)
def test_a_file_of_others_in_its_place_is_no_memory(before):
    begun = time.monotonic()
    assert prometheus.prometheus(DOCUMENTS["one"], before) == prometheus.prometheus(DOCUMENTS["one"])
    assert time.monotonic() - begun < 1


def test_each_node_gets_its_own_metrics():
    found = prometheus.by_node(DOCUMENTS["images"])
    assert sorted(found) == ["i1", "i2"]
    for node, text in found.items():
        assert f'node="{node}"' in text and not [other for other in found if other != node and other in text]
        assert 'check_timestamp_seconds{check="images"}' in text


def test_nodes_that_were_not_reached_get_no_metrics():
    assert sorted(prometheus.by_node(DOCUMENTS["site"])) == ["n1", "n2", "n3"]


def test_the_page_lists_every_metric_cause_and_alert():
    docs = Path(__file__).parents[5] / "docs"
    page = (docs / "monitoring.md").read_text()
    for name in prometheus.METRICS:
        assert f"| `{prometheus.PREFIX}{name}` |" in page
    for name in (*settings.CAUSES, *re.findall("alert: (.*)", (docs / "monitoring" / "alerts.yml").read_text())):
        assert f"| `{name}` |" in page


FORMATS = ["html", "json", "junit", "markdown", "prometheus"]


def test_files_about_settings_are_written_in_a_check(tmp_path):
    folder, metrics = tmp_path / "reports", tmp_path / "metrics"
    options = {"dest": str(folder), "formats": FORMATS, "mode": "0640", "started": time.time() - 5}
    result = run(containerd_report, {}, plans=PLANS, metrics_dest=str(metrics), **options)
    assert result["fleet"]["failing"] and result["junit"] == str(folder / "site.xml")
    assert sorted(each.name for each in folder.iterdir()) == ["site.html", "site.json", "site.md", "site.xml"]
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o640}
    (file,) = metrics.iterdir()
    assert file.name == "airgap_containerd_site.prom" and file.stat().st_mode & 0o777 == 0o644
    assert 5 <= json.loads((folder / "site.json").read_text())["seconds"] < 60
    result = run(containerd_report, {}, plans=PLANS, metrics_by_node=True, **options)
    assert set(result["metrics"]) == {"n1", "n2", "n3"} and result["prometheus"] == str(folder / "site.prom")


def test_who_takes_back_what_the_role_wrote_is_told_nothing_of_drift(tmp_path):
    gone = {"n1": {**PLANNED, "mode": None, "namespaces": []}, "n2": PLANS["n4"]}
    assert "json" not in run(containerd_report, {}, plans=gone, dest=str(tmp_path), formats=FORMATS)
    assert not list(tmp_path.iterdir())
