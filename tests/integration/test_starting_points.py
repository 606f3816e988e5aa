# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with a history: whatever config.toml they start with, CRI ends up loaded and pulls from the registry."""

from __future__ import annotations

import threading

import pytest
from support import BY_AGE, ENDS, FROM_2, LAST_1, LEGACY, NODES, RELEASES, assert_served

CONFIG = "/etc/containerd/config.toml"
V2_LEGACY = """\
version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors]
    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
      endpoint = ["https://old.example.org"]
    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."private.example.org"]
      endpoint = ["http://registry.lan/v2/team"]
  [plugins."io.containerd.grpc.v1.cri".registry.configs]
    [plugins."io.containerd.grpc.v1.cri".registry.configs."old.example.org".tls]
      insecure_skip_verify = true
    [plugins."io.containerd.grpc.v1.cri".registry.configs."registry.lan".auth]
      username = 'robot$puller'
      password = 'S3cret+/p$ss'
"""
V1_FILE = """\
# no version: plugins go by their short names
[plugins.cri]
  stream_server_address = "127.0.0.1"
  [plugins.cri.containerd]
    snapshotter = "overlayfs"
"""


def _default(lab, node: str) -> str:
    return lab.run(node, ["containerd", "config", "default"]).stdout


STARTS = {
    "none": lambda lab, node: None,
    "empty": lambda lab, node: "",
    "as shipped": lambda lab, node: lab.run(node, ["cat", CONFIG]).stdout or None,
    "containerd config default": _default,
    "version 1": lambda lab, node: V1_FILE if RELEASES[node].newest_file == 2 else "# comments only\n",
    "CRI disabled as by Docker": lambda lab, node: 'disabled_plugins = ["cri"]\n#root = "/var/lib/containerd"\n',
    "legacy mirrors": lambda lab, node: V2_LEGACY,
}


ON = {
    "containerd config default": NODES,
    "legacy mirrors": NODES,
    "version 1": ENDS,
    "CRI disabled as by Docker": ENDS,
    **{start: (node,) for start, node in zip(("none", "empty", "as shipped"), BY_AGE[:3], strict=True)},
}
"""Where releases differ, all of them or the oldest and the newest; the other starts have one release each."""


def _prepare(lab, node: str, text: str | None) -> None:
    if text is None:
        lab.run(node, ["rm", "-f", CONFIG])
    else:
        lab.write(node, CONFIG, text)
    lab.run(node, ["systemctl", "restart", "containerd"])


@pytest.mark.parametrize("start", [pytest.param(start, marks=pytest.mark.nodes(*ON[start])) for start in STARTS])
def test_from_any_start(fresh, play, start, its_nodes):
    texts = {node: STARTS[start](fresh, node) for node in its_nodes}
    for node, text in texts.items():
        _prepare(fresh, node, text)
    play().ok()
    for node in its_nodes:
        assert_served(fresh, node, "docker.io/library/busybox:1", "registry.lan", "library/busybox")
        assert_served(fresh, node, "registry.lan/lab/app:1", "registry.lan", "lab/app")
    if start == "legacy mirrors":
        for node in its_nodes:
            assert_served(fresh, node, "private.example.org/tool:1", "registry.lan", "team/tool")
    assert play().ok().changed() == dict.fromkeys(its_nodes, 0)
    play(state="absent").ok()
    for node, text in texts.items():
        now = fresh.read(node, CONFIG) if text is not None else fresh.run(node, ["ls", CONFIG]).stdout
        assert now == (text or ""), node


def test_a_file_without_a_version_goes_on_after_an_upgrade(lab, play):
    """2.0 to 2.2 ignore the part of such a file that 1.x reads, so the registry settings are in it twice."""
    lab.reset(LAST_1)
    _prepare(lab, LAST_1, V1_FILE)
    play(f"--limit={LAST_1}").ok()
    for newer in FROM_2:
        lab.swap(LAST_1, newer)
        assert_served(lab, LAST_1, "docker.io/library/busybox:1", "registry.lan", "library/busybox")
    play(f"--limit={LAST_1}").ok()
    assert_served(lab, LAST_1, "docker.io/library/busybox:1", "registry.lan", "library/busybox")
    play(f"--limit={LAST_1}", state="absent").ok()
    assert lab.read(LAST_1, CONFIG) == V1_FILE


def _seen_while(lab, node: str, action) -> set[str]:
    """Every content that config.toml had while `action` ran, read as fast as possible."""
    seen, done = set(), threading.Event()
    path = lab.socket(node).parents[2] / "etc/containerd/config.toml"

    def watch():
        while not done.is_set():
            seen.add(path.read_text())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
    finally:
        done.set()
        watcher.join()
    return seen


@pytest.mark.nodes("n3")
def test_mirrors_and_config_path_are_never_on_disk_together(fresh, play):
    for node in ("n3",):
        _prepare(fresh, node, V2_LEGACY)
        contents = _seen_while(fresh, node, lambda: play().ok())
        assert len(contents) == 2, contents
        for text in contents:
            assert not ("mirrors" in text and "config_path" in text), text


@pytest.mark.nodes(*LEGACY)
def test_a_legacy_node_keeps_its_other_mirrors_in_legacy_mode(fresh, play):
    for node in LEGACY:
        _prepare(fresh, node, V2_LEGACY)
        play(f"--limit={node}").ok()
        assert "private.example.org" in fresh.read(node, CONFIG)
