# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to become of a fleet, and what became of it: each distinct plan, reason and warning once."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import plans, reasons

CHANGE = {
    "pending": True,
    "mode": "config_path",
    "msg": "containerd 1.7.24: …",
    "notes": ["mind this"],
    "migrated": ["mirror of own.lan"],
    "config_changes": [
        {"path": ["plugins", "io.containerd.grpc.v1.cri", "x"], "before": "a"},
        {"path": ["version"], "before": 1, "after": 2},
        {"path": ["y"], "after": 2},
    ],
    "written": ["/c/docker.io/hosts.toml", "/c/quay.io/hosts.toml", "/etc/containerd/config.toml"],
    "removed": ["/c/old.lan/hosts.toml"],
}
RIGHT = {"pending": False, "msg": "fine"}
REFUSED = {"msg": "containerd_registry_password: missing or empty\n"}
DONE = {"changed": True, "msg": "done", "mode": "config_path", "restarted": True, "seconds_without_cri": 0.31}


def away(address: str) -> dict:
    return {"unreachable": True, "msg": f"ssh: connect to host {address} port 22: No route to host"}


def fleet(count: int, **others: dict) -> dict:
    """A plan to change w1, w2, …, together with others."""
    results = {**{f"w{number}": CHANGE for number in range(1, count + 1)}, **others}
    return plans.plan(results, check=False, proceed=True)[1]


def test_the_plan_for_all_nodes_is_one_summary():
    results = {"n1": REFUSED, "n2": CHANGE, "n3": RIGHT, "n4": CHANGE, "n5": away("10.0.0.5"), "n6": away("10.0.0.6")}
    shown, found = plans.plan(results, check=False)
    assert shown == [
        "6 nodes: 2 to change, 1 up to date, 1 cannot be changed, 2 could not be reached",
        "",
        "n2, n4: to change",
        "  containerd 1.7.24: …",
        "  carried over: mirror of own.lan",
        '  config.toml: plugins."io.containerd.grpc.v1.cri".x = "a" is removed',
        "  config.toml: version = 1 becomes 2",
        "  config.toml: 1 key added",
        "  writes 2 files in /c",
        "  writes /etc/containerd/config.toml",
        "  removes 1 file in /c",
        "",
        "n3: up to date",
        "  fine",
        "",
        "n1: cannot be changed",
        "  containerd_registry_password: missing or empty",
        "",
        "n5, n6: could not be reached",
        "  ssh: connect to host … port 22: No route to host",
        "",
        "Warnings:",
        "  mind this (n2, n4)",
        "",
        "Nothing was changed. Fix the nodes that cannot be changed, exclude them with --limit, or continue without "
        "them with -e containerd_registry_proceed=true.",
    ]
    assert found["steps"] == [[], [], []] and sorted(found["problems"]) == ["n1", "n5", "n6"]
    assert found["problems"]["n6"].endswith("10.0.0.6 port 22: No route to host"), "each node's own words"


def test_a_node_that_cannot_be_planned_is_left_out_with_proceed_alone():
    results = {"n1": REFUSED, "n2": CHANGE}
    assert plans.plan(results, check=False)[1]["steps"] == [[], [], []]
    assert plans.plan(results, check=False, proceed=True)[1]["steps"] == [["n2"], [], []]
    assert plans.plan(results, check=True, proceed=True)[1]["steps"] == [[], [], []]


@pytest.mark.parametrize("result", [{}, {"failed": True}, {"msg": "x", "changed": False}, {"skipped": True}])
def test_whatever_is_no_plan_stops_the_change(result):
    dummy, found = plans.plan({"n1": result, "n2": CHANGE}, check=False)
    assert found["steps"] == [[], [], []] and list(found["problems"]) == ["n1"]


def test_unreachable_nodes_stop_nobody():
    dummy, found = plans.plan({"n1": away("10.0.0.1"), "n2": CHANGE}, check=False)
    assert found["steps"] == [["n2"], [], []] and list(found["problems"]) == ["n1"]


def test_a_fleet_that_is_right_says_so():
    shown, found = plans.plan({"n1": RIGHT, "n2": RIGHT}, check=False)
    assert shown == [
        "2 nodes: 2 up to date",
        "",
        "n1, n2: up to date",
        "  fine",
        "",
        "Nothing to change.",
    ]
    assert found["problems"] == {} and found["steps"] == [[], [], []]


