# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a node, a registry or a file, as a terminal may have it."""

from __future__ import annotations

MAX_LINE = 2000
"""Characters of a message that a node may put in front of people; the rest is cut off."""


def escaped(text: str) -> str:
    """Return text of many lines in which no terminal acts on anything: such characters stand there as \\u202e."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\u{ord(char):04x}" for char in text)


def line(text: str) -> str:
    """Return text as one bounded line that no terminal acts on."""
    text = text[: MAX_LINE + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)
    return text if len(text) <= MAX_LINE else text[:MAX_LINE] + " …"
