# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images of an index a node takes."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import platforms


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        (("x86_64",), "linux/amd64"),
        (("x86_64", 62, True), "linux/amd64"),
        (("aarch64", 183, True), "linux/arm64"),
        (("aarch64", 40, True), "linux/arm/v7"),  # a system of 32 bits on a kernel of 64
        (("armv6l", 40, True), "linux/arm/v6"),
        (("ppc64le", 21, True), "linux/ppc64le"),
        (("s390x", 22, False), "linux/s390x"),
        (("riscv64", 243, True), "linux/riscv64"),
        (("loongarch64",), "linux/loong64"),
    ],
)
def test_platforms_of_nodes(node, shown):
    assert str(platforms.of_node(*node)) == shown


@pytest.mark.parametrize(
    ("machine", "offered", "takes"),
    [
        ("x86_64", "linux/amd64", True),
        ("x86_64", "linux/amd64/v1", True),
        ("x86_64", "linux/amd64/v3", False),
        ("x86_64", "linux/x86_64", True),
        ("x86_64", "linux/arm64", False),
        ("x86_64", "windows/amd64", False),
        ("x86_64", "unknown/unknown", False),
        ("x86_64", "", True),
        ("aarch64", "linux/arm64/v8", True),
        ("aarch64", "linux/arm64", True),
        ("aarch64", "linux/arm/v7", True),
        ("aarch64", "linux/amd64", False),
        ("armv6l", "linux/arm/v6", True),
        ("armv6l", "linux/arm", False),
        ("armv7l", "linux/arm/v5", True),
        ("riscv64", "linux/riscv64", True),
    ],
)
def test_what_a_node_takes(machine, offered, takes):
    assert platforms.takes(platforms.of_node(machine), offered) is takes
