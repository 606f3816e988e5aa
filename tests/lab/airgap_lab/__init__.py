# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real containerd nodes and registries on a LAN without internet, on one machine."""

from __future__ import annotations

from airgap_lab.config import LabError
from airgap_lab.lab import Lab

__all__ = ["Lab", "LabError"]
