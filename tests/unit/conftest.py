# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests repeat one search in the usual run; `make properties` and `make unit` search anew, see Makefile."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("random", max_examples=50, print_blob=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("long", max_examples=4000, print_blob=True, deadline=None, suppress_health_check=SLOW)
settings.load_profile("fixed")
