# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in an image build: nothing runs there, and the node that has it pulls before Ansible saw that one."""

from __future__ import annotations

import yaml
from support import HOSTS, NODES, assert_served

PORT = 2222
# A chroot on the node: systemctl ignores requests there, and /proc shows the containerd outside.
BUILD = f"""
mkdir /mnt/layer /mnt/image && mount -t tmpfs layer /mnt/layer && mkdir /mnt/layer/upper /mnt/layer/work
mount -t overlay image -o lowerdir=/,upperdir=/mnt/layer/upper,workdir=/mnt/layer/work /mnt/image
mount -t proc proc /mnt/image/proc && mount --bind /dev /mnt/image/dev
mount -t tmpfs run /mnt/image/run && mkdir /mnt/image/run/sshd
chroot /mnt/image /usr/sbin/sshd -p {PORT}
"""
# Files of the image that the node does not have, as if the node had been created from the image.
BOOT = """
pkill --full '[s]shd -p' && systemctl stop containerd
cp -a /mnt/layer/upper/etc/containerd/. /etc/containerd && cp -a /mnt/layer/upper/var/lib/airgap-containerd /var/lib
systemctl start containerd
"""


def test_a_node_made_from_an_image(fresh, play, tmp_path):
    node = NODES[-1]

    def sh(script):
        done = fresh.run(node, ["sh", "-exc", script])
        assert done.returncode == 0, done.stderr
        return done.stdout

    sh(BUILD)
    image = {"ansible_host": HOSTS[node]["ansible_host"], "ansible_port": PORT, "ansible_control_path": "none"}
    inventory = tmp_path / "image.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"image": image}}}))
    first = play("--limit=image", inventory=(str(inventory),)).ok()
    assert first.changed()["image"] == 1 and not first.of("image")["restart_due"]
    assert "containerd is not running here and reads this when it starts" in first.of("image")["msg"]
    assert play("--limit=image", inventory=(str(inventory),)).ok().changed()["image"] == 0
    sh(BOOT)
    assert_served(fresh, [node], "docker.io/library/busybox:1", "registry.lan", "library/busybox")
    assert play(f"--limit={node}").ok().changed()[node] == 0
