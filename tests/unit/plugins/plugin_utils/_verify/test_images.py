# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node can pull images: the requests, and the results of the answers."""

from __future__ import annotations

import json

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.sources import Name
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import StartedWith
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Surveyed
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import images

INDEX = "application/vnd.oci.image.index.v1+json"
SERVED = Manifest(status=200, kind="application/vnd.oci.image.manifest.v1+json", digest="sha256:" + "1" * 64)
MISSING = Manifest(status=404, kind="application/json", message="artifact p/a/b:1 not found")
FLAT = 'server = "http://r.lan"\n[host."http://r.lan"]\n'
PROJECT = (
    'server = "http://h.lan/v2/p"\noverride_path = true\n'
    '[host."http://h.lan/v2/p"]\noverride_path = true\n'
    '[host."http://h.lan/v2/p".header]\nAuthorization = "Basic %s"\n'
)
OPEN = '[host."http://r.lan"]\n'  # the registry itself comes next


def surveyed(files: dict[str, str], version: str = "1.7.24", machine: str = "x86_64", **more) -> Surveyed:
    config = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    tree = nodes.tree({f"{name}/hosts.toml": text for name, text in files.items()})
    effective = more.pop("effective", Effective(config_path="/etc/containerd/certs.d"))
    observed = nodes.node(version, config, effective=effective, hosts=tree, **more)
    return Surveyed(observed, machine, None, None, None)


def told(files, image: str, *answers: Manifest, **more):
    asked = images.questions(surveyed(files, **more), [image])
    (found,) = images.outcomes(asked, [answers])
    return found, [each.url for each in asked.images[0].requests]


def kind(files, image: str, *answers: Manifest, **more) -> str | None:
    found, dummy = told(files, image, *answers, **more)
    assert (found["state"] == "served") == (found["diagnosis"] is None)
    return found["diagnosis"] and found["diagnosis"]["kind"]


def test_what_is_there():
    found, urls = told({"quay.io": FLAT}, "quay.io/a/b:1", SERVED)
    assert urls == ["http://r.lan/v2/a/b/manifests/1?ns=quay.io"]
    assert (found["state"], found["served_by"]["endpoint"]) == ("served", "http://r.lan")


@pytest.mark.parametrize(
    ("image", "name", "source"),
    [
        ("a/b", "h.lan/p/a/b:latest", "docker.io/a/b:latest"),
        ("a/b:1", "h.lan/p/a/b:1", "docker.io/a/b:1"),
        ("a/b:1@sha256:" + "1" * 64, "h.lan/p/a/b:1", "docker.io/a/b@sha256:" + "1" * 64),
        ("a/b@sha256:" + "1" * 64, "h.lan/p/a/b@sha256:" + "1" * 64, "docker.io/a/b@sha256:" + "1" * 64),
    ],
)
def test_where_what_is_missing_has_to_be(image, name, source):
    found, dummy = told({"docker.io": PROJECT}, image, MISSING, MISSING)
    assert (found["put"]["name"], found["put"]["source"], found["put"]["project"]) == (name, source, "p")
    assert found["put"]["plain_http"] and found["diagnosis"]["kind"] == "not_found"


def test_equal_answers_are_equal_whatever_the_image_is_called():
    seen = {
        told({"docker.io": PROJECT}, image, MISSING._replace(message=f"artifact p/{image} not found"))[0]["diagnosis"][
            "seen"
        ]
        for image in ("a/b:1", "a/c:2")
    }
    assert len(seen) == 1 and "artifact … not found" in seen.pop()


def test_the_public_registry_is_never_asked():
    assert kind({}, "quay.io/a/b:1") == "public" and told({}, "quay.io/a/b:1")[1] == []
    found, urls = told({"quay.io": OPEN}, "quay.io/a/b:1", MISSING)
    assert urls == ["http://r.lan/v2/a/b/manifests/1?ns=quay.io"] and found["diagnosis"]["kind"] == "not_found"
    assert found["notes"] == ["containerd tries quay.io then, which was not contacted here"]
    # Neither is it where it is written down as a mirror of itself, nor first.
    itself = '[host."https://registry-1.docker.io"]\n[host."http://r.lan"]\n'
    assert told({"docker.io": itself}, "busybox", version="2.1.9")[1] == []


def test_registries_of_ones_own_are_asked_themselves():
    dummy, urls = told({"quay.io": FLAT}, "r.lan/a/b:1", SERVED)
    assert urls == ["https://r.lan/v2/a/b/manifests/1"]
    asked = images.questions(surveyed({}), ["git.corp/a:1"], ["git.corp"])
    assert [each.url for each in asked.images[0].requests] == ["https://git.corp/v2/a/manifests/1"]
    assert kind({}, "localhost:5000/a:1", MISSING) != "public"


