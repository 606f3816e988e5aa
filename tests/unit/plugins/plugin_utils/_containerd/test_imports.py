# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each release makes of imports; the integration tests hold it against the real ones."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import imports, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Combined, Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import ReleaseError

MAIN, DROP_IN = "/etc/containerd/config.toml", "/etc/containerd/conf.d/10.toml"
OLD_NAME = {"plugins": {V2: {"sandbox_image": "p", "max_concurrent_downloads": 5}}}
NEW_NAME = {"plugins": {V3_IMAGES: {"max_concurrent_downloads": 7}}}
SHORT_NAME = {"plugins": {"cri": {"max_concurrent_downloads": 7}}}


def combine(containerd: str, *files: dict) -> Combined:
    rel = releases.release(releases.parse(containerd))
    paths = [MAIN, DROP_IN, "/etc/containerd/conf.d/20.toml"]
    return imports.combine([Source(path, data) for path, data in zip(paths, files, strict=False)], rel)


def found(combined: Combined) -> dict:
    return {path[1:]: each.value for path, each in combined.settings.items()}


@pytest.mark.parametrize(
    ("containerd", "settings", "lost"),
    [
        ("1.7.24", {(V2, "max_concurrent_downloads"): 7},
            [("plugins", V2, "sandbox_image"), ("plugins", V2, "max_concurrent_downloads")]),
        (
            "2.1.9",
            {(V3_IMAGES, "pinned_images", "sandbox"): "p", (V3_IMAGES, "max_concurrent_downloads"): 7},
            [("plugins", V2, "max_concurrent_downloads")],
        ),
        (
            "2.3.4",
            {(V3_IMAGES, "pinned_images", "sandbox"): "p", (V3_IMAGES, "max_concurrent_downloads"): 7},
            [("plugins", V2, "max_concurrent_downloads")],
        ),
    ],
)  # fmt: skip
def test_a_later_file_replaces_tables_up_to_1_7_and_is_merged_since(containerd, settings, lost):
    combined = combine(
        containerd,
        {"version": 2, **OLD_NAME},
        {"version": 2, "plugins": {V2: {"max_concurrent_downloads": 7}}},
    )
    assert found(combined) == settings
    assert [each.place for each in combined.lost] == lost and all(DROP_IN in each.why for each in combined.lost)
    origins = {key[-1]: each.origin for key, each in combined.settings.items() if key[:1] != ("version",)}
    kept = {"sandbox": MAIN} if len(settings) > 1 else {}
    assert origins == {**kept, "max_concurrent_downloads": DROP_IN}


def test_the_last_version_counts_for_all_files_up_to_2_2():
    combined = combine("2.1.9", {"version": 2, **OLD_NAME}, {"version": 3, **NEW_NAME})
    assert found(combined) == {(V3_IMAGES, "max_concurrent_downloads"): 7}
    assert {each.place[-1] for each in combined.lost} == {"sandbox_image", "max_concurrent_downloads"}
    assert all(DROP_IN in each.why for each in combined.lost)
    combined = combine("2.1.9", {"version": 3, **NEW_NAME}, {"version": 2, **OLD_NAME})
    assert found(combined)[(V3_IMAGES, "max_concurrent_downloads")] == 5 and len(combined.lost) == 1


@pytest.mark.parametrize("first", [{"version": 2}, {}])
@pytest.mark.parametrize("second", [OLD_NAME, SHORT_NAME])
def test_files_without_a_version_on_2_1(first, second):
    """They count as what was merged so far: as version 3 if that is nothing."""
    combined = combine("2.1.9", first, second)
    assert bool(combined.settings) == bool(first) and bool(combined.lost) != bool(first)


def test_an_import_without_a_version_below_a_file_of_version_3_is_lost_on_2_1():
    assert not combine("2.1.9", {"version": 3}, OLD_NAME).settings


def test_an_import_of_version_2_saves_a_file_without_a_version_on_2_1():
    combined = combine("2.1.9", SHORT_NAME, {"version": 2})
    assert found(combined) == {(V3_IMAGES, "max_concurrent_downloads"): 7}


@pytest.mark.parametrize("containerd", ["1.7.24", "2.1.9"])
def test_only_the_last_version_may_be_too_new(containerd):
    files = [{"version": 2}, {"version": 4}, {"version": 2}]
    assert combine(containerd, *files)
    with pytest.raises(ReleaseError, match="of version 4"):
        combine(containerd, *files[:2])


