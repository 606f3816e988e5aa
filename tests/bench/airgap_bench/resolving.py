# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run time of the resolver."""

from __future__ import annotations

import time

from airgap_bench.figures import Figure
from airgap_bench.lan import upstreams
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as node_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import resolve

IMAGES, UPSTREAMS = 1000, 50
HOSTS_DIR = "/etc/containerd/certs.d"
CONFIG = f"""
version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{HOSTS_DIR}"
"""
HOSTS = """
server = "http://registry.lan"
capabilities = ["pull", "resolve"]
[header]
Authorization = "Basic bWFkZTp1cA=="
[host]
"""


def figure(rounds: int) -> Figure:
    """Seconds for all images, reading the files of all upstreams included."""
    names = upstreams(UPSTREAMS)
    node = node_module.from_files("1.7.24", CONFIG, {f"{name}/hosts.toml": HOSTS for name in names}, HOSTS_DIR)
    images = [f"{names[number % UPSTREAMS]}/team/tool-{number}:1" for number in range(IMAGES)]
    values = []
    for _round in range(rounds):
        hosts_file.read.cache_clear()
        began = time.perf_counter()
        answers = [resolve.resolve(image, node) for image in images]
        values.append(time.perf_counter() - began)
        assert all(each.requests[0].asked.host == "registry.lan" for each in answers)
    return Figure(f"resolve {IMAGES} images, {UPSTREAMS} upstreams", tuple(values), "s", 1)
