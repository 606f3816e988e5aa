# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/migration.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.airgap.containerd.plugins.action.containerd_registry import ARGUMENT_SPEC
from ansible_collections.airgap.containerd.plugins.plugin_utils import migration, model, toml_edit

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
PREFIX = "containerd_registry_"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_the_plan_of_the_example():
    (before,) = blocks("toml")
    (plan,) = blocks("text")
    registry = toml_edit.load(before)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    wanted = model.desired({"url": "http://registry.lan", "upstreams": ["docker.io"]})
    found = migration.from_registry(registry, wanted, PREFIX)
    assert [*found.items, *found.staying, *found.replaced] == plan.splitlines()


def test_the_variables_are_right():
    for text in blocks("yaml"):
        variables = {name.removeprefix(PREFIX): value for name, value in yaml.safe_load(text).items()}
        assert set(variables) <= set(ARGUMENT_SPEC), variables
        if "mirrors" in variables:
            model.desired({"url": "http://registry.lan", **variables}, PREFIX)
        for name, value in variables.items():
            assert value in ARGUMENT_SPEC[name].get("choices", [value])


def test_the_playbooks_are_there():
    names = re.findall(r"airgap\.containerd\.(\w+)", "".join(blocks("shell")))
    assert names and all((ROOT / "playbooks" / f"{name}.yml").is_file() for name in names)


def test_the_messages_are_those_of_the_code():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py"))
    assert "nothing of this role is here" in sources and "nothing of this role is here" in PAGE
    named = set(re.findall(rf"`{PREFIX}(\w+)`", PAGE))
    assert named and named <= set(ARGUMENT_SPEC)
