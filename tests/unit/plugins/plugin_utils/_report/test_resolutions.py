# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the images of a fleet come from, each distinct answer once."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import resolutions
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter

VARIABLES = {"containerd_registry_url": "http://registry.lan"}


def test_one_answer_of_the_filter_is_as_good_as_a_list_of_one():
    one = filter.resolve("busybox", "2.1.9", variables=VARIABLES)
    shown = resolutions.lines({"n1": one, "n2": [one], "n3": {"resolved": [one]}})
    assert shown[1] == "  on n1, n2, n3 (containerd 2.1.9)"
    assert shown[-1] == "  fallback: none"


def test_each_containerd_of_a_node_is_named():
    one = filter.resolve("busybox", "2.1.9", variables=VARIABLES)
    two = {**one, "version": "Docker 28.5.2"}
    both = {"resolved": [one], "containerd": {"distribution": None}, "docker": {"resolved": [two]}}
    silent = {**both, "docker": {"msg": "Docker 26.1.5 does not read hosts.toml files"}}
    rke2 = {"resolved": [one], "containerd": {"distribution": "rke2"}}
    shown = resolutions.lines({"n1": both, "n2": silent, "n3": rke2})
    assert shown[1] == "  on n1, n2 (containerd 2.1.9); n1 (Docker) (Docker 28.5.2); n3 (containerd 2.1.9 of rke2)"
    assert shown[-1] == "n2 (Docker): no answer: Docker 26.1.5 does not read hosts.toml files"
