# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NVIDIA toolkit on containerd 1.x, as in docs/beside.md: it copies the table of the CRI plugin into a file that
config.toml imports. After this role that is no conflict; the other order is in test_failures.py."""

from __future__ import annotations

from support import assert_served, pid

NODE = "n3"
CONFIG = "/etc/containerd/config.toml"
DROP_IN = "/etc/containerd/conf.d/99-nvidia.toml"
RUNTIMES = """
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
BinaryName = "/usr/bin/nvidia-container-runtime"
"""


def test_the_nvidia_toolkit_after_this_role(lab, play):
    lab.reset(NODE)
    limit = f"--limit={NODE}"
    play(limit).ok()
    config = lab.read(NODE, CONFIG)
    lab.write(NODE, DROP_IN, config + RUNTIMES)
    lab.write(NODE, CONFIG, f'imports = ["{DROP_IN}"]\n{config}')
    lab.run(NODE, ["systemctl", "restart", "containerd"])
    before = pid(lab, NODE)
    assert play(limit).ok().changed() == {NODE: 0}
    assert play(limit, extra_upstreams=["registry.example.org"]).ok().changed() == {NODE: 1}
    assert pid(lab, NODE) == before
    assert_served(lab, NODE, "registry.example.org/team/tool:1", "registry.lan", "team/tool")
    lab.reset(NODE)
