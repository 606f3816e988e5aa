# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of variables: unused ones are reported, intended ones are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, names
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import ARGUMENT_SPEC
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

ROOT = Path(__file__).resolve().parents[5]
PREFIX = "containerd_registry_"


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("usrname", "username"),
        ("project", "projects"),
        ("mirror", "mirrors"),
        ("endpoint", "endpoints"),
        ("verify_image", "verify_images"),
        ("fallbak", "fallback"),
        ("directs", "direct"),
        ("extra_upstream", "extra_upstreams"),
        ("project_gpu", "projects_gpu"),
        ("extra_upstream_n4", "extra_upstreams_n4"),
        ("mirors_of_site_b", "mirrors_of_site_b"),
        ("URL", "url"),
        ("restart_trottle", "restart_throttle"),
        ("verify_harbour", "verify_harbor"),
        ("report_dri", "report_dir"),
        ("report_mod", "report_mode"),
        ("harbor_username", "verify_harbor_username"),
    ],
)
def test_what_was_meant_is_told(name, likely):
    (warning,) = names.unknown([PREFIX + name, "other", PREFIX + "url"], PREFIX)
    assert warning == f"{PREFIX}{name} is not a variable of this role: did you mean {PREFIX}{likely}?"


@pytest.mark.parametrize("name", ["containerd_registy_url", "container_registry_url", "contianerd_registry_mirrors"])
def test_a_mistake_before_the_name_is_told(name):
    (warning,) = names.unknown([name], PREFIX)
    assert f"did you mean {PREFIX}{name.rpartition('_')[2]}?" in warning


def test_what_is_like_nothing_is_told_alone():
    (warning,) = names.unknown([f"{PREFIX}zzz"], PREFIX)
    assert warning == f"{PREFIX}zzz is not a variable of this role, so nothing reads it"


@pytest.mark.parametrize(
    "name",
    [
        *(PREFIX + each for each in (
            "projects_n4", "mirrors_gpu", "upstreams_gpu", "extra_upstreams_gpu", "direct_gpu", "endpoints_vault",
            "nodes", "report_dir", "report_mode", "result", "pulled", "harbor", "verify_pause",
        )),
        "containerd_version", "containerd_registries", "containerd_registries_mirrors", "containerd_registry", "url",
        "containerd_registry_mirrors", "container_registry", "containerd_insecure_registries", 5, None,
    ],
)  # fmt: skip
def test_names_of_others_and_of_groups_are_not(name):
    assert names.unknown([name], PREFIX) == []


def test_all_names_that_are_written_anywhere_are_known():
    pages = [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.yml")]
    pages += [ROOT / "README.md", *(ROOT / "inventories").rglob("*.yml")]
    written = {
        each for page in pages for each in re.findall(rf"\b{PREFIX}\w*[a-z]\b", page.read_text(encoding="utf-8"))
    }
    written -= {f"{PREFIX}verify_harbor_password".replace("harbor_", "")}
    assert names.unknown(written, PREFIX) == [] and len(written) > 30
    assert set(names.ADDING_UP) < set(ARGUMENT_SPEC)


def test_lists_add_up_as_mappings_do():
    given = {"direct": ["a.lan"], "upstreams": [], "extra_upstreams": ["b.lan"], "projects": {"x.lan": "x"},
             "mirrors": {}, "endpoints": {}}  # fmt: skip
    variables = {
        f"{PREFIX}direct_gpu": ["c.lan", "a.lan"],
        f"{PREFIX}direct_all": "d.lan, e.lan",
        f"{PREFIX}extra_upstreams_gpu": ["f.lan"],
        f"{PREFIX}upstreams_gpu": ["g.lan"],
        f"{PREFIX}projects_gpu": {"y.lan": "y"},
        f"{PREFIX}mirrors_gpu": None,
    }
    assert desired.merged(given, PREFIX, variables) == {
        "direct": ["a.lan", "d.lan", "e.lan", "c.lan"], "upstreams": ["g.lan"], "extra_upstreams": ["b.lan", "f.lan"],
        "projects": {"x.lan": "x", "y.lan": "y"}, "mirrors": {}, "endpoints": {},
    }  # fmt: skip
    assert given["direct"] == ["a.lan"] and given["projects"] == {"x.lan": "x"}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("direct_gpu", {"a": 1}, "is a mapping but a list is required"),
        ("upstreams_gpu", [5], "[0]: 5 is a number but a string is required"),
        ("projects_gpu", ["a"], "is a list but a mapping is required"),
        ("endpoints_gpu", "CaN4ry", "is a string but a mapping is required"),
    ],
)
def test_what_cannot_be_added_is_refused_by_its_name(name, value, problem):
    given = {option: [] if ARGUMENT_SPEC[option]["type"] == "list" else {} for option in names.ADDING_UP}
    with pytest.raises(Refusal) as refused:
        desired.merged(given, PREFIX, {PREFIX + name: value})
    assert str(refused.value).startswith(PREFIX + name) and problem in str(refused.value)
    assert "CaN4ry" not in str(refused.value)
