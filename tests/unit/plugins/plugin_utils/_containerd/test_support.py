# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a release is looked after."""

from __future__ import annotations

import re

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import support

TODAY = "2026-11-28"
REVISION = "88bf19b2105c8b17560993bee28a01ddc2f97182"


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("1.4.13", "containerd 1.4.13 is out of support since 2022-03-03"),
        ("2.1.9", "containerd 2.1.9 is out of support since 2026-07-03"),
        (
            "1.7.34",
            "that 1.7.35 fixes: update it, or better to a newer release line, because 1.7 is out of support since",
        ),
        ("1.7.35", "containerd 1.7.35 is out of support since 2026-09-30"),
        ("2.0.11", "that 2.0.12 fixes: update it"),
        ("2.0.12", None),
        ("2.2.7", "that 2.2.8 fixes: update it, or better"),
        ("2.3.4", "containerd 2.3.4 has a vulnerability (CVE-2026-53495) that 2.3.5 fixes: update it"),
        ("2.3.5-rc.0", "that 2.3.5 fixes"),
        ("2.3.5", None),
        ("2.4.0", None),
        ("2.9.1", None),
    ],
)
def test_what_is_said_of_a_release(version, says):
    for name in ("containerd.io", "github.com/containerd/containerd/v2"):
        told = support.support(f"containerd {name} v{version} {REVISION}", TODAY).warnings
        assert len(told) == (says is not None) and all(says in each for each in told)


def test_the_last_day_of_support_is_one_of_it():
    line = f"containerd containerd.io 1.7.35 {REVISION}"
    assert not support.support(line, "2026-09-30").warnings and support.support(line, "2026-10-01").warnings


@pytest.mark.parametrize(
    "text",
    [
        "containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+deb13u1",
        "containerd github.com/containerd/containerd 1.6.12-0ubuntu1~22.04.3",
        "containerd github.com/containerd/containerd 1.7.12",
        "containerd github.com/k3s-io/containerd v2.1.5-k3s1",
        "containerd github.com/containerd/containerd 1.6.19-46.el9 1e1ea6e",
    ],
)
def test_packages_have_repairs_that_their_number_does_not_tell(text):
    found = support.support(text, TODAY)
    assert found.package and not found.warnings and found.end_of_life


def test_mirrors_in_config_toml_are_to_go_where_there_is_another_way():
    said = "containerd 2.7, planned for September 2027, will drop mirrors in config.toml"
    (told,) = support.support("containerd c 2.3.5", TODAY, legacy=True).warnings
    assert told.startswith(said)
    assert said not in str(support.support("containerd c 1.7.24", TODAY, legacy=True).warnings)


@pytest.mark.parametrize(
    ("version", "when"),
    [("1.4.13", "right after"), ("1.7.24", "before"), ("2.1.9", "before"), ("2.2.0", None), ("2.2.7", None)],
)
def test_an_upgrade_after_which_mirrors_keep_cri_from_loading(version, when):
    told = [each for each in support.support(f"containerd c {version}", TODAY, legacy=True).warnings if "CRI" in each]
    said = f"CRI of containerd 2.2.0 to 2.2.1 does not load .*: upgrade to another release, .* {when} the upgrade"
    assert bool(told) == (when is not None) and all(re.search(said, each) for each in told)
    assert "CRI" not in str(support.support(f"containerd c {version}", TODAY).warnings)
