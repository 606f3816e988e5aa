# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each release reads a setting from: what the real ones do with the same files is in the integration tests."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import places, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.places import Ignored
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release, ReleaseError

CGROUPS = ("io.containerd.monitor.v1.cgroups", "io.containerd.monitor.task.v1.cgroups")


def release(text: str) -> Release:
    return releases.release(releases.parse(text))


@pytest.mark.parametrize(
    ("containerd", "version", "alias", "literal"),
    [
        ("1.4.13", 1, ("cri_images", "registry"), ("cri", "registry")),
        ("1.7.24", 2, ("cri_images", "registry"), (V2, "registry")),
        ("2.1.9", 1, ("cri_images", "registry"), (V3_IMAGES, "registry")),
        ("2.1.9", 2, ("cri_images", "registry"), (V2, "registry")),
        ("2.1.9", 3, ("cri_images", "registry"), (V3_IMAGES, "registry")),
        ("2.3.4", 4, ("cri_images", "registry"), (V3_IMAGES, "registry")),
        ("1.7.24", 2, ("cri_images", "pinned_images", "sandbox"), (V2, "sandbox_image")),
        ("2.1.9", 3, ("cri_images", "sandbox_image"), (V3_IMAGES, "pinned_images", "sandbox")),
        ("1.7.24", 2, ("cri_images", "snapshotter"), (V2, "containerd", "snapshotter")),
        ("2.1.9", 3, ("cri_images", "containerd", "snapshotter"), (V3_IMAGES, "snapshotter")),
        ("1.7.24", 2, ("cri_runtime", "containerd", "runtimes"), (V2, "containerd", "runtimes")),
        ("2.1.9", 3, ("cri_runtime", "cni", "bin_dir"), (V3_RUNTIME, "cni", "bin_dir")),
        (
            "1.7.24", 2, ("cri_runtime", "containerd", "runtimes", "r", "sandboxer"),
            (V2, "containerd", "runtimes", "r", "sandbox_mode"),
        ),
        ("1.7.24", 2, ("cri_images", "use_local_image_pull"), (V2, "use_local_image_pull")),
        ("2.1.9", 3, ("cri_server", "stream_server_port"), (V2, "stream_server_port")),
        ("1.6.20", 1, ("cri_server", "stream_server_port"), ("cri", "stream_server_port")),
        ("1.6.20", 1, ("cgroups_monitor", "no_prometheus"), ("cgroups", "no_prometheus")),
        ("2.1.9", 2, ("cgroups_monitor", "no_prometheus"), (CGROUPS[0], "no_prometheus")),
        ("2.1.9", 3, ("cgroups_monitor", "no_prometheus"), (CGROUPS[1], "no_prometheus")),
        ("2.1.9", 3, ("io.example.v1.x", "a"), ("io.example.v1.x", "a")),
    ],
)  # fmt: skip
def test_an_alias_stands_for_the_place_that_is_read(containerd, version, alias, literal):
    rel = release(containerd)
    assert places.resolve(("plugins", *alias), rel, version) == [("plugins", *literal)]
    if literal[1:] != ("use_local_image_pull",):
        places.shown(("plugins", *literal), rel, version)


def test_a_table_that_is_no_table_of_its_own_in_version_2():
    found = places.resolve(("plugins", "cri_images"), release("1.7.24"), 2)
    assert ("plugins", V2, "registry") in found and ("plugins", V2, "sandbox_image") in found
    assert not [path for path in found if "runtimes" in path]
    with pytest.raises(Ignored, match="name the keys"):
        places.resolve(("plugins", "cri_runtime"), release("1.7.24"), 2)


def test_merges_with_aliases():
    settings = {
        "oom_score": 1,
        "plugins": {
            "cri_images": {"snapshotter": "native", "sandbox_image": "p"},
            "cri_runtime": {"containerd": {"runtimes": {"n": {"runtime_type": "t"}}}},
            "io.x.v1.y": {},
        },
    }
    containerd = {"snapshotter": "native", "runtimes": {"n": {"runtime_type": "t"}}}
    assert places.resolve_merge(settings, release("1.7.24"), 2) == {
        "oom_score": 1,
        "plugins": {V2: {"containerd": containerd, "sandbox_image": "p"}, "io.x.v1.y": {}},
    }
    with pytest.raises(Ignored, match="plugins.cri_images is a table"):
        places.resolve_merge({"plugins": {"cri_images": 1}}, release("1.7.24"), 2)


