# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small reader of containerd's own output, against tomllib."""

import sys
from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import dump_reader

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FIXTURES = Path(__file__).parents[3] / "fixtures"


@pytest.mark.parametrize("release", ["1.4.13", "1.6.20", "1.7.24", "2.1.9"])
def test_every_key_of_every_release_is_read_as_tomllib_reads_it(release):
    text = (FIXTURES / f"default-{release}.toml").read_text()
    assert dump_reader.read(text) == _without_arrays_of_tables(tomllib.loads(text))


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
        "a = [1, -2]",
        "a = [true, false]",
        "a = []",
        "a = -5",
        "a = '\u2028 \x85'\nb = 1",
        'a = ""',
        '[x.\'y.z\'."w\\""]\nq = false',
    ],
)
def test_forms(line):
    assert dump_reader.read(line) == tomllib.loads(line)


@pytest.mark.parametrize(
    "line", ["a = 1e5", "a = {b = 1}", "a = [[1]]", "[[t]]\nb = 1", "= 1", "garbage", "[a.]\nb = 1"]
)
def test_what_it_does_not_understand_is_skipped_and_never_fatal(line):
    assert dump_reader.read(line + '\n[good]\nkey = "value"')["good"] == {"key": "value"}
