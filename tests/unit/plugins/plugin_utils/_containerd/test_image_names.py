# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image names, as CRI completes or refuses them."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import image_names, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.image_names import ImageNameError

OLD, NEW = releases.release((1, 6, 20)), releases.release((2, 1, 9))
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("image", "host", "rest"),
    [
        ("busybox", "docker.io", "library/busybox:latest"),
        ("busybox:1.36", "docker.io", "library/busybox:1.36"),
        ("owner/img", "docker.io", "owner/img:latest"),
        ("docker.io/busybox", "docker.io", "library/busybox:latest"),
        ("index.docker.io/busybox:1", "docker.io", "library/busybox:1"),
        ("quay.io/a/b/c:v1", "quay.io", "a/b/c:v1"),
        ("localhost/img", "localhost", "img:latest"),
        ("reg.lan:5000/img", "reg.lan:5000", "img:latest"),
        ("reg:5000/img:1", "reg:5000", "img:1"),
        ("UPPER.lan/img", "UPPER.lan", "img:latest"),
        (f"busybox@{DIGEST}", "docker.io", f"library/busybox@{DIGEST}"),
        (f"reg.lan:5000/a/b:1@{DIGEST}", "reg.lan:5000", f"a/b@{DIGEST}"),
        ("registry.lan", "docker.io", "library/registry.lan:latest"),
        ("a/b__c/d-.e".replace("-.", "---"), "docker.io", "a/b__c/d---e:latest"),
    ],
)
@pytest.mark.parametrize("rel", [OLD, NEW], ids=str)
def test_names(image, host, rest, rel):
    found = image_names.parse(image, rel)
    assert found.host == host and str(found) == f"{host}/{rest}"


def test_what_newer_releases_read_otherwise():
    assert image_names.parse("[fd00::1]:5000/img", NEW).host == "[fd00::1]:5000"
    with pytest.raises(ImageNameError, match="does not support IPv6"):
        image_names.parse("[fd00::1]:5000/img", OLD)
    assert image_names.parse("Owner/img", NEW).host == "Owner"
    with pytest.raises(ImageNameError, match="lower case, write owner/img"):
        image_names.parse("Owner/img", OLD)
    long = "reg.example.org/" + "a" * 245
    assert image_names.parse(long, NEW).repository == "a" * 245
    with pytest.raises(ImageNameError, match="more than 255"):
        image_names.parse(long, OLD)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("", "not a name"),
        (None, "not a name"),
        ("http://reg.lan/img", "must not be a URL or contain blanks, write reg.lan/img"),
        (
            "http://u:secret@reg.lan/img",
            r"'http://\*{8}@reg.lan/img': must not be a URL or contain blanks, write reg.lan/img$",
        ),
        (" ", "must not be a URL or contain blanks, write a name$"),
        ("Nginx!", "Nginx!' is not a repository: lower-case letters, digits, and . _ - / between them"),
        (" busybox", "write busybox"),
        ("quay.io/Owner/Img:V1", "lower case, write quay.io/owner/img:v1"),
        ("a" * 64, "an image's id"),
        ("reg.lan:x/img", "is not HOST or HOST:PORT"),
        ("quay.io/a//b", "is not a repository"),
        ("quay.io/a:", "'' is not a tag"),
        ("quay.io/a:-x", "'-x' is not a tag"),
        ("quay.io/a@sha256:12", "is not a digest"),
        (f"quay.io/a@{DIGEST.replace('sha256', 'md5')}", "is not a digest"),
        (f"quay.io/a@{DIGEST.upper().replace('SHA', 'sha')}", "is not a digest"),
        ("quay.io/a@", "is not a digest"),
    ],
)
def test_mistakes(image, message):
    with pytest.raises(ImageNameError, match=message):
        image_names.parse(image, NEW)
