# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's README, as Galaxy shows it: every variable is in its table, and no link leads out of the page."""

from __future__ import annotations

import role_readme
from pages import Page

PAGE = Page(role_readme.README)


def test_the_table_is_the_one_of_the_specification():
    """If this fails, run `make role-readme`."""
    assert PAGE.text == role_readme.written(PAGE.text, role_readme.options())


def test_every_variable_has_a_row_of_four_cells():
    rows = [line for line in PAGE.text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(role_readme.options()) > 30
    for row in rows:
        assert row.replace(r"\|", "").count("|") == 5, row


def test_a_cell_holds_any_description():
    options = {
        "a": {"description": "One V(a|b), C(c)\n  and O(x=1).", "type": "bool", "default": False},
        "b": {"description": ["Two.", "Three."], "type": "list", "elements": "str", "default": ["x", "y"]},
        "c": {"description": "Four.", "type": "str", "choices": ["u", "v"]},
        "d": {"description": "Five.", "type": "dict", "default": {}},
    }
    assert role_readme.table(options).splitlines()[2:] == [
        r"| `a` | bool | `false` | One `a\|b`, `c` and `x=1`. |",
        "| `b` | list of str | `x`, `y` | Two.<br>Three. |",
        "| `c` | str |  | One of `u`, `v`.<br>Four. |",
        "| `d` | dict | `{}` | Five. |",
    ]


def test_galaxy_shows_the_page_alone():
    assert PAGE.links and all(link.startswith("https://") for link in PAGE.links)
