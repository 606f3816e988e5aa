# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when robot accounts pull."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Robot
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import robots

NOW = 1_800_000_000.0
DAY = 86400


def test_whose_login_a_header_is():
    basic = _secrets.basic_authorization
    assert robots.name(basic("robot$hub+puller", "p:q")) == "robot$hub+puller"
    for other in (None, "", "Bearer x", "Basic ?", basic("admin", "p$ss"), "Basic /w=="):
        assert robots.name(other) is None


@pytest.mark.parametrize(
    ("seen", "expires_at", "never", "gone", "warning"),
    [
        (None, None, None, None, None),
        (Robot(None, False), None, None, None, None),
        (Robot(-1, False), None, True, None, None),
        (Robot(int(NOW) + 14 * DAY + 1, False), "2027-01-29T08:00:01Z", False, None, None),
        (Robot(int(NOW) + 14 * DAY, False), "2027-01-29T08:00:00Z", False, None, "expires on 2027-01-29, in 14 days,"),
        (Robot(int(NOW) + DAY, False), "2027-01-16T08:00:00Z", False, None, "in 1 day,"),
        (Robot(int(NOW) + 5, False), "2027-01-15T08:00:05Z", False, None, "in less than a day,"),
        (Robot(int(NOW), False), "2027-01-15T08:00:00Z", False, "expired on 2027-01-15", None),
        (Robot(-1, True), None, True, "is disabled", None),
        (Robot(10**15, False), None, False, None, None),
        (Robot(-(10**15), False), None, False, None, None),
        (Robot(0, False), None, False, None, None),
    ],
)
def test_until_when_a_robot_pulls(seen, expires_at, never, gone, warning):
    found = robots.account("robot$p", "http://h.lan", seen, NOW)
    assert (found.expires_at, found.never_expires) == (expires_at, never)
    assert (found.gone is None) == (gone is None) and (gone or "") in (found.gone or "")
    assert (found.warning is None) == (warning is None) and (warning or "") in (found.warning or "")