def test_a_host_with_docker_alone_has_to_be_named():
    results = {"build": {**CHANGE, "bystander": True}, "n2": CHANGE}
    shown, found = plans.plan(results, check=False, named=False)
    assert found["steps"] == [[], [], []] and "runs Docker but no kubelet" in found["problems"]["build"]
    assert "build: cannot be changed" in shown
    assert plans.plan(results, check=False, named=True)[1]["steps"] == [["build"], [], ["n2"]]
    right = {"build": {**RIGHT, "bystander": True}}
    assert not plans.plan(right, check=False, named=False)[1]["problems"], "it was named once, and is right"


@pytest.mark.parametrize(("count", "sizes"), [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 0, 1)), (4, (1, 0, 3)),
                                              (10, (1, 1, 8)), (29, (1, 2, 26)), (300, (1, 30, 269))])  # fmt: skip
def test_one_a_tenth_the_rest(count, sizes):
    assert tuple(map(len, fleet(count, n1=RIGHT)["steps"])) == sizes


def test_a_fleet_of_three_hundred_with_three_problems_fits_on_a_screen():
    results = {f"worker-{number:03d}.lan": CHANGE if number < 200 else RIGHT for number in range(300)}
    results |= {f"worker-{number:03d}.lan": away(f"10.0.1.{number}") for number in range(40, 60)}
    results |= {f"worker-{number:03d}.lan": REFUSED for number in (3, 4, 5, 250)}
    results["worker-100.lan"] = {"msg": "/etc/containerd/config.toml: not valid TOML at line 3"}
    shown, dummy = plans.plan(results, check=False)
    assert len(shown) < 40
    assert "worker-003.lan, worker-004.lan, worker-005.lan, worker-250.lan: cannot be changed" in shown
    assert "worker-[040:059].lan (20 nodes): could not be reached" in shown


def test_many_different_plans_and_reasons_do_not_fill_the_screen():
    results = {f"n{number}": {**CHANGE, "msg": f"plan {number}", "notes": [f"w{number}"]} for number in range(100)}
    results |= {f"m{number}": {"msg": f"reason {number}"} for number in range(100)}
    shown, dummy = plans.plan(results)
    assert len(shown) < 100
    for what in ("to change", "cannot be changed"):
        assert any(
            each.endswith(f" (94 nodes): {what}, not shown in detail here: run with --check --limit=NODE")
            for each in shown
        )
    assert any(each.startswith("  and 94 other warnings") for each in shown)


def test_many_nodes_fail_as_one_and_few_each_for_itself():
    found = plans.plan({f"n{number}": REFUSED for number in range(5)})[1]
    assert found["failing"] == found["problems"] and len(found["problems"]) == 5
    found = plans.plan({f"n{number}": REFUSED for number in range(6)})[1]
    assert found["failing"] == {"n0": "not configured as the variables say: n[0:5] (6 nodes), see the summary above"}


def test_while_all_goes_well_nothing_is_said_before_the_end():
    planned = fleet(4, right=RIGHT)
    shown, after, over = plans.outcome(planned, {"w1": DONE})
    assert not shown and not over and after["steps"] == planned["steps"]
    everyone = {f"w{number}": {**DONE, "seconds_without_cri": number / 10} for number in range(1, 5)}
    shown, after, over = plans.outcome(after, everyone)
    assert over and after["problems"] == {} and after["steps"] == [[], [], []]
    assert shown[0] == "5 nodes: 4 changed, 4 of them restarted (at most 0.4 s without CRI), 1 up to date"
    assert shown[-1].startswith("Next: airgap.containerd.verify")


def test_a_node_that_fails_ends_it_and_names_who_was_not_touched():
    planned = fleet(20, away=away("10.0.0.9"))
    results = {"w1": DONE, "w2": {"failed": True, "msg": "w2 went back"}, "w3": DONE}
    shown, after, over = plans.outcome(planned, results)
    assert over and after["steps"] == [[], [], []] and sorted(after["problems"]) == ["away", "w2"]
    assert shown[0] == (
        "21 nodes: 2 changed, 2 of them restarted (at most 0.31 s without CRI), 17 not touched, 1 failed, "
        "1 could not be reached"
    )
    assert "w[4:20] (17 nodes): not touched because the run stopped" in shown
    assert shown[-1] == "Fix this and run the playbook again. Nodes that are up to date are left as they are."


