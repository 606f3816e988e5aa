# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules by themselves, without the role."""

from __future__ import annotations

import json

import pytest
from support import CONFIG_PATH, ENDS, LEGACY, NEWEST, NODES, RELEASES, pid

CONFIG = "/etc/containerd/config.toml"


def test_info(fresh, play, task):
    play().ok()
    run, result = task("containerd_info", query="registry.config_path")
    run.ok()
    versions = {node: result(node)["containerd"]["version"] for node in NODES}
    assert versions == {node.name: node.containerd for node in fresh.config.nodes.values()}
    assert {result(node)["query_result"] for node in LEGACY} == {""}
    assert {result(node)["query_result"] for node in CONFIG_PATH} == {"/etc/containerd/certs.d"}
    for node in NODES:
        info = result(node)["containerd"]
        assert info["cri"] == {"loaded": True, "reason": None} and info["restart_due"] is None
        assert info["registry"]["set_by"] == [CONFIG]
    assert set(result(NEWEST)["containerd"]["namespaces"]) >= {"docker.io", "_default", "registry.lan"}
    assert "S3cret" not in run.output + json.dumps(run.results)
    assert run.changed() == dict.fromkeys(NODES, 0)


def test_info_of_a_node_whose_cri_is_dead(fresh, task):
    both = (
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/x"\n'
        '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."a.lan"]\nendpoint = ["http://b.lan"]\n'
    )
    for node in CONFIG_PATH:
        fresh.write(node, CONFIG, both)
        fresh.run(node, ["systemctl", "restart", "containerd"])
    run, result = task("containerd_info", f"--limit={','.join(CONFIG_PATH)}")
    for node in CONFIG_PATH:
        info = result(node)["containerd"]
        assert info["service"]["active"] and not info["cri"]["loaded"] and "not loaded" in info["cri"]["reason"]


def test_a_broken_query(lab, task):
    run, dummy = task("containerd_info", "--limit=n1", query="a[")
    assert run.rc != 0 and "query: 'a[' is not JMESPath" in run.failed()


@pytest.mark.nodes(*ENDS)
def test_config_merges_checks_and_is_idempotent(fresh, task):
    merge = {"plugins": {"cri_images": {"max_concurrent_downloads": 5}}}
    before = {node: fresh.read(node, CONFIG) for node in ENDS}
    checked, result = task("containerd_config", "--check", "--diff", merge=merge)
    assert checked.ok().changed() == dict.fromkeys(ENDS, 1)
    assert {node: fresh.read(node, CONFIG) for node in ENDS} == before
    run, result = task("containerd_config", merge=merge, backup=True)
    assert run.ok().changed() == dict.fromkeys(ENDS, 1)
    for node in ENDS:
        after = fresh.read(node, CONFIG)
        assert (
            after.replace("      max_concurrent_downloads = 5\n", "").replace("    max_concurrent_downloads = 5\n", "")
            == before[node]
        ), after
        assert fresh.read(node, result(node)["backup_file"]) == before[node]
        assert result(node)["changes"][0]["after"] == 5
        dump = fresh.run(node, ["containerd", "config", "dump"]).stdout
        assert "max_concurrent_downloads = 5" in dump
    run, dummy = task("containerd_config", merge=merge)
    assert run.ok().changed() == dict.fromkeys(ENDS, 0)
    run, dummy = task("containerd_config", remove=[["plugins", "cri_images", "max_concurrent_downloads"]])
    run.ok()
    assert {node: fresh.read(node, CONFIG) for node in ENDS} == before


def test_config_creates_the_file_with_the_right_version(fresh, task):
    for node in NODES:
        fresh.run(node, ["rm", CONFIG])
    run, result = task("containerd_config", merge={"plugins": {"cri_images": {"max_concurrent_downloads": 5}}})
    versions = {node: run.ok() and result(node)["config_version"] for node in NODES}
    assert versions == {node: RELEASES[node].new_file for node in NODES}


