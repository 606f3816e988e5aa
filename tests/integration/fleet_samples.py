# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of containerd_pull on made-up fleets, made with the code that makes real ones."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Pulled, PullError
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node, resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import outcome
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.diagnosis import Seen

IMAGES = ("docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "registry.k8s.io/pause:3.9")
CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
EVIL = "</script><img src=x onerror=window.owned=1><b>\u2028\x1b[31m'\"@@DATA@@"


def _outcome(image: str, port: str, number: int) -> dict[str, Any]:
    hosts = {f"{image.split('/')[0]}/hosts.toml": f'server = "http://m.lan{port}"\n[host]\n'}
    there = node.from_files("1.7.24", CONFIG, hosts)
    seen = Seen(there, resolve.resolve(image, there))
    pull = Pulled(image, False, f"sha256:{number}", 1, number / 100, None, True, None)
    if port:
        words = f"dial tcp [::1]:{40000 + number}->[::1]:53: connection refused"
        pull = pull._replace(error=PullError("UNKNOWN", words))
        refused = Manifest(failure="refused", message="cannot connect to m.lan:81: Connection refused")
        seen = seen._replace(answers=[refused])
    return outcome.outcome(pull, seen)


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


UPSTREAMS = [
    "docker.io", "docker.elastic.co", "gcr.io", "ghcr.io", "k8s.gcr.io", "mcr.microsoft.com", "nvcr.io",
    "public.ecr.aws", "quay.io", "registry.access.redhat.com", "registry.gitlab.com", "registry.k8s.io",
    "registry.redhat.io",
]  # fmt: skip
RELEASES = ("1.6.20", "1.7.24", "1.7.24", "2.1.9")
NOT_LOADED = PullError("UNIMPLEMENTED", "CRI is not loaded in the containerd at /run/containerd.sock")


@cache
def _told(image: str, release: str, kind: str) -> dict[str, Any]:
    """The result for an image on one kind of node: healthy, refusing, broken, CRI not loaded."""
    text = (
        "server = "
        if kind == "broken"
        else 'server = "http://harbor.lan:8080/v2/mirror"\noverride_path = true\n[host]\n'
    )
    there = node.from_files(release, CONFIG, {f"{image.split('/')[0]}/hosts.toml": text})
    seen = Seen(there, resolve.resolve(image, there))
    error = PullError("UNKNOWN", "unexpected status 401") if kind == "refusing" else None
    error = NOT_LOADED if kind == "not loaded" else error
    if kind == "refusing":
        seen = seen._replace(answers=[Manifest(status=401, message="unauthorized", challenge="basic")])
    return outcome.outcome(Pulled(image, False, "sha256:1", 1, 0.1, error, True, None), seen)


def motley(count: int, upstreams: int = len(UPSTREAMS)) -> dict[str, dict[str, Any]]:
    """A fleet with every kind of result, named as people name nodes."""
    results: dict[str, dict[str, Any]] = {}
    for number in range(count):
        name = f"{'cp' if number < 3 else 'worker'}-{number + 1:02}.prod.example.com"
        release = RELEASES[number % 4]
        kinds = dict.fromkeys(UPSTREAMS[:upstreams], "not loaded" if number % 40 == 5 else "well")
        if number % 9 == 4:
            kinds["quay.io"] = kinds["ghcr.io"] = "refusing"
        if number % 17 == 6:
            kinds["docker.io"] = "broken"
        images = [
            {
                **_told(f"{upstream}/team/app-{len(upstream)}:1.2", release, kinds[upstream]),
                "seconds": (number % 7) / 10,
            }
            for upstream in UPSTREAMS[:upstreams]
        ]
        results[name] = {"version": release, "images": images, "msg": "x"}
    if count > 8:
        away = "Failed to connect to the host via ssh: ssh: connect to host 10.0.0.8 port 22: No route to host"
        results["worker-08.prod.example.com"] = {"unreachable": True, "msg": away}
    return results


def documented() -> dict[str, dict[str, Any]]:
    """The fleet whose table is in docs/verify.md."""
    images = ("docker.io/library/busybox:1", "ghcr.io/owner/img:1", "quay.io/coreos/etcd:1")
    results: dict[str, dict[str, Any]] = {}
    for number in range(300):
        kinds = ("well", *(["refusing" if number % 9 == 4 else "well"] * 2))
        told = [{**_told(image, "1.7.24", kind), "seconds": 0.1} for image, kind in zip(images, kinds, strict=True)]
        results[f"worker-{number + 1:02}"] = {"version": "1.7.24", "images": told, "msg": "x"}
    away = "Failed to connect to the host via ssh: ssh: connect to host 10.0.0.8 port 22: No route to host"
    results["worker-08"] = {"unreachable": True, "msg": away}
    return results


def unlike(count: int) -> dict[str, dict[str, Any]]:
    """A fleet in which all outcomes are different and long."""
    results = {}
    for name, result in fleet(count).items():
        images = []
        for each in result.get("images", ()):
            words = f"{name} {each['image']} " + "x" * 500
            wrong = {"kind": "unknown", "seen": words, "fix": words}
            images.append(
                {**each, "state": "failed", "diagnosis": wrong, "error": {"code": "UNKNOWN", "message": words}}
            )
        results[name] = {**result, "images": images}
    return results
