# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-test units` cannot read in pyproject.toml, and how far property tests search: see Makefile."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parents[1]
# Where the tests' helpers are.
sys.path[:0] = [str(TESTS / name) for name in ("unit", "tools", "integration", "audit", "faults", "lab", "bench")]
# Where programs that tests start find the collection: below a folder named so if it is staged, else through the link.
STAGED = TESTS.parents[2].name == "ansible_collections"
COLLECTIONS = str(TESTS.parents[3] if STAGED else TESTS.parent / ".collections")
os.environ["ANSIBLE_COLLECTIONS_PATH"] = COLLECTIONS
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [COLLECTIONS, os.environ.get("PYTHONPATH")]))

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("random", max_examples=50, print_blob=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("long", max_examples=4000, print_blob=True, deadline=None, suppress_health_check=SLOW)
settings.load_profile("fixed")


def pytest_configure(config):
    """Name the markers."""
    config.addinivalue_line("markers", "properties: searches for counterexamples")