@pytest.mark.parametrize(
    ("containerd", "version", "path", "message"),
    [
        ("1.7.24", 2, ("plugins", V3_IMAGES, "registry"), rf'use plugins\."{V2}"\.registry, or plugins\.cri_images'),
        ("1.7.24", 2, ("plugins", V3_IMAGES, "use_local_image_pull"), "no such setting"),
        ("1.6.20", 1, ("plugins", V2, "registry"), r"use plugins\.cri\.registry"),
        ("2.1.9", 1, ("plugins", "cri", "registry"), rf'use plugins\."{V3_IMAGES}"\.registry'),
        ("2.1.9", 1, ("plugins", "cgroups", "no_prometheus"), CGROUPS[1]),
        ("2.1.9", 2, ("plugins", "cri", "registry"), rf'use plugins\."{V2}"\.registry'),
        ("2.1.9", 3, ("plugins", V2, "registry", "config_path"), rf'use plugins\."{V3_IMAGES}"\.registry\.config_path'),
        ("2.1.9", 3, ("plugins", V2, "containerd", "runtimes", "x"), r"plugins\.cri_runtime"),
        ("2.1.9", 3, ("plugins", "io.containerd.server.v1.grpc", "address"), r"use grpc\.address"),
        ("2.3.4", 4, ("plugins", V2, "registry"), V3_IMAGES),
        ("1.4.13", 3, ("plugins", "cri", "registry"), r'use plugins\."io\.containerd\.grpc\.v1\.cri"\.registry'),
        ("2.3.4", 4, ("grpc", "address"), r'use plugins\."io\.containerd\.server\.v1\.grpc"\.address'),
        ("2.3.4", 4, ("debug", "address"), r"io\.containerd\.server\.v1\.debug"),
    ],
)
def test_what_a_release_ignores(containerd, version, path, message):
    with pytest.raises(Ignored, match=message):
        places.shown(path, release(containerd), version)


@pytest.mark.parametrize(("containerd", "version"), [("1.7.24", 2), ("1.4.13", 2), ("1.6.20", 3)])
def test_what_keeps_a_release_from_starting(containerd, version):
    with pytest.raises(ReleaseError, match="does not start with a short plugin name"):
        places.shown(("plugins", "cri", "registry"), release(containerd), version)


@pytest.mark.parametrize(
    ("containerd", "version", "path", "found"),
    [
        ("1.4.13", 1, ("plugins", "cri", "registry"), ("plugins", V2, "registry")),
        ("1.7.24", 2, ("plugins", V2, "sandbox_image"), ("plugins", V2, "sandbox_image")),
        ("2.1.9", 1, ("plugins", "cri", "disable_tcp_service"), ("plugins", V2, "disable_tcp_service")),
        ("2.1.9", 1, ("plugins", V3_IMAGES, "registry"), ("plugins", V3_IMAGES, "registry")),
        ("2.1.9", 2, ("plugins", V2, "sandbox_image"), ("plugins", V3_IMAGES, "pinned_images", "sandbox")),
        ("2.1.9", 2, ("plugins", V3_IMAGES, "registry"), ("plugins", V3_IMAGES, "registry")),
        ("2.1.9", 2, ("plugins", V2, "cni", "bin_dir"), ("plugins", V3_RUNTIME, "cni", "bin_dirs")),
        ("2.0.11", 2, ("plugins", V2, "cni", "bin_dir"), ("plugins", V3_RUNTIME, "cni", "bin_dir")),
        ("2.3.4", 1, ("plugins", "cri", "registry"), ("plugins", V3_IMAGES, "registry")),
        ("2.3.4", 3, ("plugins", V2, "registry"), ("plugins", V3_IMAGES, "registry")),
        ("2.3.4", 3, ("grpc", "address"), ("plugins", "io.containerd.server.v1.grpc", "address")),
        ("2.3.4", 4, ("debug", "level"), ("debug", "level")),
        ("2.1.9", 3, ("grpc", "address"), ("grpc", "address")),
        ("2.1.9", 3, ("plugins",), ("plugins",)),
    ],
)
def test_where_containerd_shows_it(containerd, version, path, found):
    assert places.shown(path, release(containerd), version) == found


@pytest.mark.parametrize(("version", "file"), [("1.7.24", 2), ("2.1.9", 2), ("2.1.9", 3), ("2.3.4", 3)])
def test_a_short_name_that_nothing_has_is_never_advised(version, file):
    rel = releases.release(releases.parse(version))
    with pytest.raises(releases.ReleaseError, match=r"did you mean plugins\.cri_runtime\.x\?"):
        places.shown(("plugins", "cri_runtimes", "x"), rel, file)
    with pytest.raises(releases.ReleaseError, match="valid names are cri_images, cri_runtime"):
        places.shown(("plugins", "nonsense", "x"), rel, file)
