# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed, refused or wrong."""

from __future__ import annotations

import json

import pytest
from support import BOTH_LINES, ENDS, LAST_1, NEWEST, OLDEST, RELEASES, SITE, assert_served, files, pid

CONFIG = "/etc/containerd/config.toml"
RECORD = "/var/lib/airgap-containerd/record.json"
NOWHERE = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": ""}
KILL_THE_RUN = ["/bin/sh", "-c", "kill -9 $PPID"]


@pytest.mark.nodes(*ENDS)
def test_a_run_killed_before_the_restart_is_completed_by_the_next(fresh, play):
    for node in ENDS:
        before = pid(fresh, node)
        assert play(f"--limit={node}", restart_command=KILL_THE_RUN).rc != 0
        assert pid(fresh, node) == before and "registry.lan" in fresh.read(node, RECORD)
    run = play().ok()
    assert all(run.of(node)["restarted"] for node in ENDS)
    for node in ENDS:
        assert_served(fresh, node, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")
    assert play().ok().changed() == dict.fromkeys(ENDS, 0)


@pytest.mark.nodes(*ENDS)
def test_a_restart_that_was_put_off_is_not_forgotten(fresh, play):
    put_off = play(restart=False).ok()
    assert all(put_off.of(node)["restart_due"] and not put_off.of(node)["restarted"] for node in ENDS)
    assert play(restart=False).ok().changed() == dict.fromkeys(ENDS, 0)
    done = play().ok()
    assert all(done.of(node)["restarted"] for node in ENDS)


@pytest.mark.nodes("n3")
def test_a_restart_that_fails_puts_the_files_back(fresh, play):
    before = files(fresh, "n3")
    run = play(restart_command=["/bin/sh", "-c", "echo no restart today >&2; exit 3"])
    assert run.rc != 0 and "no restart today" in run.failed() and "were restored" in run.failed()
    assert files(fresh, "n3") == before


@pytest.mark.nodes("n3")
def test_a_restart_that_would_kill_pods_is_refused(fresh, play):
    fresh.write("n3", "/etc/systemd/system/containerd.service.d/kill.conf", "[Service]\nKillMode=mixed\n")
    fresh.run("n3", ["systemctl", "daemon-reload"])
    before = files(fresh, "n3")
    run = play()
    assert run.rc != 0 and "KillMode=mixed" in run.failed() and "containerd_registry_restart_force" in run.failed()
    assert files(fresh, "n3") == before
    assert play(restart_force=True).ok().of("n3")["restarted"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"url": "registry.lan"}, "containerd_registry_url: 'registry.lan' does not begin with http"),
        ({"url": "http://u:p@registry.lan"}, "set them as containerd_registry_username"),
        ({"password": ""}, "containerd_registry_password: missing or empty"),
        (
            {"upstreams": ["https://quay.io"]},
            "containerd_registry_upstreams: 'https://quay.io' is not a registry name",
        ),
        ({"extra_upstreams": ["../etc"]}, "containerd_registry_extra_upstreams: '../etc' is not a registry name"),
        ({"projects": {"docker.io": "Docker Hub"}}, "containerd_registry_projects[docker.io]: 'Docker Hub'"),
        (
            {"hosts_template": "nowhere.j2"},
            "containerd_registry_hosts_template: 'nowhere.j2' cannot be read on the control node",
        ),
        ({"hosts_dir": "/a:/b"}, "containerd_registry_hosts_dir: '/a:/b' is more than one directory"),
        ({"direct": ["registry.lan"]}, "containerd_registry_direct: 'registry.lan' is also mirrored"),
    ],
)
def test_bad_input_stops_before_any_node_is_touched(lab, play, variables, message):
    run = play(**variables)
    assert run.rc != 0 and message in run.failed(), run.output
    assert not any(each["result"].get("version") for each in run.results)


def test_one_bad_host_stops_all_before_any_change(fresh, play, tmp_path):
    more = tmp_path / "more.yml"
    more.write_text("all: {hosts: {n4: {containerd_registry_url: registry.lan}}}\n")
    before = files(fresh, "n1")
    run = play(playbook=SITE, inventory=(str(more),))
    assert run.rc != 0 and "'registry.lan' does not begin with http" in run.failed()
    assert files(fresh, "n1") == before


