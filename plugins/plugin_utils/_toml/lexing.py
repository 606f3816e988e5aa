# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be told of a TOML text without reading it: strings and comments apart, long keys, syntax of TOML 1.1.

Python reads TOML 1.1 from 3.15 on, and containerd TOML 1.0 or less, so that syntax is looked for here.
"""

from __future__ import annotations

import re

# A string that is not closed goes to the end of the line, or of the text: whatever follows is not read then.
STRING = (
    r'"""(?:[^\\]|\\.)*?(?:"{3,5}|\\?\Z)|'
    r"'''.*?(?:'{3,5}|\Z)|"
    r'"(?:[^"\\\n]|\\[^\n])*"?|'
    r"'[^'\n]*'?"
)
COMMENT = r"#[^\n]*"
_STRING_OR_COMMENT = re.compile(f"{STRING}|{COMMENT}", re.DOTALL)
_NEW_ESCAPE = re.compile(r"(?:[^\\]|\\[^ex])*\\[ex]", re.DOTALL)
_SHORT_TIME = re.compile(r"(?<![-+:\d])\d\d:\d\d(?![:\d])")
_ESCAPED_KEY = re.compile(r"\\[ \t]*[.=]|^[ \t]*\[[^\n\],=]*\\[ \t]*\]", re.M)
_BLANKS = re.compile(r"[ \t\r]+")
_END_OF_KEY = re.compile(r"[\n,=\[\]{}]")
_PUNCTUATION = re.compile(r"[\n\[\]{}]|,(?=\})")


def bare(text: str) -> str:
    """Return a text with a letter for each string (and a \\v for each line end in it), and without comments."""
    return _STRING_OR_COMMENT.sub(lambda match: _instead(match.group()), text)


def _instead(token: str) -> str:
    return "" if token[0] == "#" else "s" + "\v" * token.count("\n")


def most_parts(text: str) -> tuple[int, int]:
    """Return how many dots the longest key of a `bare` text has (numbers count too), and its line."""
    line, pos = 1, 0
    squeezed = _BLANKS.sub("", text)
    found = (0, 1)
    for end in [*_END_OF_KEY.finditer(squeezed), None]:
        stop = end.start() if end else len(squeezed)
        most = squeezed.count(".", pos, stop)
        if most > found[0]:
            found = (most, line)
        if end:
            line += squeezed.count("\n", pos, end.end()) + squeezed.count("\v", pos, end.end())
            pos = end.end()
    return found


def line_of_escaped_key(text: str) -> int | None:
    """Return the line of the first key that is spelled with an escape, None where there is none."""
    marked = _STRING_OR_COMMENT.sub(lambda match: _marked(match.group()), text)
    found = _ESCAPED_KEY.search(marked)
    return sum(marked.count(end, 0, found.end()) for end in "\n\v") + 1 if found else None


def _marked(token: str) -> str:
    """Return what stands for a string or a comment: as `bare` has it, but a backslash for one with escapes."""
    return "\\" if token[0] == '"' and token[:3] != '"""' and "\\" in token else _instead(token)


def is_newer_than_1_0(text: str) -> bool:
    """Return whether a text that is valid TOML 1.1 uses what TOML 1.0 does not have."""
    strings = (match.group() for match in _STRING_OR_COMMENT.finditer(text) if match.group()[0] == '"')
    if any("\\" in each and _NEW_ESCAPE.match(each) for each in strings):
        return True
    rest = bare(text)
    return bool(_SHORT_TIME.search(rest)) or _has_new_inline_table(_BLANKS.sub("", rest))


def _has_new_inline_table(text: str) -> bool:
    """Return whether an inline table has a line end or a comma behind its last value."""
    open_brackets: list[str] = []
    for match in _PUNCTUATION.finditer(text):
        char = match.group()
        if char in "[{":
            open_brackets.append(char)
        elif char in "]}":
            del open_brackets[-1:]
        elif char == "," or open_brackets[-1:] == ["{"]:
            return True
    return False
