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
        ("http://10.1.2.3", ".2.3", True),  # an address, too, ends like a domain
        ("http://10.1.2.3", "2.3", True),
        ("http://10.1.2.3:5000", "*.2.3:5000", True),
        ("http://10.1.2.3", "*.2.3:5000", False),
        ("http://10.1.2.3", "1.2.3.", False),
        ("http://[fd00::5]", "[fd00::5]", False),  # with brackets it needs a port
        ("http://[fd00::5]", "[fd00::5]:", True),
        ("http://[fd00::5]:80", "[fd00:0::5]:80", True),
        ("http://[fd00::5%25eth0]", "fd00::5", False),
        ("http://10.1.2.3", "10.0.0.0/255.0.0.0", False),
        ("http://10.1.2.3", "10.0.0.0/", False),
        ("http://10.1.2.3", "10.9.9.9/8", True),
        ("http://10.1.2.3", "010.0.0.0/8", False),
        ("http://10.1.2.3", "10.1.2.3/33", False),
        ("http://[::ffff:10.1.2.3]", "10.0.0.0/8", True),
        ("http://10.1.2.3", "::ffff:10.0.0.0/104", True),
        ("http://10.1.2.3", "::ffff:10.1.2.3", True),
        ("http://10.1.2.3", "::/0", False),
        ("http://[::ffff:127.0.0.1]", None, True),
        ("http://LOCALHOST", None, False),  # Go compares as it is written
        ("http://localhost.", None, False),
        ("http://REGISTRY.lan", "registry.LAN", True),
        ("http://registry.lan", ":80", False),
        ("http://registry.lan", "registry.lan:", True),
        ("http://registry.lan", "registry.lan:http", False),
        ("http://registry.lan:", "registry.lan:80", True),
        ("http://registry.lan", "http://registry.lan", False),
        ("http://registry.lan", "registry.lan/", False),
        ("http://registry.lan", "a:b:c,registry.lan", True),
        ("http://registry.lan", "registry.lan other.lan", False),
        ("http://registry.lan", "*lan", False),
        ("http://registry.lan", "*.", False),
        ("http://registry.lan", ".", False),
        ("http://registry.lan:99999", "registry.lan:99999", True),
        ("http://registry.lan:99999", None, False),
        ("ftp://registry.lan", None, True),
        ("unix:///run/x", None, True),
        ("http://[::1", None, True),
        ("", None, True),
        ("http://\u955c\u50cf.lan", "\u955c\u50cf.lan", True),
        ("http://\u955c\u50cf.lan", "xn--" + "\u955c\u50cf".encode("punycode").decode() + ".lan", True),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(url, no, direct):
    environment = Proxies(http="http://proxy:3128", no=no)
    found = proxies.proxy_for(url, environment)
    assert found == (None if direct else "http://proxy:3128")


@pytest.mark.parametrize(
    ("proxy", "host"),
    [
        ("proxy:3128", "proxy:3128"),
        ("http://proxy", "proxy"),
        ("socks5://[fd00::1]:1080", "[fd00::1]:1080"),
        ("10.0.0.1:3128", "10.0.0.1:3128"),
        ("http://[", "http:"),  # Go puts another http:// in front, and its dialer finds nothing there
        ("http://h:99999", "h:99999"),
        ("http://%zz", None),
        ("\x01", None),
        ("", None),
        (None, None),
    ],
)
def test_the_address_of_a_proxy(proxy, host):
    assert proxies.proxy_for("https://registry.lan", Proxies(https=proxy)) == (proxy if host else None)
    assert proxies.host_of(proxy or "") == host
