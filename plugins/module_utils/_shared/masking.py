# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts without the credentials in them."""

import re

MASK = "********"
_USERINFO = re.compile(r"""(?<=://)[^\s"'/]{0,2000}@""")
_LOGIN = re.compile(r"\b(Basic|Bearer) +[^\s\"']+", re.I)


def without_logins(text: str) -> str:
    """Return text without the user and password of a URL or of an Authorization header."""
    return _LOGIN.sub(r"\1 " + MASK, _USERINFO.sub(MASK + "@", text))