def test_a_node_that_is_lost_before_its_change_stops_nobody():
    planned = fleet(2)
    shown, after, over = plans.outcome(planned, {"w1": away("10.0.0.1")})
    assert not over and not shown and list(after["problems"]) == ["w1"]
    shown, after, over = plans.outcome(after, {"w1": away("10.0.0.1"), "w2": DONE})
    assert over and list(after["problems"]) == ["w1"]


def test_of_warnings_the_end_shows_those_that_are_new_and_of_restarts_those_that_are_due():
    planned = fleet(2)
    done = {**DONE, "restarted": False, "restart_due": True, "notes": ["mind this", "stays"]}
    shown, dummy, dummy = plans.outcome(planned, {"w1": done, "w2": done})
    assert "w1, w2: containerd needs a restart" in shown
    assert "  stays (w1, w2)" in shown and "  mind this (w1, w2)" not in shown


def test_a_node_that_was_only_verified_was_right():
    shown, dummy, dummy = plans.outcome(fleet(2), {"w1": DONE, "w2": {**DONE, "changed": False, "restarted": False}})
    assert shown[0] == "2 nodes: 1 changed, 1 of them restarted (at most 0.31 s without CRI), 1 up to date"


def test_where_all_is_taken_back_there_is_nothing_to_pull():
    shown, dummy, dummy = plans.outcome(fleet(1), {"w1": {"changed": True, "mode": None}})
    assert shown == ["1 node: 1 changed"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ssh: connect to host 10.77.0.11 port 22", "ssh: connect to host … port 22"),
        ("root@fd00::5: Permission denied (publickey)", "root@…: Permission denied (publickey)"),
        ("connect to host n1 port 22", "connect to host … port 22"),
        ("n11 and n1.lan and x-n1", "n11 and ….lan and x-n1"),
        ('time="2026-11-28T02:10:11.123Z" level=fatal', 'time="…" level=fatal'),
        ("before the run of 2026-11-28T02:21:08Z; CRI after 0.06 s", "before the run of …; CRI after … s"),
        ("containerd 1.7.24: 13 registries", "containerd 1.7.24: 13 registries"),
        ("from http://registry.lan:5000", "from http://registry.lan:5000"),
    ],
)
def test_what_is_a_nodes_own_is_no_reason(text, plain):
    assert reasons.plain("n1", text) == plain


def test_what_is_said_of_releases_is_said_once_for_all_nodes():
    old = {**RIGHT, "support": ["containerd 2.1.9 is out of support"]}
    shown = plans.plan({**{f"w{number}": old for number in range(1, 101)}, "w101": CHANGE}, check=False)[0]
    at = shown.index("Releases:")
    assert shown[at - 1 : at + 2] == ["", "Releases:", "  containerd 2.1.9 is out of support (w[1:100] (100 nodes))"]
    assert not any("Releases" in line for line in plans.plan({"n1": RIGHT, "n2": REFUSED}, check=False)[0])
    many = {f"n{number}": {**RIGHT, "support": [f"{number}"]} for number in range(9)}
    assert plans.plan(many, check=False)[0][-3] == "  and 3 other notices, which --check --limit=NODE shows"


DRIFTED = {**CHANGE, "changes": [{"cause": "hand_edit", "seen": "/x was edited"}, {"cause": "variables", "seen": "y"}]}


def test_a_plan_tells_by_whom_a_node_became_different():
    shown, found = plans.plan({"n1": DRIFTED})
    assert "  because /x was edited" in shown and "  because y" not in shown and not found["failing"]


def test_a_check_fails_on_drift_if_that_is_asked():
    nodes = {"n1": DRIFTED, "n2": RIGHT, "n3": {**CHANGE, "changes": []}}
    found = plans.plan(nodes, fail_on_drift=True)[1]
    text = "not configured as the variables say: /x was edited; y"
    assert found["failing"] == {"n1": text}, "n3 has images to pull, or a record to write"
    assert plans.plan(nodes, fail_on_drift=True, check=False)[1]["failing"] == {}, "a run mends it"
