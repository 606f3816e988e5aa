# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One path has many spellings: whichever a node has, or a variable, the second run changes nothing."""

from __future__ import annotations

import pytest
from support import CONFIG, CONFIG_PATH, V2, assert_served, files

CERTS = "/etc/containerd/certs.d"
SPELLINGS = [
    f"{CERTS}/",
    "/etc/containerd/../containerd/./certs.d",
    "etc/containerd/certs.d",
    f"{CERTS}:/etc/docker/certs.d",
    f"{CERTS}/:{CERTS}",
    f":{CERTS}",
]
ASKED = [f"{CERTS}/", f"/{CERTS}", "/etc/./containerd//certs.d/.", "/opt/ct//hosts/"]


def _rounds(spellings):
    size = len(CONFIG_PATH)
    return [spellings[start : start + size] for start in range(0, len(spellings), size)]


def _warned(run, nodes):
    return [text for node in nodes for text in run.of(node).get("warnings", []) if "give" in text or "hides" in text]


@pytest.mark.parametrize("spellings", _rounds(SPELLINGS))
def test_spellings_of_a_node(lab, play, spellings):
    nodes = dict(zip(CONFIG_PATH, spellings, strict=False))
    lab.reset(*nodes)
    for node, spelling in nodes.items():
        lab.write(node, CONFIG, f'version = 2\n[plugins."{V2}".registry]\nconfig_path = "{spelling}" # ours\n')
        lab.write(node, f"{CERTS}/quay.io/hosts.toml", '[host."http://10.77.0.66"]\n')
        lab.run(node, ["systemctl", "restart", "containerd"])
    limit = f"--limit={','.join(nodes)}"
    wanted = {"direct": ["ghcr.io"]}
    assert play(limit, **wanted).ok().changed() == dict.fromkeys(nodes, 1)
    for node, spelling in nodes.items():
        kept = "" if ":" in spelling else f'config_path = "{spelling}" # ours'
        assert kept in lab.read(node, CONFIG), (spelling, lab.read(node, CONFIG))
    before = {node: files(lab, node) for node in nodes}
    again = play(limit, **wanted).ok()
    assert again.changed() == dict.fromkeys(nodes, 0) and not _warned(again, nodes)
    assert {node: files(lab, node) for node in nodes} == before
    assert_served(lab, nodes, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")


def test_spellings_of_a_variable(fresh, play):
    """All of one directory are one directory."""
    node = CONFIG_PATH[-1]
    changed = [play(f"--limit={node}", hosts_dir=each, direct=["quay.io"]).ok().changed()[node] for each in ASKED[:3]]
    assert changed == [1, 0, 0]
    again = play(f"--limit={node}", hosts_dir=ASKED[0], config_file=f"/{CONFIG}", direct=["quay.io"]).ok()
    assert again.changed()[node] == 0 and not _warned(again, [node])
