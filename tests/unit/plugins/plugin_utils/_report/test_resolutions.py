# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the images of a fleet come from, each distinct answer once."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import resolutions
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter


def test_one_answer_of_the_filter_is_as_good_as_a_list_of_one():
    one = filter.resolve("busybox", "2.1.9", variables={"containerd_registry_url": "http://registry.lan"})
    shown = resolutions.lines({"n1": one, "n2": [one], "n3": {"resolved": [one]}})
    assert shown[1] == "  on n1, n2, n3 (containerd 2.1.9)"
    assert shown[-1] == "  fallback: none"
