# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images of an index a node accepts."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import platforms, releases


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


RELEASES = {version: releases.release(releases.parse(version)) for version in ("1.4.13", "1.5.0", "1.7.24", "2.1.9")}


@pytest.mark.parametrize(
    ("machine", "offered", "by"),
    [
        ("x86_64", "linux/amd64", "all"),
        ("x86_64", "linux/amd64/v1", "1.7.24 2.1.9"),
        ("x86_64", "linux/amd64/v3", ""),
        ("x86_64", "linux/x86_64", "all"),
        ("x86_64", "linux/386", "1.5.0 1.7.24"),
        ("x86_64", "linux/arm64", ""),
        ("x86_64", "windows/amd64", ""),
        ("x86_64", "unknown/unknown", ""),
        ("x86_64", "", "all"),
        ("aarch64", "linux/arm64/v8", "all"),
        ("aarch64", "linux/arm64", "all"),
        ("aarch64", "linux/arm/v7", "1.5.0 1.7.24"),
        ("aarch64", "linux/amd64", ""),
        ("armv6l", "linux/arm/v6", "all"),
        ("armv6l", "linux/arm", ""),
        ("armv7l", "linux/arm", "all"),
        ("armv7l", "linux/arm/v5", "1.4.13 1.5.0 1.7.24"),
        ("riscv64", "linux/riscv64", "all"),
        ("riscv64", "linux/386", ""),
    ],
)
def test_what_a_node_takes(machine, offered, by):
    mine = platforms.of_node(machine)
    taken = [name for name, rel in RELEASES.items() if platforms.takes(mine, offered, rel, rel.transfer_service)]
    assert taken == (list(RELEASES) if by == "all" else by.split())