@pytest.mark.nodes("n3")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"merge": {"plugins": {"cri_images": {"max_concurrent_downloads": "five"}}}}, "does not accept"),
        ({"merge": {"oom_score": {"a": 1}, "version": None}}, "version"),
        ({"remove": [["plugins", 5]]}, "remove: each entry is a key path"),
    ],
)
def test_config_refuses(fresh, task, options, message):
    before = fresh.read("n3", CONFIG)
    run, dummy = task("containerd_config", **options)
    assert run.rc != 0 and message in run.failed(), run.output
    assert fresh.read("n3", CONFIG) == before


def test_hosts_refuses_what_containerd_would_ignore(lab, task):
    for namespaces, message in (
        ({"quay.io": {"server": {"url": "http://r.lan", "skip_verify": True}}}, "skip_verify on an http:// endpoint"),
        ({"quay.io": {"hosts": [{"url": "r.lan"}]}}, "write it as http"),
        ({"quay.io": {"hosts": [{"capabilities": ["pull"]}]}}, "namespaces[quay.io]"),
        ({"../x": {}}, "namespaces: '../x' is not a registry name"),
        ({"quay.io": {"mirrors": []}}, "give `server`"),
    ):
        run, dummy = task("containerd_hosts", "--limit=n3", namespaces=namespaces)
        assert run.rc != 0 and message in run.failed(), run.output


@pytest.mark.nodes("n3")
def test_hosts_writes_prunes_and_leaves_the_role_alone(fresh, play, task):
    play().ok()
    own = {"own.lan": {"server": {"url": "http://registry.lan:5000", "capabilities": ["pull", "resolve"]}}}
    run, result = task("containerd_hosts", namespaces=own)
    assert run.ok().changed() == {"n3": 1}
    run, result = task("containerd_hosts", namespaces=own)
    assert run.ok().changed() == {"n3": 0}
    pair = {"url": "https://registry.lan:8443", "client": [["/etc/ssl/c.crt", "/etc/ssl/c.key"], "/etc/ssl/x.pem"]}
    run, result = task("containerd_hosts", namespaces={"own.lan": {"hosts": [pair]}})
    written = fresh.read("n3", "/etc/containerd/certs.d/own.lan/hosts.toml")
    assert 'client = [["/etc/ssl/c.crt", "/etc/ssl/c.key"], ["/etc/ssl/x.pem", "/etc/ssl/x.pem"]]' in written, (
        run.output
    )
    run, result = task("containerd_hosts", namespaces=own, hosts_dir="/opt/ct/certs.d")
    assert result("n3")["removed"] == [] and result("n3")["written"] == ["/opt/ct/certs.d/own.lan/hosts.toml"]
    assert fresh.read("n3", "/etc/containerd/certs.d/own.lan/hosts.toml") == written
    run, result = task("containerd_hosts", namespaces={}, hosts_dir="/opt/ct/certs.d/")
    assert result("n3")["removed"] == ["/opt/ct/certs.d/own.lan/hosts.toml"]
    run, result = task("containerd_hosts", namespaces={})
    assert result("n3")["removed"] == ["/etc/containerd/certs.d/own.lan/hosts.toml"]
    assert play().ok().changed() == {"n3": 0}


@pytest.mark.nodes(*ENDS)
def test_restart(fresh, task):
    before = {node: pid(fresh, node) for node in ENDS}
    run, result = task("containerd_restart")
    assert run.ok().changed() == dict.fromkeys(ENDS, 1)
    for node in ENDS:
        assert pid(fresh, node) != before[node] and result(node)["seconds"] < 30


@pytest.mark.nodes("n3")
def test_restart_restores(fresh, task):
    good = fresh.read("n3", CONFIG)
    fresh.write("n3", "/var/tmp/good.toml", good)
    fresh.write("n3", CONFIG, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    restore = [{"path": CONFIG, "backup": "/var/tmp/good.toml"}]
    run, dummy = task("containerd_restart", restore=restore)
    assert run.rc != 0 and "runs without CRI. It was not restarted, and the previous files" in run.failed()
    assert fresh.read("n3", CONFIG) == good