def test_versions_mix_from_2_3_on():
    combined = combine("2.3.5", {"version": 2, **OLD_NAME}, {"version": 3, **NEW_NAME}, SHORT_NAME)
    assert found(combined) == {(V3_IMAGES, "pinned_images", "sandbox"): "p", (V3_IMAGES, "max_concurrent_downloads"): 7}
    with pytest.raises(ReleaseError, match="10.toml has version 3.* does not start"):
        combine("2.3.4", {"version": 2}, {"version": 3})
    assert combine("2.3.4", {"version": 3}, {"version": 2, **OLD_NAME}).settings


def test_the_last_version_decides_on_the_names_up_to_1_7():
    with pytest.raises(ReleaseError, match="config.toml: plugins.cri.*does not start"):
        combine("1.7.24", SHORT_NAME, {"version": 2})
    combined = combine("1.7.24", {"version": 2, **OLD_NAME}, {"version": 1})
    assert not combined.settings and len(combined.lost) == 2
    assert combine("1.7.24", SHORT_NAME, {"oom_score": 1}).settings[("oom_score",)].origin == DROP_IN


@pytest.mark.parametrize("containerd", ["2.1.9", "2.3.4"])
def test_tables_of_versions_2_and_3_side_by_side(containerd):
    both = {
        "version": 2,
        "plugins": {
            V3_IMAGES: {"registry": {"config_path": "/x"}, "max_concurrent_downloads": 1},
            V3_RUNTIME: {"enable_selinux": True},
            V2: {"registry": {"headers": {"A": ["b"]}}, "max_concurrent_downloads": 2, "enable_selinux": False},
        },
    }
    combined = combine(containerd, both)
    assert found(combined) == {
        (V3_IMAGES, "registry", "headers", "A"): ["b"],
        (V3_IMAGES, "max_concurrent_downloads"): 2,
        (V3_RUNTIME, "enable_selinux"): True,
    }
    assert len(combined.lost) == 3
    apart = combine(
        containerd,
        {"version": 2, "plugins": {V2: both["plugins"][V2]}},
        {"version": 2, "plugins": {V3_IMAGES: {"registry": {"config_path": "/x"}}}},
    )
    assert ((V3_IMAGES, "registry", "config_path") in found(apart)) == (containerd == "2.3.4")


def test_lists_at_the_top_are_joined_and_zeros_do_not_override():
    combined = combine(
        "2.1.9",
        {"version": 3, "oom_score": 5, "disabled_plugins": ["io.a.v1.b"], "timeouts": {"a": "1s", "b": "1s"}},
        {"version": 3, "oom_score": 0, "disabled_plugins": ["io.c.v1.d"], "timeouts": {"a": "2s"}},
    )
    assert combined.settings[("disabled_plugins",)].value == ["io.a.v1.b", "io.c.v1.d"]
    assert combined.settings[("oom_score",)].value == 5 and combined.settings[("timeouts", "b")].value == "1s"
    assert [(each.origin, each.place) for each in combined.lost] == [
        (MAIN, ("timeouts", "a")),
        (DROP_IN, ("oom_score",)),
    ]


def order(containerd: str, files: dict[str, list[str]]):
    rel = releases.release(releases.parse(containerd))
    known = {path: Source(path, {"imports": names}) for path, names in files.items()}
    ordered, missing = imports.in_order(MAIN, known, rel)
    return [file.path for file in ordered], missing


def test_files_are_read_breadth_first_and_once():
    files = {
        MAIN: ["conf.d/*.toml", "/etc/b.toml"],
        "/etc/containerd/conf.d/2.toml": [],
        "/etc/containerd/conf.d/1.toml": ["/etc/deep.toml", MAIN],
        "/etc/containerd/conf.d/sub/3.toml": [],
        "/etc/b.toml": ["nowhere.toml", "/etc/none/*.toml"],
        "/etc/deep.toml": [],
    }
    ordered = [MAIN, "/etc/containerd/conf.d/1.toml", "/etc/containerd/conf.d/2.toml", "/etc/b.toml", "/etc/deep.toml"]
    assert order("1.7.24", files) == (ordered, ["/etc/nowhere.toml"])
    # a relative pattern with * is taken from the working directory by older releases
    assert order("1.6.20", files)[0] == [MAIN, "/etc/b.toml"]
    assert imports.imported_by("/a/x.toml", "/a/?.toml") is False


def test_1_4_reads_nothing_after_an_import_that_is_missing():
    files = {MAIN: ["a.toml", "missing.toml", "b.toml"], "/etc/containerd/a.toml": [], "/etc/containerd/b.toml": []}
    assert order("1.4.13", files) == ([MAIN, "/etc/containerd/a.toml"], ["/etc/containerd/missing.toml"])
    assert order("1.7.24", files)[0] == list(files)


