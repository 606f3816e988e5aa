# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small reader of containerd's own output, against tomllib."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils import _dump
from ansible_collections.airgap.containerd.plugins.plugin_utils import toml_scan

FIXTURES = Path(__file__).parents[1] / "plugin_utils" / "fixtures"


@pytest.mark.parametrize("release", ["1.4.13", "1.6.20", "1.7.24", "2.1.9"])
def test_every_key_of_every_release_is_read_as_tomllib_reads_it(release):
    text = (FIXTURES / f"default-{release}.toml").read_text()
    assert _dump.read(text) == _without_arrays_of_tables(toml_scan.load(text))


def _without_arrays_of_tables(data: dict) -> dict:
    return {
        key: _without_arrays_of_tables(value) if isinstance(value, dict) else value
        for key, value in data.items()
        if not (isinstance(value, list) and value and isinstance(value[0], dict))
    }


@pytest.mark.parametrize(
    "line",
    [
        "a = 'C:\\raw'",
        'a = "q\\"\\\\ \\u00e9 \\U0001F600\\t"',
        'a = ["x", "y"]',
        "a = ['x']",
        "a = []",
        "a = -5",
        'a = ""',
        '[x.\'y.z\'."w\\""]\nq = false',
    ],
)
def test_forms(line):
    assert _dump.read(line) == toml_scan.load(line)


@pytest.mark.parametrize(
    "line", ["a = 1e5", "a = {b = 1}", "a = [[1]]", "[[t]]\nb = 1", "= 1", "garbage", "[a.]\nb = 1"]
)
def test_what_it_does_not_understand_is_skipped_and_never_fatal(line):
    assert _dump.read(line + '\n[good]\nkey = "value"')["good"] == {"key": "value"}
