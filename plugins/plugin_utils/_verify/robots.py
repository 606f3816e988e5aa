# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbor's robot accounts: until when they pull. By default that is 30 days, and then a right secret is refused."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timezone
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Robot

WARN_DAYS = 14
_DAY = 24 * 60 * 60
_NEVER = -1
_LATEST = 253402300799  # the last second of the year 9999


class Account(NamedTuple):
    """What is known of a robot account; None stands for what may not be seen."""

    name: str
    harbor: str
    expires_at: str | None  # as 2026-12-05T10:00:00Z
    never_expires: bool | None
    disabled: bool | None
    gone: str | None  # why it does not pull any more
    warning: str | None  # that it soon will not


def name(authorization: str | None) -> str | None:
    """Return the name of the robot account in this Authorization header; None for other accounts."""
    scheme, dummy, value = (authorization or "").partition(" ")
    try:
        found = base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
    return found if scheme.lower() == "basic" and "$" in found else None


def account(name: str, harbor: str, seen: Robot | None, now: float) -> Account:
    """Return what is known of a robot account of the Harbor with this URL; `now` in seconds since the epoch."""
    expires = seen.expires_at if seen else None
    never = None if expires is None else expires == _NEVER
    disabled = seen.disabled if seen else None
    at = None
    if expires is not None and 0 < expires <= _LATEST:
        at = datetime.fromtimestamp(expires, timezone.utc)
    who = f"Harbor's robot account {name}"
    gone = warning = None
    if disabled:
        gone = f"{who} is disabled: enable it in Harbor."
    elif at and at.timestamp() <= now:
        gone = (
            f"{who} expired on {at:%Y-%m-%d}, so even its correct secret is refused. Extend it in Harbor (the days "
            "count from its creation), or create another one and set its credentials in the role's variables."
        )
    elif at and at.timestamp() - now <= WARN_DAYS * _DAY:
        days = int((at.timestamp() - now) // _DAY)
        left = f"in {days} day{'' if days == 1 else 's'}" if days else "in less than a day"
        warning = (
            f"{who} ({harbor}) expires on {at:%Y-%m-%d}, {left}, and then pulls with it fail: extend it in Harbor, or "
            "create another one, run the role with its credentials, and then remove this one"
        )
    return Account(name, harbor, f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None, never, disabled, gone, warning)
