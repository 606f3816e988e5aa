# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text as a terminal may have it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs

EVIL = "a\x1b[2J\x1b]0;owned\x07\r\u009b31m\u202eb\u2066c\u200bd\x7f"


def test_what_a_terminal_would_act_on_is_spelled_out():
    assert _text.escaped("a\tü\n漢\n") == "a\tü\n漢\n"
    assert _text.escaped("\x1b[2J\u202e") == "\\u001b[2J\\u202e"


@given(st.text())
def test_lines_are_kept_and_nothing_acts(text):
    shown = _text.escaped(text)
    assert all(char.isprintable() or char in "\n\t" for char in shown) and shown.count("\n") == text.count("\n")
    assert _text.line(text).isprintable()


def test_a_diff_shows_text_whatever_the_file():
    for path in ("/etc/containerd/certs.d/a/ca.crt", "/etc/containerd/config.toml", "/x\x1b[2J"):
        shown = diffs.file_diff(path, f"a = 1 # {EVIL}\n", f"a = 2 # {EVIL}\n")
        assert all(char.isprintable() or char in "\n\t" for text in shown.values() for char in text)


def test_a_result_shows_text_whatever_the_value():
    shown = diffs.fit_for_a_result({"a": EVIL, "b": ["ü漢", 1]})
    assert "\u202e" not in shown["a"] and "\u009b" not in shown["a"] and shown["b"] == ["ü漢", 1]
