# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy containerd uses, as Go decides it."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies


@pytest.mark.parametrize(
    ("url", "no", "direct"),
    [
        ("http://registry.lan", None, False),
        ("http://registry.lan", "*", True),
        ("http://registry.lan", "localhost, Registry.LAN ", True),
        ("http://registry.lan", "lan", True),
        ("http://registry.lan", ".lan", True),
        ("http://registry.lan", "*.lan", True),
        ("http://lan", ".lan", False),
        ("http://registry.lan", "try.lan", False),
        ("http://registry.lan:5000", "registry.lan:80", False),
        ("http://registry.lan", "registry.lan:80", True),
        ("http://registry.lan", "10.0.0.0/8", False),
        ("http://10.77.0.5:5000", "10.0.0.0/8", True),
        ("http://10.77.0.5", "10.77.0.5", True),
        ("http://10.77.0.5", "10.77.0.5:81", False),
        ("http://[fd00::5]:5000", "fd00::/8", True),
        ("http://[fd00::5]", "fd00::5", True),
        ("http://[fd00::5]:81", "[fd00::5]:80", False),
        ("http://10.77.0.5", "nonsense/99,,", False),
        ("http://localhost:5000", None, True),
        ("http://127.0.0.2", None, True),
        ("https://registry.lan", None, True),
        ("http://registry.lan", "x, registry.lan", True),
        ("http://registry.lan", ".registry.lan", False),
        ("http://registry.lan", "an", False),
        ("http://10.1.2.3:5000", "11.0.0.0/8", False),
        ("http://[::1]:5000", None, True),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(url, no, direct):
    environment = Proxies(http="http://proxy:3128", no=no)
    assert (proxies.proxy_for(url, environment) is None) == direct
