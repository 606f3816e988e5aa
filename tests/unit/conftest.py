# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests repeat one search in the usual run; `make properties` and `make unit` search anew, see Makefile."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parents[1]
# Where the tests' helpers are. `ansible-test units` does not read pyproject.toml, which says the same for all tests.
sys.path[:0] = [str(TESTS / name) for name in ("unit", "tools", "integration", "audit", "faults", "lab")]

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("random", max_examples=50, print_blob=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("long", max_examples=4000, print_blob=True, deadline=None, suppress_health_check=SLOW)
settings.load_profile("fixed")