@pytest.mark.nodes("n1")
def test_a_registry_that_is_not_there(fresh, play):
    before = files(fresh, "n1")
    run = play(url="http://10.77.0.5:81")
    assert run.rc != 0 and "cannot connect to 10.77.0.5:81: Connection refused" in run.failed()
    assert files(fresh, "n1") == before


@pytest.mark.nodes("n3")
def test_a_hand_edited_file_is_replaced_and_kept(fresh, play):
    play().ok()
    edited = "# by hand\n"
    fresh.write("n3", "/etc/containerd/certs.d/quay.io/hosts.toml", edited)
    run = play().ok()
    assert "edited by hand" in run.output and run.changed() == {"n3": 1}
    kept = fresh.run("n3", ["sh", "-c", "cat /var/lib/airgap-containerd/quay.io-hosts.toml.*"]).stdout
    assert kept == edited


@pytest.mark.nodes("n3")
def test_another_hosts_dir_leaves_nothing_in_the_old_one(fresh, play):
    play().ok()
    play(hosts_dir="/etc/containerd/other.d").ok()
    assert fresh.run("n3", ["ls", "/etc/containerd/certs.d"]).stdout == ""
    assert_served(fresh, "n3", "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")
    assert play(hosts_dir="/etc/containerd/other.d").ok().changed() == {"n3": 0}


@pytest.mark.nodes(OLDEST)
def test_explicit_wishes_that_one_node_cannot_keep(fresh, play):
    run = play(fallback="none")
    assert run.rc != 0 and "Remove containerd_registry_fallback from this node's variables" in run.failed()


@pytest.mark.nodes("n3")
def test_before_containerd_is_installed(fresh, play):
    fresh.run("n3", ["systemctl", "stop", "containerd"])
    fresh.run("n3", ["mv", "/usr/bin/containerd", "/var/tmp/"])
    refused = play()
    assert refused.rc != 0 and "install it first, or set containerd_registry_version" in refused.failed()
    prepared = play(version=str(RELEASES["n3"])).ok()
    assert prepared.changed() == {"n3": 1} and not prepared.of("n3")["restarted"]
    fresh.run("n3", ["mv", "/var/tmp/containerd", "/usr/bin/"])
    fresh.run("n3", ["systemctl", "start", "containerd"])
    assert play().ok().changed() == {"n3": 0}
    assert_served(fresh, "n3", "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")


@pytest.mark.nodes(*BOTH_LINES)
def test_an_import_that_takes_the_settings_away_is_named(fresh, play):
    """Up to 1.7 an imported file replaces whole plugin tables (the NVIDIA toolkit's does); later releases merge."""
    imports = 'imports = ["/etc/containerd/conf.d/*.toml"]\n'
    drop_in = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nmax_concurrent_downloads = 4\n'
    for node in BOTH_LINES:
        fresh.write(node, CONFIG, imports + fresh.read(node, CONFIG))
    play().ok()
    for node in BOTH_LINES:
        fresh.write(node, "/etc/containerd/conf.d/99-nvidia.toml", drop_in)
    run = play()
    assert run.rc != 0 and "config_path is '' instead of" in run.failed() and "99-nvidia.toml" in run.failed()
    assert play(f"--limit={NEWEST}").ok()
    fresh.reset(LAST_1)
    fresh.write(LAST_1, CONFIG, imports + fresh.read(LAST_1, CONFIG))
    fresh.write(LAST_1, "/etc/containerd/conf.d/99-nvidia.toml", drop_in)
    before = files(fresh, LAST_1)
    run = play(f"--limit={LAST_1}")
    assert run.rc != 0 and "99-nvidia.toml" in run.failed() and files(fresh, LAST_1) == before


@pytest.mark.parametrize(
    ("name", "flags"),
    [("site", ()), ("site", ("-vvvv",)), ("verify", ()), ("resolve", ("-vvvv",)), ("rollback", ()), ("uninstall", ())],
)
def test_a_node_that_cannot_be_reached_says_why(lab, play, tmp_path, name, flags):
    run = play(
        "--limit=n3", "-e", json.dumps({**NOWHERE, "image": "busybox"}), *flags,
        playbook=f"playbooks/{name}.yml", report_dir=str(tmp_path),
    )  # fmt: skip
    assert run.rc != 0 and "port 1: Connection refused" in run.failed(), run.output
    assert "censored" not in run.failed()
