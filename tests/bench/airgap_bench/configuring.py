# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision about a large config.toml costs on the control node, including loading code and libraries."""

from __future__ import annotations

import json
import subprocess
import sys

from airgap_bench.figures import Figure
from airgap_bench.lan import upstreams
from airgap_bench.runs import ROOT

MIRRORS = 130
PATH = "/etc/containerd/config.toml"
CRI = "io.containerd.grpc.v1.cri"
# Ansible decides in a separate process for each host, which inherits ansible-core and none of this collection's code.
WORKER = """
import json, sys, time
import ansible.plugins.action
args, text = json.load(sys.stdin)
began = time.process_time()
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit import change
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import File
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Look, PathInfo
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs
path = args["path"]
file = File(path=path, real_path=path, content=text.encode(), sha256="", attributes=None)
seen = Look(
    binary="containerd", version="containerd x 1.7.24 y", version_error=None, main=path, path=path, files=(file,),
    info=PathInfo(), attributes={},
)
edit = change.decide(args, seen, releases.release(releases.parse("1.7.24")), in_place=True)
diffs.changes(edit.before, edit.after)
print(json.dumps([time.process_time() - began, edit.after != text, "tomlkit" in sys.modules]))
"""


def figures(rounds: int) -> list[Figure]:
    """CPU seconds for a host whose file has nothing to change, gets a key, and gets another item in a list."""
    blocks = [
        f'\n[plugins."{CRI}".registry.mirrors."{name}"]\n  endpoint = ["http://registry.lan/v2/mirror"]\n'
        f"  # {name} is one of those that teams asked for\n"
        for name in upstreams(MIRRORS)
    ]
    text = "version = 2\n" + "".join(blocks)
    endpoint = {"endpoint": ["http://registry.lan/v2/mirror", "http://second.lan"]}
    registry = {"registry": {"mirrors": {upstreams(MIRRORS)[-1]: endpoint}}}
    cases = {
        "nothing to change": ({"version": 2}, False, False),
        "a new key": ({"plugins": {"cri_images": {"max_concurrent_downloads": 7}}}, True, False),
        "an item in a list": ({"plugins": {"cri_images": registry}}, True, True),
    }
    found = []
    for name, (merge, changed, with_tomlkit) in cases.items():
        values = []
        for _round in range(rounds):
            seconds, *what = _decide(merge, text)
            assert what == [changed, with_tomlkit], name
            values.append(seconds)
        found.append(Figure(f"CPU per host, config.toml of {len(text) / 1000:.0f} kB, {name}", tuple(values), "s"))
    return found


def _decide(merge: dict, text: str) -> list:
    args = {"path": PATH, "merge": merge, "remove": [], "lists": "union", "config_version": None, "create": True}
    worker = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=json.dumps([args, text]), capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT / ".collections")},
    )  # fmt: skip
    return json.loads(worker.stdout)
