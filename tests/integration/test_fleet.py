# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for all nodes comes first, then one node, a tenth, the rest; whatever is wrong is said once and for all."""

from __future__ import annotations

import base64
import json
import time

import ansible_runner
import pytest
import yaml
from support import CONFIG, ENDS, NEWEST, NODES, ROLE, ROOT, SITE, executions, files, pid

PLAYBOOK = SITE

AWAY = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": ""}
BASE64 = base64.b64encode(b"robot$puller:S3cret+/p$ss").decode()
REPORT = "airgap.containerd.containerd_report"


@pytest.fixture
def inventory(tmp_path):
    """An inventory with hosts, or variables of hosts, in addition to those of the lab."""

    def write(**hosts: dict) -> tuple[str, ...]:
        file = tmp_path / "0-more.yml"
        file.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        return (str(file),)

    return write


def lines(run) -> list[str]:
    """All that the summaries of a run show."""
    return [line for each in run.results if each["task"] == REPORT for line in each["result"].get("lines", [])]


def state(lab) -> dict[str, object]:
    return {node: (pid(lab, node), files(lab, node)) for node in NODES}


def test_a_first_run_and_a_fleet_that_is_right(fresh, play):
    first = play("-vvvv").ok()
    assert set(executions(first.output).values()) == {3}, "the plan, and a change with another look at the node"
    assert lines(first)[0] == "4 nodes: 4 to change"
    (end,) = [line for line in lines(first) if "changed" in line]
    assert end.startswith("4 nodes: 4 changed, 4 of them restarted (at most ")
    for step in ("Change one node first: n1]", "Change a tenth of the nodes: none]", "Change the rest: n2, n3, n4]"):
        assert step in first.output
    assert first.changed() == dict.fromkeys(NODES, 1)
    before = state(fresh)
    second = play("-vvvv").ok()
    assert executions(second.output) == dict.fromkeys(NODES, 1)
    assert lines(second)[0] == "4 nodes: 4 up to date" and lines(second)[-1] == "Nothing to change."
    assert second.changed() == dict.fromkeys(NODES, 0) and state(fresh) == before


@pytest.mark.nodes(*NODES[:3])
def test_a_broken_node_stops_the_others_before_the_first_change_but_with_proceed(fresh, play):
    fresh.write("n2", CONFIG, "version = 2\n[broken\n")
    before = state(fresh)
    run = play()
    assert run.rc == 2 and state(fresh) == before
    assert lines(run)[0] == "3 nodes: 2 to change, 1 cannot be changed"
    assert {node: each["failures"] for node, each in run.stats.items()} == {"n1": 0, "n2": 1, "n3": 0}
    run = play(proceed=True)
    assert run.rc == 2 and run.changed() == {"n1": 1, "n2": 0, "n3": 1}
    assert state(fresh)["n2"] == before["n2"]
    assert "2 changed, 2 of them restarted" in str(lines(run)) and "n2: cannot be changed" in lines(run)


@pytest.mark.nodes(*NODES[:3])
def test_nodes_that_cannot_be_reached_stop_nobody(fresh, play, inventory):
    limit = f"--limit=a0,{play.limit}"
    run = play(limit, inventory=inventory(a0=AWAY, n2=AWAY))
    assert run.rc == 2 and run.changed() == {"a0": 0, "n1": 1, "n2": 0, "n3": 1}
    assert lines(run)[0] == "4 nodes: 2 to change, 2 could not be reached"
    assert lines(run).count("a0, n2: could not be reached") == 2, "in the plan and at the end"
    assert [host for host, each in sorted(run.stats.items()) if each["failures"]] == ["a0", "n2"]
    run = play(limit, inventory=inventory(a0=AWAY, n2=AWAY))
    assert run.rc == 2 and not any(run.changed().values()), "the others are right, and it is no success"
    assert play(limit, "--check", inventory=inventory(a0=AWAY)).rc == 2


def test_a_node_that_is_not_what_was_planned_is_left_alone(fresh, play, inventory):
    waits = "while [ ! -e /root/go ]; do sleep 0.1; done; systemctl restart containerd"
    more = inventory(n1={"containerd_registry_restart_command": ["/bin/sh", "-c", waits]})
    run = play.start("-i", more[0], restart_timeout=300, serial=1)
    try:
        while "registry.lan" not in fresh.read("n1", CONFIG) and run.poll() is None:
            time.sleep(0.2)
        registry = '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/old.d"\n'
        fresh.write("n2", CONFIG, fresh.read("n2", CONFIG) + registry)
        before = files(fresh, "n2")
        fresh.run("n1", ["touch", "/root/go"])
        output, dummy = run.communicate(timeout=300)
    finally:
        run.kill()
    assert run.returncode == 2 and "this node was modified after its change was planned" in output
    assert files(fresh, "n2") == before
    assert "4 nodes: 1 changed, 1 of them restarted" in output and "2 not touched, 1 failed" in output
    assert "n3, n4: not touched because the run stopped" in output


