# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of containerd_pull on made-up fleets, made with the code that makes real ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import (
    diagnosis,
    resolve,
    resolve_node,
    verification,
)

IMAGES = ("docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "registry.k8s.io/pause:3.9")
CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
EVIL = "</script><img src=x onerror=window.owned=1><b>\u2028\x1b[31m'\"@@DATA@@"
ANSWER = dict.fromkeys(("failure", "message", "status", "kind", "digest", "challenge", "realm", "anonymous"))


def _outcome(image: str, port: str, number: int) -> dict[str, Any]:
    hosts = {f"{image.split('/')[0]}/hosts.toml": f'server = "http://m.lan{port}"\n[host]\n'}
    there = resolve_node.from_files("1.7.24", CONFIG, hosts)
    seen = diagnosis.Seen(there, resolve.resolve(image, there))
    pull = {"image": image, "present": False, "digest": f"sha256:{number}", "bytes": 1, "seconds": number / 100}
    pull |= {"error": None, "removed": True, "kept": None}
    if port:
        words = f"dial tcp [::1]:{40000 + number}->[::1]:53: connection refused"
        pull["error"] = {"code": "UNKNOWN", "message": words}
        refused = {**ANSWER, "failure": "refused", "message": "cannot connect to m.lan:81: Connection refused"}
        seen = seen._replace(answers=[refused])
    return verification.outcome(pull, seen)


def fleet(count: int) -> dict[str, dict[str, Any]]:
    """Nodes n000, n001, …: of each three one cannot pull from quay.io, and the second gives no answer at all."""
    results: dict[str, dict[str, Any]] = {}
    for number in range(count):
        images = [_outcome(image, ":81" if number % 3 == 0 and number and "quay" in image else "", number)
                  for image in IMAGES]  # fmt: skip
        results[f"n{number:03}"] = {"version": "1.7.24", "images": images, "msg": "x"}
    if count > 1:
        results["n001"] = {"unreachable": True, "msg": "Failed to connect to the host via ssh"}
    return results
