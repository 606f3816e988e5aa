# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one refusal: what cannot be done, why, and what to do about it."""

from __future__ import annotations


class Refusal(ValueError):
    """This cannot be done: the message says why, and what to do. Subclasses are those that someone catches."""
