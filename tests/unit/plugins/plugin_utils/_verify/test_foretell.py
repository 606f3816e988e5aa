# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node will query, foretold: it has to be what the node leads to once it was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, options
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Surveyed
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import modes, plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import foretell, images
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.foretell import Variables

NAMES = ["docker.io/library/busybox:1", "quay.io/a/b:1", "r.lan/x:1", "h.lan/p/x:1", "registry.example.org/y:1"]
FLAT = {"url": "http://r.lan", "username": "u", "password": "p", "upstreams": ["docker.io", "quay.io"]}
HARBOR = {**FLAT, "url": "http://h.lan", "projects": {"docker.io": "hub", "*": "mirror"}}
TLS = {**FLAT, "url": "https://r.lan:8443", "endpoints": {"r.lan:8443": {"skip_verify": True}}}


def variables(given: Mapping[str, Any]) -> Variables:
    asked_for = {**{name: about.get("default") for name, about in options.ARGUMENT_SPEC.items()}, **given}
    settings = modes.settings(asked_for, lambda folder, path: path, "")
    return Variables(asked_for, desired.desired(asked_for), settings)


def configured(version: releases.Version, asked_for: Variables) -> Observation:
    """Return a node that the role has configured, as it is read."""
    todo = plan.make(asked_for.wanted, observation.without_containerd(), asked_for.settings, releases.dotted(version))
    tree = {path.removeprefix(f"{nodes.HOSTS_DIR}/"): text for path, text in todo.tree.writes.items()}
    effective = Effective(config_path=nodes.HOSTS_DIR if todo.mode == "config_path" else "")
    if todo.mode == "legacy":
        (table,) = foretell.requests.tables_of(todo.config_after or "")
        mirrors = {name: each["endpoint"] for name, each in table["mirrors"].items()}
        effective = Effective(mirrors={"docker.io": ["https://registry-1.docker.io"], **mirrors})
    return nodes.node(releases.dotted(version), todo.config_after, effective=effective, hosts=nodes.tree(tree))


@pytest.mark.parametrize("given", [FLAT, HARBOR, TLS], ids=["flat", "Harbor", "TLS"])
@pytest.mark.parametrize("version", [*releases.LANDMARKS, (1, 7, 24), (2, 4, 0)], ids=releases.dotted)
def test_what_is_foretold_is_what_the_node_leads_to(given, version):
    asked_for = variables(given)
    found = [each for each in foretell.foretell(asked_for, NAMES, []) if each.since <= version]
    told = images.questions(Surveyed(configured(version, asked_for), "x86_64", None, None, None), NAMES)
    assert found[-1].images == told.requests and any(found[-1].images)


def test_releases_on_which_nothing_changes_are_one():
    found = foretell.foretell(variables(FLAT), NAMES, [])
    assert [each.since for each in found] == [(1, 4, 0), (1, 5, 0), (1, 6, 17), (2, 1, 0)] and all(
        each.images for each in found
    )


def test_nothing_for_what_is_known_or_impossible():
    only_new = variables({**FLAT, "mode": "config_path"})
    found = foretell.foretell(only_new, NAMES, [], [(2, 1, 0)])
    assert [bool(each.images) for each in found] == [False, True, True, False]
    assert [each.since for each in found] == [each.since for each in foretell.foretell(only_new, NAMES, [])]
