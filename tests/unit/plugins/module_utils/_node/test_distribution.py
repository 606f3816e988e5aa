# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which distribution the node's containerd belongs to."""

import os

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import distribution, service, start
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

LOADED = [("LoadState", "loaded")]


@pytest.fixture
def node(tmp_path, monkeypatch):
    """A node with these units, sockets that answer, and configurations."""

    def make(units=(), sockets=(), written=()):
        monkeypatch.setattr(service, "show", lambda name: LOADED if name in units else [])
        monkeypatch.setattr(service, "daemon", lambda path: path in sockets)
        known = []
        for name in ("k3s", "rke2"):
            config = tmp_path / name
            if name in written:
                config.write_text("")
            known.append(
                {
                    "name": name,
                    "services": [name + "-server", name + "-agent"],
                    "config_file": str(config),
                    "binary": "/b",
                    "socket": "/s",
                    "registries": str(tmp_path / "registries.yaml"),
                }
            )
        return {"service": "containerd", "distributions": known, "distribution": "auto"}

    return make


@pytest.mark.parametrize(
    ("units", "sockets", "written", "found"),
    [
        ([], [], [], None),
        (["containerd"], [], [], None),
        (["k3s-agent"], [], ["k3s"], "k3s"),
        ([], ["/s"], ["rke2"], "rke2"),
        ([], [], ["k3s"], None),
        (["k3s-server"], ["/s"], [], None),
        (["containerd", "k3s-server"], [], ["k3s"], r"\(k3s, a service of its own\): .* to k3s or none"),
        (["k3s-server"], ["/s", places.DEFAULT_SOCKET], ["k3s"], r"\(k3s, a service of its own\)"),
        ([], ["/s"], ["k3s", "rke2"], r"\(k3s, rke2\): set distribution to k3s or rke2"),
    ],
)
def test_by_what_is_there(node, units, sockets, written, found):
    request = node(units, sockets, written)
    if found and " " in found:
        with pytest.raises(wire.Failure, match=found):
            distribution.find(request)
    else:
        assert (distribution.find(request) or {}).get("name") == found


def test_one_that_leaves_its_containerd_to_others_is_known_by_its_mark(node, tmp_path):
    request = node(["containerd", "k3s-agent"], [places.DEFAULT_SOCKET])
    kind = {"name": "kind", "services": ["containerd"], "mark": str(tmp_path / "version")}
    kind.update(config_file="/c", binary="/b", socket=places.DEFAULT_SOCKET, registries="")
    request["distributions"].append(kind)
    assert distribution.find(request) is None
    (tmp_path / "version").write_text("v1.34.0")
    assert distribution.find(request) is kind, "a service of its own is no other one"
    assert not distribution.manages(kind) and distribution.manages(request["distributions"][0])
    (tmp_path / "k3s").write_text("")
    with pytest.raises(wire.Failure, match="k3s, kind, a service of its own"):
        distribution.find(request)


def test_as_it_is_asked_for(node):
    request = node(["containerd"])
    assert distribution.find(dict(request, distribution="rke2"))["name"] == "rke2"
    assert distribution.find(dict(request, distributions=[])) is None
    assert distribution.find({"service": "containerd"}) is None


def test_where_containerd_does_not_run_its_places_are_known(node):
    known = node()["distributions"][0]
    nothing = start.Start(None, None, None, False, None, "/usr/local/bin/k3s")
    assert distribution.start(known, nothing) == start.Start("/b", known["config_file"], "/s", False, None, None)
    running = start.Start("/x", "/y", "/z", True, "/y", None)
    assert distribution.start(known, running) == running
    assert distribution.unit(known) == [] and distribution.unit(node(["k3s-agent"])["distributions"][0]) == LOADED


def test_its_registries_yaml_is_read_if_it_is_roots(node, tmp_path):
    known = node()["distributions"][0]
    assert distribution.registries(known) is None
    (tmp_path / "registries.yaml").write_text("mirrors:")
    (tmp_path / "registries.yaml").chmod(0o666)
    with pytest.raises(OSError, match="registries.yaml"):
        distribution.registries(known)


def test_one_with_the_usual_places_is_known_by_its_program_and_unit(node, tmp_path, monkeypatch):
    config, program = tmp_path / "config.toml", tmp_path / "containerd"
    config.write_text("")
    snap = {"name": "k8s", "services": ["snap.k8s.containerd"], "registries": "", "binary": str(program)}
    snap.update(config_file=str(config), socket=places.DEFAULT_SOCKET)
    request = dict(node(["snap.k8s.containerd"], [places.DEFAULT_SOCKET]), distributions=[snap])
    assert distribution.find(request) is None, "config.toml and socket are those of many"
    program.write_text("")
    assert distribution.find(request) is snap and distribution.registries(snap) is None
    request = dict(node(["snap.k8s.containerd", "containerd"], [places.DEFAULT_SOCKET]), distributions=[snap])
    with pytest.raises(wire.Failure, match=r"\(k8s, a service of its own\)"):
        distribution.find(request)


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("disable-default-registry-endpoint: true\n", True),
        ('token: S3cret\ndisable-default-registry-endpoint: "true" # no way out\n', True),
        ("disable-default-registry-endpoint: false\n", False),
        ("#disable-default-registry-endpoint: true\n", False),
        ("a: b\n", False),
        (None, False),
    ],
)
def test_whether_the_public_registries_are_left_out(tmp_path, text, off):
    settings = tmp_path / "config.yaml"
    if text is not None:
        settings.write_text(text)
    assert distribution.fallback_is_off({"settings": str(settings)}) is off
    (tmp_path / "config.yaml.d").mkdir()
    (tmp_path / "config.yaml.d" / "50-more.yaml").write_text("disable-default-registry-endpoint: true\n")
    assert distribution.fallback_is_off({"settings": str(settings)}) is True
    assert distribution.fallback_is_off({"settings": ""}) is False


def test_whether_it_was_started_since_registries_yaml_was_written(tmp_path):
    path = tmp_path / "registries.yaml"
    known, daemon = {"registries": str(path)}, service.Daemon("1:1", 100.0)
    assert distribution.reads_registries(known, daemon) and not distribution.reads_registries(known, None)
    path.write_text("")
    assert not distribution.reads_registries(known, daemon)
    assert distribution.reads_registries(known, service.Daemon("1:1", os.stat(str(path)).st_ctime + 1))
