# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's pages in Markdown, taken apart: headings, links, words of code, and fenced blocks with their kind.

The kind of a block follows from its language and what it holds, never from a list of pages, so that a new page, or a
new block in an old one, is tested from its first day. What has no kind is an error.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
NO_PAGES = {"CHANGELOG.md", "hostile_inputs.md"}
"""One is generated, the other holds test data."""
ROLE = "containerd_registry_"
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.S | re.M)
LANGUAGES = {
    "shell": "shell",  # typed on the control node
    "sh": "node",  # typed on a node, as root
    "toml": "toml",
    "json": "json",
    "mermaid": "mermaid",
    "ini": "unit",  # of systemd
    "dockerfile": "dockerfile",
    "text": "output",
}


class Block(NamedTuple):
    """A fenced block; `before` is the paragraph above it."""

    page: str
    section: str
    line: int
    language: str
    text: str
    before: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def data(self) -> Any:
        """What a block of YAML holds."""
        return yaml.safe_load(self.text)

    @property
    def file(self) -> str | None:
        """The file that the first line names in a comment, as in `# site.yml`, or that ends the paragraph above it."""
        match = re.match(r"# (\S+\.(?:ya?ml|toml|cfg|txt))\b", self.text)
        above = re.findall(r"`(\w\S*[/.]\S+)`:$", self.before)
        return match.group(1) if match else above[-1] if above else None

    @property
    def kind(self) -> str:
        """The kind of the block, which determines its test; raises ValueError if it is unknown."""
        if self.language in LANGUAGES:
            return LANGUAGES[self.language]
        if self.language == "yaml":
            return self._yaml_kind()
        raise ValueError(f"{self}: nobody knows how to test a block of {self.language or 'no language'}")

    def _yaml_kind(self) -> str:
        data = self.data
        if isinstance(data, list) and all(isinstance(each, dict) for each in data):
            plays = [each for each in data if {"hosts", "ansible.builtin.import_playbook"} & set(each)]
            return "playbook" if plays else "tasks"
        if isinstance(data, dict):
            if all(name.startswith((ROLE, "vault_")) for name in data):
                return "variables"
            if all(isinstance(each, dict) and {"hosts", "children"} & set(each) for each in data.values()):
                return "inventory"
            if {"version", "images", "dependencies"} <= set(data):
                return "environment"  # of ansible-builder
            if self.file:
                return "file"
        raise ValueError(f"{self}: nobody knows how to test this YAML")


class Page:
    """One page."""

    def __init__(self, path: Path):
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.text = path.read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def blocks(self) -> list[Block]:
        """Its fenced blocks."""
        found = []
        for match in FENCE.finditer(self.text):
            before = self.text[: match.start()]
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", before), re.M)
            language, text = match.groups()
            section, line = headings[-1] if headings else "", before.count("\n") + 1
            found.append(Block(self.name, section, line, language, text, before.rstrip().rpartition("\n\n")[2]))
        return found

    @cached_property
    def prose(self) -> str:
        """The page without its blocks."""
        return FENCE.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Its headings with their levels."""
        return [(len(marks), text) for marks, text in re.findall(r"^(#+) (.*)$", self.prose, re.M)]

    @property
    def anchors(self) -> set[str]:
        """What can follow # in a link to it: as GitHub makes them of headings."""
        return {anchor_of(text) for _level, text in self.headings}

    @property
    def links(self) -> list[str]:
        """The targets of its links, in their order."""
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    @property
    def words(self) -> list[str]:
        """The text in backquotes."""
        return re.findall(r"`([^`\n]+)`", self.prose)


def anchor_of(heading: str) -> str:
    """What follows # in a link to a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")


def pages() -> list[Page]:
    """Every page of the project."""
    patterns = ("*.md", "docs/**/*.md", "roles/**/*.md", "tests/**/*.md", "extensions/**/*.md")
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.name not in NO_PAGES}
    return [Page(path) for path in sorted(found)]


def blocks(kind: str) -> list[Block]:
    """Every block of a kind."""
    return [block for page in pages() for block in page.blocks if block.kind == kind]


def commands(block: Block) -> list[str]:
    """The commands of a block for a shell, one a line, without comments."""
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    return [line for line in (re.sub(r"\s+#.*$|^#.*$", "", line).strip() for line in lines) if line]
