# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that boot with rendered files pull before Ansible ever saw them, and its first run changes nothing."""

from __future__ import annotations

import yaml
from support import CONFIG, NODES, assert_served


def test_nodes_with_rendered_files_are_right_from_the_start(fresh, play, tmp_path):
    for node in NODES:
        (tmp_path / node).mkdir()
        (tmp_path / node / "config.toml").write_text(fresh.run(node, ["cat", CONFIG]).stdout)
    given = {
        "render_dest": str(tmp_path), "render_config": f"{tmp_path}/{{{{ inventory_hostname }}}}/config.toml",
        "version": "{{ lab_containerd }}",
    }  # fmt: skip
    done = play(playbook="playbooks/render.yml", **given).ok()
    assert done.changed() == dict.fromkeys(NODES, 1)
    assert play("--check", playbook="playbooks/render.yml", **given).ok().changed() == dict.fromkeys(NODES, 0)
    for node in NODES:
        for name in ("cloud-init.yml", "cloud-init-secrets.yml"):
            for file in yaml.safe_load((tmp_path / node / name).read_text())["write_files"]:
                fresh.write(node, file["path"], file["content"], file["permissions"])
        fresh.run(node, ["systemctl", "restart", "containerd"])
    assert_served(fresh, NODES, "quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd")
    assert play().ok().changed() == dict.fromkeys(NODES, 0)