def test_a_restart_that_fails_in_the_second_step_stops_the_rest(fresh, play, inventory):
    before = state(fresh)
    fails = ["/bin/sh", "-c", "echo no restart today >&2; exit 3"]
    run = play(inventory=inventory(n2={"containerd_registry_restart_command": fails}), serial=1)
    assert run.rc == 2 and run.changed()["n1"] == 1
    shown = lines(run)
    assert any(line.startswith("4 nodes: 1 changed, 1 of them restarted") for line in shown)
    assert "n2: failed" in shown and "n3, n4: not touched because the run stopped" in shown
    assert "no restart today" in str(shown) and "were restored" in str(shown)
    after = state(fresh)
    assert after["n2"][1] == before["n2"][1] and all(after[node] == before[node] for node in ("n3", "n4"))


@pytest.mark.nodes("n2", "n3")
def test_a_host_that_runs_docker_alone_has_to_be_named(fresh, play):
    fresh.run("n3", ["sh", "-c", "mv /var/lib/kubelet /root/ 2>/dev/null; : >/run/docker.sock"])
    before = state(fresh)
    run = play()
    assert run.rc == 2 and state(fresh) == before and "n3: cannot be changed" in lines(run)
    assert "runs Docker but no kubelet" in str(lines(run))
    assert play(nodes="n3").ok().changed() == {"n3": 1}
    play(proceed=True).ok()
    fresh.run("n3", ["rm", "-f", "/run/docker.sock"])


@pytest.mark.nodes("n2", "n3")
def test_the_strategy_of_ansible_cfg_makes_no_difference(fresh, play):
    run = play("--forks=1", env={"ANSIBLE_STRATEGY": "free"}).ok()
    assert run.changed() == {"n2": 1, "n3": 1} and lines(run)[0] == "2 nodes: 2 to change"


@pytest.mark.nodes(NEWEST)
def test_by_import_with_tags_and_without_the_configuration_of_the_clone(fresh, play, tmp_path):
    site = tmp_path / "site.yml"
    site.write_text(json.dumps([{"ansible.builtin.import_playbook": "airgap.containerd.site", "tags": ["registry"]}]))
    (tmp_path / "ansible.cfg").touch()
    quiet = {"ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    assert not any(play("--tags=none", playbook=str(site), env=quiet).ok().changed().values())
    run = play("--tags=registry", playbook=str(site), env=quiet).ok()
    assert run.changed() == {NEWEST: 1}
    assert "skipping: [" not in run.output
    right = play("--tags=registry", playbook=str(site), env=quiet).ok()
    assert right.output.count("ok: [") == 1 + 3, "a line for the node, and three for the summary"


@pytest.mark.nodes(NEWEST)
def test_uninstall_and_rollback_plan_and_sum_up_alike(fresh, play):
    before = fresh.read(NEWEST, CONFIG)
    for playbook in ("rollback", "uninstall"):
        play(playbook=ROLE).ok()
        check = play("--check", playbook=f"playbooks/{playbook}.yml").ok()
        assert lines(check)[0] == "1 node: 1 to change"
        run = play(playbook=f"playbooks/{playbook}.yml").ok()
        assert any(line.startswith("1 node: 1 changed") for line in lines(run))
        assert fresh.read(NEWEST, CONFIG) == before
        assert not any(play(playbook=f"playbooks/{playbook}.yml").ok().changed().values())


@pytest.mark.nodes(NEWEST)
def test_the_results_of_all_nodes_stay_registered(fresh, play, tmp_path):
    playbook = tmp_path / "mine.yml"
    told = {
        "ansible.builtin.debug": {
            "msg": "{{ containerd_registry_plan.pending }} {{ containerd_registry_result.restarted }}"
        }
    }
    playbook.write_text(json.dumps([
        {"ansible.builtin.import_playbook": "airgap.containerd.site"},
        {"hosts": "all", "gather_facts": False, "tasks": [told]},
    ]))  # fmt: skip
    run = play(playbook=str(playbook)).ok()
    assert run.of(NEWEST, "ansible.builtin.debug")["msg"] == "True True"


@pytest.mark.nodes(*ENDS)
def test_the_runner_of_awx_gets_every_event_and_no_secret(fresh, tmp_path):
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_NOCOLOR": "1"}
    settings = {"inventory": str(ROOT / "inventories" / "lab"), "envvars": variables, "quiet": True}
    playbook = str(ROOT / "playbooks" / "site.yml")
    settings |= {"private_data_dir": str(tmp_path), "playbook": playbook}
    good = ansible_runner.run(ident="good", cmdline=f"--limit={','.join(ENDS)}", **settings)
    assert good.status == "successful" and set(good.stats["changed"]) == set(ENDS) and not good.stats["failures"]
    told = [(each["event_data"].get("task"), each["event_data"].get("host")) for each in good.events]
    for task in ("Plan without changing anything", "Change the node"):
        assert {host for name, host in told if name == task and host} == set(ENDS), task
    (shown,) = [
        each["event_data"]["res"]["lines"] for each in good.host_events("n1") if each["event"] == "runner_on_ok"
        and each["event_data"]["task"] == "Show the plan"
    ]  # fmt: skip
    assert shown[0] == "2 nodes: 2 to change"
    away = "--limit=n1 -e ansible_port=1 -e ansible_host=127.0.0.1 -e ansible_ssh_common_args="
    bad = ansible_runner.run(ident="bad", cmdline=away, **settings)
    assert bad.status == "failed" and bad.stats["failures"] == {"n1": 1}
    for path in (tmp_path / "artifacts").rglob("*"):
        text = path.read_text(errors="replace") if path.is_file() else ""
        assert "S3cret" not in text and BASE64 not in text, path