def test_legacy_mirrors():
    legacy = Effective(mirrors={"*": ["http://r.lan"]})
    found, urls = told({}, "quay.io/a/b:1", SERVED, version="1.4.13", effective=legacy)
    assert found["state"] == "served" and urls == ["http://r.lan/v2/a/b/manifests/1?ns=quay.io"]


PLATFORMS = Manifest(status=200, kind=INDEX, platforms=("linux/arm64/v8", "linux/amd64", "unknown/unknown"))


def test_platforms_of_an_index():
    files = {"quay.io": FLAT}
    assert kind(files, "quay.io/a:1", PLATFORMS) is None
    assert kind(files, "quay.io/a:1", PLATFORMS, machine="aarch64") is None
    assert kind(files, "quay.io/a:1", PLATFORMS, machine="s390x") == "platform"
    seen = told(files, "quay.io/a:1", PLATFORMS, machine="s390x")[0]["diagnosis"]["seen"]
    assert seen == "http://r.lan has it only for linux/amd64, linux/arm64/v8, not for linux/s390x."
    assert kind(files, "quay.io/a:1", Manifest(status=200, kind=INDEX)) is None  # it cannot be read


def test_what_containerd_would_not_get_although_the_node_does():
    bearer = SERVED._replace(challenge="bearer")
    assert kind({"quay.io": PROJECT}, "quay.io/a:1", bearer) == "token_without_header"
    assert kind({"quay.io": PROJECT}, "quay.io/a:1", bearer, version="2.1.9") is None
    proxies = StartedWith(None, None, None, Proxies(http="http://proxy.lan:3128"), Proxies())
    assert kind({"quay.io": FLAT}, "quay.io/a:1", SERVED, started_with=proxies) == "proxy"


def test_other_outcomes():
    files = {"quay.io": FLAT}
    refused = Manifest(status=401, challenge="basic", message="no")
    assert kind(files, "quay.io/a:1", refused) == "unauthorized_anonymous"
    assert kind(files, "quay.io/a:1", Manifest(failure="refused", message="connection refused")) == "refused"
    gone = Manifest(status=401, challenge="", message="project p not found: project p not found")
    assert kind({"quay.io": PROJECT}, "quay.io/a:1", gone, gone) == "project_missing"
    assert kind(files, "quay.io/A:1") == "name"
    assert kind({"quay.io": 'server = "http://r.lan\n'}, "quay.io/a:1", version="1.6.20") == "hosts_toml_broken"
    assert kind(files, "quay.io/a:1", Manifest(status=200, kind="text/html")) == "html"


def test_groups():
    def group(files, image="quay.io/a:1", **more):
        return images.questions(surveyed(files, **more), [image]).group

    flat = group({"quay.io": FLAT})
    assert flat == group({"quay.io": FLAT, "ghcr.io": FLAT}) == group({"quay.io": FLAT}, version="1.7.27")
    assert flat != group({"quay.io": FLAT}, machine="aarch64")
    assert flat != group({"quay.io": FLAT}, image="quay.io/b:1") and flat != group({"quay.io": OPEN})
    # Another password is another group, and the name of a group reveals nothing of it.
    assert group({"quay.io": PROJECT % "eDpoaWRkZW4="}) != group({"quay.io": PROJECT % "eDpvdGhlcg=="})


def test_candidates_count_where_a_registry_has_them():
    names = [Name("quay.io/a:1", True, ["x"]), Name("quay.io/b:1", False, ["y"]), Name("quay.io/c:1", False, ["z"])]
    asked = images.questions(surveyed({"quay.io": FLAT}), [each.image for each in names])
    result = images.judged(names, images.outcomes(asked, [[SERVED], [SERVED], [MISSING]]))
    assert [(each["image"], each["certain"], each["used_by"]) for each in result["images"]] == [
        ("quay.io/a:1", True, ["x"]),
        ("quay.io/b:1", False, ["y"]),
    ]
    assert [each["image"] for each in result["doubtful"]] == ["quay.io/c:1"] and not result["failed"]
    assert result["msg"] == "all 2 images will be pulled from the intended registry"
    result = images.judged(names, images.outcomes(asked, [[MISSING], [MISSING], [MISSING]]))
    assert result["failed"] and result["msg"].startswith(
        "1 of 1 images will not be pulled from the intended registry. quay"
    )


def test_no_login_gets_into_a_result():
    secret = "Basic eDpDYU40cnk="
    asked = images.questions(surveyed({"quay.io": PROJECT % "eDpDYU40cnk="}), ["quay.io/a:1"])
    assert asked.images[0].requests[0].headers["Authorization"] == secret
    result = images.judged([Name("quay.io/a:1")], images.outcomes(asked, [[MISSING]]))
    assert "eDpDYU40cnk" not in json.dumps(result) and "CaN4ry" not in json.dumps(result)
