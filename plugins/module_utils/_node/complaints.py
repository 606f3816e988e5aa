# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd's own words, without the secrets that they quote.

A complaint about TOML quotes the characters, the value or the key where it stopped ("Can't convert 5(int64) to
string"), and it is unknown which of them belong to a password. So of such a complaint only the place and the words
that TOML readers say by themselves stay. No value is searched for: a password may be as short and common as "a".
"""

import re

from ansible_collections.airgap.containerd.plugins.module_utils._shared import masking
from ansible_collections.airgap.containerd.plugins.module_utils._shared.masking import MASK

MAX_LENGTH = 600  # characters

_ABOUT_TOML = re.compile(r"(?<![./])toml|\(\d+, \d+\)|convert|decod|marshal|pars", re.I)
_STAMP = re.compile(r'^time="[^"]*" level=\w+ ')
# It never came to the TOML: all that such a line quotes is the name of the file.
_ABOUT_FILE = re.compile(r"\b(?:open|read|stat) /[^\s:\"']+: (?:no such|permission denied|is a|not a) ?[a-z ]*\"?$")
_PLACE = re.compile(
    r"\(\d+, \d+\):?|(?:row|column|line)[ =]\d+:?|version [`'\"]?\d[`'\"]?|(?:than|got) `\d`[,:]?"
    r"|\"?io\.containerd\.[a-z]+\.v\d(?:\.[a-z]+)?\"?:?"
)
_FIELD = re.compile(r"(time|level|msg|error|file|type|id)=")
_AROUND = "\"'`.,:;()"
_WORDS = frozenset(
    """
    a already an and are array arrays at bare basic be been boolean but by can can't cannot character characters
    close config configuration containerd contain control convert cri date datetime decode defined digit digits
    directory disabled does dot dots drop-in duration end eof equal error escape escaped expect expected expecting
    failed failure field file float following for found from get go got has have higher homogeneous host hosts
    hosts.toml impossible in incomplete inline instead int int64 integer into invalid is item key keys last less
    level line lines literal load local loading map max month more multiline must name near new newline newlines
    no not number of on one only open or out parse parsed parsing permission plugin point quote range read
    reading root row separator sequence slice start starting string strings struct such support supported symbol
    table terminated than the time to token toml top-level tree twice two type unable unclosed underscore underscores
    unescaped unexpected unicode unmarshal unmarshaling unsupported uri use valid value values version warning
    was were with year
    """.split()
)


def of_log(lines):
    """Return the line of containerd's log that says why it does not serve, or an empty string.

    What it dies of comes before what it lives on without, and of that what concerns CRI.
    """
    fatal = [line for line in lines if line.startswith("containerd: ") or "level=fatal" in line]
    failures = [line for line in lines if "failed to load plugin" in line or "level=error" in line]
    line = (fatal or [line for line in failures if "cri" in line] or failures or [""])[-1]
    return _STAMP.sub("", line)


def words(text, paths=()):
    """Return a line of containerd's as it may be shown; ``paths`` are files that it may name."""
    text = masking.without_logins(text[: 20 * MAX_LENGTH].strip())
    if _ABOUT_TOML.search(text) and not _ABOUT_FILE.search(text):
        text = _own_words(text, paths)
    return text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + " ..."


def _own_words(text, paths):
    shown, position = [], 0
    while position < len(text):
        place = _PLACE.match(text, position)
        end = place.end() if place else position + len(text[position:].split(None, 1)[0])
        word = text[position:end]
        if not place and not _may_stay(word, paths):
            word = MASK
        if word != MASK or shown[-1:] != [MASK]:
            shown.append(word)
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return " ".join(shown)


def _may_stay(word, paths):
    core = _FIELD.sub("", word).strip(_AROUND)
    return core.lower() in _WORDS or core in paths