@pytest.mark.parametrize(
    ("name", "pattern", "right"),
    [
        (".a.toml", "*", True),
        ("a.toml", "[^b]*", True),
        ("!.toml", "[!]*", True),
        ("a.toml", "[!b]*", False),
        ("b.toml", "[a-c]?t*", True),
        ("-", "[a\\-]*", True),
        ("a*", "a\\*", True),
        ("ab*", "a\\*", False),
        ("{a}.toml", "{a}*", True),
        ("a", "[*", False),
        ("a", "*[]a]", False),
        ("a", "[c-a]*", False),
    ],
)
def test_patterns_are_those_of_go(name, pattern, right):
    assert imports.imported_by(f"/etc/{name}", f"/*/{pattern}") is right


def test_files_of_a_pattern_come_folder_by_folder():
    files = {MAIN: ["/etc/*/x.toml"], "/etc/a/x.toml": [], "/etc/a-b/x.toml": []}
    assert order("2.1.9", files)[0] == [MAIN, "/etc/a/x.toml", "/etc/a-b/x.toml"]


@pytest.mark.parametrize("containerd", ["2.0.0", "2.1.9", "2.3.4"])
def test_what_the_migration_leaves_behind_without_a_table_of_runtimes(containerd):
    table = {"snapshotter": "nydus", "discard_unpacked_layers": True}
    combined = combine(containerd, {"version": 2, "plugins": {V2: {"containerd": table}}})
    assert not [path for path in combined.settings if path[0] == "plugins"]
    assert {each.place[-1] for each in combined.lost} == set(table)
    assert all("only if there is a table containerd.runtimes" in each.why for each in combined.lost)
    combined = combine(containerd, {"version": 2, "plugins": {V2: {"containerd": {**table, "runtimes": {"runc": {}}}}}})
    assert found(combined)[V3_IMAGES, "snapshotter"] == "nydus" and not combined.lost


def test_a_short_name_is_the_same_table_as_the_long_one_on_2_1():
    first = {"version": 2, "plugins": {V2: {"sandbox_image": "old"}}}
    combined = combine("2.1.9", first, {"plugins": {"cri": {"sandbox_image": "new"}}})
    assert found(combined)[V3_IMAGES, "pinned_images", "sandbox"] == "new"


def test_both_names_of_a_table_in_one_file_of_version_1_on_2_1():
    both = {"plugins": {"cri": {"registry": {}}, V2: {"sandbox_image": "p"}}}
    with pytest.raises(
        ReleaseError, match=r"config\.toml: plugins\.cri and plugins\.\S+ are two names of the same table"
    ):
        combine("2.1.9", both)
    assert found(combine("1.7.24", both)) == {("io.containerd.grpc.v1.cri", "registry"): {}}


OLD_REGISTRY = {V2: {"registry": {"config_path": "/old"}}}
NEW_REGISTRY = {V3_IMAGES: {"registry": {"config_path": "/new"}}}


@pytest.mark.parametrize(
    ("containerd", "version", "effective"),
    [
        *((release, {"version": 3}, "/new") for release in ("2.0.0", "2.1.9", "2.2.7")),
        *((release, {}, "/new") for release in ("2.0.0", "2.1.9", "2.2.7")),
        *((release, {"version": 2}, "/old") for release in ("2.0.0", "2.1.9", "2.2.7", "2.3.4")),
        ("2.3.0", {"version": 3}, "/old"),
        ("2.3.4", {"version": 3}, "/old"),
    ],
)
def test_which_of_two_registry_tables_counts(containerd, version, effective):
    combined = combine(containerd, {**version, "plugins": {**OLD_REGISTRY, **NEW_REGISTRY}})
    assert combined.settings[("plugins", V3_IMAGES, "registry", "config_path")].value == effective


@pytest.mark.parametrize("containerd", ["1.4.13", "1.7.24", "2.1.9", "2.3.4"])
def test_an_empty_value_overrides_neither_a_default_nor_another_file(containerd):
    empty = {"version": 2, "root": "", "grpc": {"address": "", "gid": 0}, "oom_score": 0}
    combined = combine(containerd, empty)
    moved = {("grpc", "address")} if containerd == "2.3.4" else set()  # there it is a setting of a plugin
    assert {each.place for each in combined.lost} == {("root",), ("grpc", "address")} - moved
    assert all("has a default, and an empty value does not override" in each.why for each in combined.lost)
    other = combine(containerd, {"version": 2, "oom_score": 5}, {"version": 2, "oom_score": 0})
    assert other.settings[("oom_score",)].value == 5 and "main" not in other.lost[0].origin
