# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/resolve.yml on real nodes: the answer, its grouping, its exit status, and what it leaves alone."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from airgap_lab import LabError
from support import CONFIG_PATH, LAB_VARIABLES, LAST_1, NEWEST, NODES, OLDEST, RELEASES, executions, files

from ansible_collections.airgap.containerd.plugins.filter import resolve as resolve_filter

CERTS = "/etc/containerd/certs.d"
INFO = "airgap.containerd.containerd_info"
REPORT = "airgap.containerd.containerd_report"
PASSWORD = LAB_VARIABLES["containerd_registry_password"]


def table(play, *arguments, image="busybox:1", **options):
    return play("-e", f"image={image}", *arguments, playbook="playbooks/resolve.yml", **options)


def lines(run):
    (found,) = [each["result"]["lines"] for each in run.results if each["task"] == REPORT]
    return found


def test_the_first_request_is_the_one_that_the_registry_gets(fresh, play):
    play().ok()
    before = {node: files(fresh, node) for node in NODES}
    run = table(play, "-vvvv", image="busybox:1,registry.lan/lab/app:1").ok()
    assert executions(run.output) == dict.fromkeys(NODES, 1)
    assert run.changed() == dict.fromkeys(NODES, 0)
    assert {node: files(fresh, node) for node in NODES} == before
    assert PASSWORD not in run.output and "Basic cm9ib3" not in run.output
    for node in NODES:
        for answer in run.of(node, INFO)["resolved"]:
            first = answer["requests"][0]
            mark = fresh.mark()
            fresh.pull(node, answer["image"])
            entry = next(each for each in fresh.requests(mark) if each["node"] == node)
            made = f"http://{entry['registry']}{entry['path']}"
            assert (entry["method"], made) == (first["method"], first["url"])
    shown = lines(run)
    assert "  on " + "; ".join(f"{node} (containerd {RELEASES[node]})" for node in CONFIG_PATH) in shown
    assert sum(line.startswith("busybox:1 is docker.io/library/busybox:1") for line in shown) == 2, (
        "legacy, config_path"
    )
    assert shown.count("  fallback: none") == 1, "in config_path mode"
    assert "  fallback: the registry itself, registry-1.docker.io" in shown, "in legacy mode"


def test_nodes_that_cannot_say_or_ask(fresh, play):
    old, broken, dead, away = OLDEST, CONFIG_PATH[0], LAST_1, NEWEST
    fresh.write(old, "/etc/containerd/config.toml", 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\nversion = 2\n')
    registry = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    fresh.write(broken, "/etc/containerd/config.toml", registry)
    fresh.write(broken, f"{CERTS}/docker.io/hosts.toml", 'server = "http://registry.lan"\n')
    fresh.write(
        dead, "/etc/containerd/config.toml", registry + 'mirrors."docker.io".endpoint = ["http://registry.lan"]\n'
    )
    run = table(play, "-e", json.dumps({"ansible_port": f"{{{{ 1 if inventory_hostname == '{away}' else 22 }}}}"}))
    assert run.rc == 2
    shown = "\n".join(lines(run))
    assert "ERROR: CRI is not loaded: disabled_plugins disables io.containerd.grpc.v1.cri" in shown
    assert "containerd logs: failed to decode hosts.toml: invalid `host` tree" in shown
    assert "ERROR: CRI is not loaded: mirrors (docker.io) together with config_path" in shown
    assert "note: the running containerd may not use the settings in its files" in shown
    assert re.search(rf"^{away}: no answer: .+", shown, re.M)
    failed = {node: stats["failures"] + stats["unreachable"] for node, stats in run.stats.items()}
    assert {node for node, count in failed.items() if count} == {old, dead, away}


def test_the_variables_alone_need_no_node(lab, play):
    version = f"containerd_registry_version={RELEASES[NEWEST]}"
    arguments = ["-e", "resolve_from=variables", "-e", version, "-e", "ansible_port=1"]
    run = table(play, *arguments, image='{"no": "name"}'.replace(" ", ""), env={"ANSIBLE_LOCALHOST_WARNING": "0"})
    assert run.rc == 2
    run = table(play, *arguments).ok()
    assert f"  on {', '.join(NODES)} (containerd {RELEASES[NEWEST]})" in lines(run)
    assert any("HEAD http://registry.lan/v2/library/busybox/manifests/1?ns=docker.io" in line for line in lines(run))
    assert PASSWORD not in run.output
    nothing = play(playbook="playbooks/resolve.yml")
    assert nothing.rc == 2 and "Give the name of an image" in nothing.failed()


def test_examples_of_the_filter(lab, play, tmp_path):
    tasks = yaml.safe_load(resolve_filter.EXAMPLES)
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": OLDEST, "gather_facts": False, "tasks": tasks}]))
    run = play("-e", "ansible_port=1", playbook=str(playbook)).ok()
    assert len(run.results) == len(tasks) == 2
    first, second = [each["result"]["msg"] for each in run.results]
    assert first["requests"][0]["url"].startswith("http://registry.lan/v2/library/busybox/")
    assert second["last"] == "none"


def test_a_file_that_ends_containerd(fresh):
    text = '[host]\n"http://a.lan" = 1\n"http://b.lan" = 2\n'
    config = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    for node, ends in ((LAST_1, True), (NEWEST, False)):
        fresh.write(node, "/etc/containerd/config.toml", config)
        fresh.run(node, ["systemctl", "restart", "containerd"])
        fresh.write(node, f"{CERTS}/quay.io/hosts.toml", text)
        version = fresh.config.nodes[node].containerd
        answer = resolve_filter.FilterModule().filters()["resolve"](
            "quay.io/a/b", version, config=config, hosts={"quay.io/hosts.toml": text}
        )
        assert ("containerd crashes" in (answer["error"] or "")) == ends
        with pytest.raises(LabError, match="UNAVAILABLE" if ends else "failed to resolve"):
            fresh.pull(node, "quay.io/a/b")
