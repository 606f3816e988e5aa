# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read is in plain English and in the terms of the field: pages, messages, documentation and comments."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS = {
    r"every other (?:one|upstream|registry|image|node)": "all other upstreams, any other upstream",
    r"\bof before\b": "previous, existing, earlier",
    r"\b(?:has|have|had) not got\b": "does not have",
    r"(?<![Tt]here )\b(?:is|are) no (?!longer|more|need)(?=\w)": "is not a",
    r"\bknows? no\b": "does not support",
    r"\bfrom where (?:it|they|the settings)\b": "from the intended registry",
    r"\btak(?:e|es|en|ing) (?:it |them )?(?:all )?back\b": "remove, undo, restore",
    r"\bgives? way to\b": "is replaced by",
    r"\b[Ll]ogins?\b": "credentials",
    r"\b(?:is|was) let in\b|\bto be let in\b": "credentials, authorised",
    r"\b(?:write|writes|and|with|of) (?:a|the) page and\b": "the HTML report",
    r"(?<!certificate )\bauthorit(?:y|ies)\b": "CA",
    r"\bcontrollers?\b": "control node",
    r"\b(?:explicit )?wish(?:es)?\b": "an explicitly set value",
    r"\b(?:is|are) due\b": "is needed, is pending",
    r"\bway out\b": "say what to do",
    r"\bmend(?:s|ed|ing)?\b": "fixes, corrects",
    r"\banew\b|\btill\b": "again, until",
    r"\basked (?:last|itself)\b|\b(?:asks|ask) the (?:public|internal) registry\b": "tried last, contacts",
    r"\b(?:cannot be|is|are) asked (?:anything|themselves)\b|\bnobody (?:to ask|is asked|asks|knows)\b": "contacted",
    r"\bstands? (?:in|beside|below) (?:it|the|a|this)\b": "is in",
    r"\b(?:wants|wanted) (?:a|to be) \b": "needs, expects, requires",
    r"\binsists? on\b": "requires",
    r"\b(?:auto|AUTO\)|module|[Nn]obody) takes\b": "uses, accepts",
    r"\bby somebody else\b": "not written by this role",
    r"\b(?:right already|at last:|as it should\b(?! be))": "up to date, fallback:, as expected",
}
"""What non-natives stumble over, and better words for it."""

ALLOWED = {
    ("plugins/plugin_utils/_report/copies.py", "login"): "skopeo login",
    ("plugins/plugin_utils/_resolve/resolve.py", "login"): "a value of the code",
    **{(f"playbooks/{name}.yml", "controller"): "a value of metrics_on" for name in ("images", "site", "verify")},
}
"""What a line may contain all the same, and why."""

ENDINGS = (".md", ".yml", ".yaml", ".j2", ".py")
FOLDERS = ("plugins/", "roles/", "playbooks/", "docs/", "changelogs/", "inventories/", "extensions/")
TEXTS = ("COMMENT", "STRING", "FSTRING_MIDDLE")
CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`|\b(?:[CVOPM]|RV)\([^()]*(?:\([^()]*\))?[^()]*\)", re.S)
PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [
        name for name in listed
        if name.endswith(ENDINGS) and (name.startswith(FOLDERS) or "/" not in name) and not name.endswith(".zh-CN.md")
    ]  # fmt: skip


def lines(name: str) -> list[tuple[int, str]]:
    """Return what people read of a file, line by line: of Python its comments and strings with more than one word."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".py"):
        return list(enumerate(CODE.sub(lambda match: "\n" * match[0].count("\n"), text).split("\n"), 1))
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] in TEXTS and " " in token.string:
            text = PLACEHOLDER.sub("", token.string) if token.string.startswith("f") else token.string
            plain = CODE.sub(lambda match: "\n" * match[0].count("\n"), text)
            found += [(token.start[0] + index, line) for index, line in enumerate(plain.split("\n"))]
    return found


@pytest.mark.parametrize("name", files())
def test_words(name):
    hits = [
        f"{name}:{number}: {match[0]!r}, better: {better}"
        for number, line in lines(name)
        for pattern, better in WORDS.items()
        for match in re.finditer(pattern, line)
        if (name, match[0]) not in ALLOWED
    ]
    assert not hits, "\n".join(hits)


def test_exceptions_are_needed():
    for name, words in ALLOWED:
        assert any(words in line for dummy, line in lines(name)), (name, words)
