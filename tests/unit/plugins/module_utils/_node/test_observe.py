# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How containerd is called to print what it reads from a file."""

import json

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import commands, effective, observe, service
from ansible_collections.airgap.containerd.plugins.module_utils._node.start import Start
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective

RELEASES = [
    ("containerd github.com/containerd/containerd 1.4.13~ds1 1.4.13~ds1-1~deb11u4", ["dump"]),
    ("containerd containerd.io 1.7.24 88bf19b2105c8b17560993bee28a01ddc2f97182", ["dump"]),
    ("containerd github.com/containerd/containerd v1.6.20 2806fc1057397dbaeefbea0e4e17bddfbd388f38", ["dump"]),
    ("containerd github.com/containerd/containerd/v2 v2.1.9 1.7", ["migrate"]),
    ("containerd github.com/containerd/containerd/v2 2.0.5 fb4c30d4ede3531652d86197bf3fc9515e5276d9", ["migrate"]),
    ("what a vendor prints", ["migrate", "dump"]),
]


@pytest.mark.parametrize(("version", "expected"), RELEASES)
def test_containerd_is_asked_only_what_it_may_know(monkeypatch, tmp_path, version, expected):
    asked = []

    def run(argv, timeout=60):
        asked.append(argv[-1])
        known = argv[-1] == "dump" or "v2" in version
        return (0, "version = 2\n", "") if known else (3, "", "No help topic for 'migrate'")

    monkeypatch.setattr(commands, "run", run)
    config = tmp_path / "config.toml"
    config.write_text("")
    assert effective.dump("containerd", str(config), version) == ({"version": 2}, None)
    assert asked == expected


@pytest.mark.parametrize(("version", "address"), [(2, "/run/c.sock"), (3, "/run/c.sock"), (4, "/run/moved.sock")])
def test_the_socket_is_where_this_version_of_the_configuration_has_it(monkeypatch, version, address):
    dump = f"version = {version}\n[grpc]\naddress = '/run/c.sock'\n[plugins.'io.containerd.server.v1.grpc']\n"
    monkeypatch.setattr(commands, "run", lambda argv, timeout=60: (0, dump + "address = '/run/moved.sock'\n", ""))
    assert effective.effective("containerd", None, "").address == address


def test_tables_of_a_plugin_that_is_disabled_may_be_anything(monkeypatch):
    name = "plugins.'io.containerd.grpc.v1.cri'"
    for table in ("registry = 1", "registry.mirrors = ['x']\n", "registry.configs = {a = 1}", "pinned_images = 'x'"):
        dump = f"disabled_plugins = ['io.containerd.grpc.v1.cri']\n[{name}]\n{table}\n"
        monkeypatch.setattr(commands, "run", lambda argv, timeout=60, dump=dump: (0, dump, ""))
        assert effective.effective("containerd", None, "").mirrors == {}


def test_a_command_runs_where_a_unit_does(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert commands.run(["pwd"])[1] == "/\n"


def test_where_nobody_can_tell_the_file_an_earlier_run_knew_it(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "run", lambda argv, timeout=60: (0, "containerd x v1.7.24\n", ""))
    monkeypatch.setattr(effective, "effective", lambda binary, path, version: Effective())
    monkeypatch.setattr(places, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(service, "how_started", lambda *asked: Start(None, None, None, False, None, "/opt/start"))
    asked = {"service": "x", "socket": str(tmp_path / "socket"), "hosts_dir": str(tmp_path / "hosts")}
    found = observe.observe(asked)
    assert (found["config"].path, found["started_with"]["unknown"]) == (places.DEFAULT_CONFIG, "/opt/start")
    (tmp_path / "record.json").write_text(json.dumps({"config_file": str(tmp_path / "own.toml")}))
    found = observe.observe(asked)
    assert (found["config"].path, found["started_with"]["unknown"]) == (str(tmp_path / "own.toml"), None)


def test_a_file_where_hosts_dir_has_to_be(tmp_path):
    hosts_dir = tmp_path / "certs.d"
    assert observe._blocked_by(f"{hosts_dir}/more") is None
    hosts_dir.touch()
    assert observe._blocked_by(f"{hosts_dir}/more") == observe._blocked_by(str(hosts_dir)) == str(hosts_dir)


@pytest.mark.parametrize("config_path", ["etc/nowhere/certs.d", "/etc/nowhere//certs.d/", "/etc/nowhere/certs.d:/x"])
def test_the_directory_of_a_config_path_is_absolute_and_normalised(monkeypatch, tmp_path, config_path):
    monkeypatch.setattr(commands, "run", lambda argv, timeout=60: (0, "containerd x v1.7.24\n", ""))
    monkeypatch.setattr(effective, "effective", lambda binary, path, version: Effective(config_path=config_path))
    monkeypatch.setattr(places, "STATE_DIR", str(tmp_path))
    asked = {"service": "x", "config_file": str(tmp_path / "config.toml"), "socket": str(tmp_path / "socket")}
    assert observe.observe(asked)["hosts_dir"] == "/etc/nowhere/certs.d"


@pytest.mark.parametrize(
    ("version", "below", "by_challenge"),
    [
        ("containerd github.com/containerd/containerd 1.4.13~ds1 x", [1, 5, 0], True),
        ("containerd github.com/containerd/containerd/v2 v2.1.9 x", [1, 5, 0], False),
        ("containerd github.com/containerd/containerd/v2 v2.1.9 x", [99], True),
        ("containerd github.com/containerd/containerd 1.4.13 x", [], False),
        (None, [1, 5, 0], False),
        (None, [99], True),
    ],
)
def test_what_is_asked_of_an_endpoint_depends_on_the_release_and_is_remembered(
    monkeypatch, version, below, by_challenge
):
    asked = []
    monkeypatch.setattr(observe, "_ask", lambda questions: asked.extend(questions) or questions)
    question = {"url": "http://r/v2/", "digest": "d", "challenge_below": below}
    (answer,) = observe._answers([question], {}, version)
    assert answer["by_challenge"] == by_challenge
    assert observe._answers([question], {answer["digest"]: answer}, version) == [answer] and len(asked) == 1
    other = {"url": "http://r/v2/", "digest": "d" if by_challenge else "d+challenge"}
    assert observe._answers([question], {"http://r/v2/": other}, version) != [other]


@pytest.mark.parametrize("place", ["run", "state", "etc"])
def test_what_a_killed_run_left_is_noticed(monkeypatch, tmp_path, place):
    for name in ("run", "state", "etc"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(places, "SCRATCH", str(tmp_path / "run"))
    monkeypatch.setattr(places, "STATE_DIR", str(tmp_path / "state"))
    asked = str(tmp_path / "etc" / "config.toml"), str(tmp_path / "etc" / "certs.d"), None, False
    assert not observe._runs(*asked)["interrupted"] and not observe._runs(*asked)["open_damaged"]
    (tmp_path / place / ".airgap-x").mkdir()
    assert observe._runs(*asked)["interrupted"]
    (tmp_path / "state" / "open.json").write_text("[1]")
    found = observe._runs(*asked)
    assert found["open_damaged"] and found["record"] == {"damaged": True}
