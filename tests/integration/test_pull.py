# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd_pull on every release: what is pulled, what is said of it, and what is left on the node."""

from __future__ import annotations

import pytest
from support import IMAGES, LEGACY, NODES, PAUSES, RELEASES

from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError

ACTION = "airgap.containerd.containerd_pull"
BUSYBOX = "docker.io/library/busybox:1"
ETCD = "quay.io/coreos/etcd:1"
PAUSE = "registry.k8s.io/pause:3.9"


@pytest.fixture(scope="module")
def ready(lab, play):
    """All nodes configured for the flat registry."""
    lab.reset(*NODES)
    play().ok()
    return lab


@pytest.fixture
def pull(task):
    """Pull images on all nodes; returns the run and each image's outcome by node and name."""

    def run(*arguments, **options):
        done, result = task("containerd_pull", *arguments, **options)
        return done, lambda node, image: next(each for each in result(node)["images"] if each["image"] == image)

    return run


def test_the_cri_client_against_every_release(ready):
    """1.4 serves v1alpha2 alone, 1.6 and 1.7 both, 2.1 v1 alone; pulls of nothing say what containerd says."""
    for node in NODES:
        client = Client(str(ready.socket(node)), timeout=30)
        version = client.version()
        assert version["api"] == ("runtime.v1alpha2" if RELEASES[node].version < (1, 6, 0) else "runtime.v1")
        assert version["runtime_version"].lstrip("v").startswith(ready.config.nodes[node].containerd.rsplit(".", 1)[0])
        assert client.image("quay.io/none:1") is None and client.used_images() == set()
        identity = client.pull(ETCD)
        found = client.image(ETCD)
        assert found["id"] == identity and found in client.images() and found["size"] > 100000 and not found["pinned"]
        client.remove(ETCD)
        client.remove(ETCD)
        assert client.image(ETCD) is None
        with pytest.raises(CriError) as failure:
            client.pull("quay.io/coreos/none:1")
        assert failure.value.code in ("NOT_FOUND", "UNKNOWN") and "coreos/none" in failure.value.message


def images(lab, node: str) -> dict[str, str]:
    """The node's images by name, with their digests, from containerd itself and not from CRI."""
    lines = lab.run(node, ["ctr", "--namespace=k8s.io", "images", "list"]).stdout.splitlines()[1:]
    return {line.split()[0]: line.split()[2] for line in lines}


def test_every_image_is_pulled_and_where_from_is_true(ready, pull):
    before = {node: images(ready, node) for node in NODES}
    mark = ready.mark()
    ready.reset_counters()
    run, outcome = pull(images=list(IMAGES))
    assert run.ok().changed() == dict.fromkeys(NODES, 0)
    requests = ready.requests(mark)
    for node in NODES:
        for image, repository in IMAGES.items():
            found = outcome(node, image)
            assert (found["state"], found["diagnosis"], found["error"]) == ("pulled", None, None)
            # Legacy mode may try the public registry, so the node has to check by itself.
            known_by = "manifest" if node in LEGACY else "only_endpoint"
            assert found["served_by"] == {"endpoint": "http://registry.lan", "known_by": known_by}
            assert found["bytes"] > 100000 and found["seconds"] >= 0 and found["digest"].startswith("sha256:")
            served = [e for e in requests if e["node"] == node and f"/{repository}/manifests/" in e["path"]]
            assert {e["registry"] for e in served if e["status"] == 200} == {"registry.lan"}
            assert found["removed"] == (image != PAUSE)
        left = images(ready, node).keys() - before[node].keys()
        assert {name.partition("@")[0].partition(":")[0] for name in left} <= {"registry.k8s.io/pause", "sha256"}
        assert not any(BUSYBOX in name or ETCD in name for name in left)
    for node, counted in ready.counters().items():
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0), node


def test_what_was_there_stays_and_is_not_pulled(ready, pull):
    other = "registry.lan/library/busybox:1"
    for node in NODES:
        ready.pull(node, BUSYBOX)
    before = {node: images(ready, node) for node in NODES}
    mark = ready.mark()
    run, outcome = pull(images=[BUSYBOX, other, ETCD], parallel=1)
    run.ok()
    for node in NODES:
        found = outcome(node, BUSYBOX)
        assert (found["state"], found["removed"], found["seconds"]) == ("present", False, None)
        assert found["served_by"] == {"endpoint": "http://registry.lan", "known_by": "manifest"}
        assert found["digest"] == images(ready, node)[BUSYBOX]
        asked = [e for e in ready.requests(mark) if e["node"] == node and "busybox" in e["path"] and "ns=" in e["path"]]
        assert {e["method"] for e in asked} == {"HEAD"} and all("/manifests/" in e["path"] for e in asked)
        # The same image: removing one name would remove the other.
        assert outcome(node, other)["kept"] == "the node had it under another name"
        new = images(ready, node).keys() - before[node].keys()
        assert outcome(node, ETCD)["removed"] and {name.partition("@")[0] for name in new} <= {other, other[:-2]}
        assert other in new


def test_check_mode_pulls_nothing(ready, pull):
    before = {node: images(ready, node) for node in NODES}
    run, outcome = pull("--check", images=[ETCD, "quay.io/coreos/none:1"], pause=True)
    assert run.rc != 0 and {node: images(ready, node) for node in NODES} == before
    for node in NODES:
        assert outcome(node, ETCD)["state"] == outcome(node, PAUSES[node])["state"] == "served"
        assert outcome(node, ETCD)["served_by"]["endpoint"] == "http://registry.lan"
        assert outcome(node, "quay.io/coreos/none:1")["diagnosis"]["kind"] == "not_found"
