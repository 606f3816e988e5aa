# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/releases.md are those that plugin_utils/releases.py gives. A failure shows the right lines."""

from __future__ import annotations

import ast
import itertools
import re

import pytest
from pages import ROOT, Page

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release, Version

PAGE = Page(ROOT / "docs" / "releases.md")
MINORS = tuple(releases.END_OF_LIFE)
LAST = 60  # no minor release has had as many patches
VERSIONS = [(major, minor, patch) for major, minor in MINORS for patch in range(LAST + 1)]
UNSAID = ("end_of_life", "security_update")  # where there is none, the page has no line for it
YES = {True: "yes", False: "no"}


def by_mode(rel: Release, config_path: str, legacy: str) -> str:
    """What holds in the mode that `auto` selects; 1.5 has two."""
    if not rel.config_path:
        return legacy
    return config_path if rel.override_path else f"{config_path}; {legacy} with projects"


def token_registries(rel: Release) -> str:
    if not rel.config_path:
        return "`config.toml`"
    return "`hosts.toml`" if rel.header_reaches_token_service else "both files"


COLUMNS = {
    "mode `auto`": lambda rel: by_mode(rel, "`config_path`", "legacy"),
    "catch-all": lambda rel: by_mode(rel, YES[rel.catch_all], "yes"),
    "only mirrors are tried": lambda rel: by_mode(rel, "yes", "no"),
    "credentials if tokens are required": token_registries,
    "`dial_timeout`": lambda rel: YES[rel.dial_timeout],
    "legacy TLS": lambda rel: YES[rel.tls_tables],
    "newest `config.toml`": lambda rel: f"{rel.newest_file}",
}


def span(first: Version, last: Version) -> str:
    """A range of releases as people write it."""
    if last == VERSIONS[-1]:
        return f"{releases.dotted(first)} and later"
    if first == last:
        return releases.dotted(first)
    if (*first[:2], 0) == first and last == (*first[:2], LAST):
        return f"{first[0]}.{first[1]}.x"
    end = f"{last[0]}.{last[1]}.x" if last[2] == LAST else releases.dotted(last)
    return f"{releases.dotted(first)} – {end}"


def runs(value) -> list[tuple[str, object]]:
    """The ranges of releases with equal values, in order."""
    found = []
    for key, group in itertools.groupby(VERSIONS, lambda each: value(releases.release(each))):
        first, *_between, last = [*group] * 2
        found.append((span(first, last), key))
    return found


def summary() -> list[str]:
    rows = runs(lambda rel: tuple(column(rel) for column in COLUMNS.values()))
    head = ["containerd", *COLUMNS]
    return [row(head), row(["---"] * len(head)), *(row([span, *cells]) for span, cells in rows)]


def row(cells) -> str:
    return f"| {' | '.join(cells)} |"


def details() -> dict[str, str]:
    """For every field of Release but the version and Docker's, in which releases it has which value."""
    found = {}
    for name in Release._fields[1:-1]:
        ranges = runs(lambda rel, name=name: getattr(rel, name))
        if {value for _span, value in ranges} <= {True, False}:
            text = ", ".join(span for span, value in ranges if value)
        else:
            told = [(span, value) for span, value in ranges if value or name not in UNSAID]
            text = ", ".join(f"{value or 'none'}: {span}" for span, value in told)
        found[name] = text
    return found


def lines(section: str) -> list[str]:
    text = re.split(r"^## ", PAGE.text, flags=re.M)
    (part,) = (each for each in text if each.startswith(section))
    return [line for line in part.splitlines() if line.startswith("|")]


def test_the_summary():
    assert lines("At a glance") == summary(), "\n" + "\n".join(summary())


def test_every_fact():
    written = {}
    for line in (*lines("Every difference")[2:], *lines("How long a release is supported")[2:]):
        _fact, where, name = (cell.strip() for cell in line.strip("|").split("|"))
        written[name.strip("`")] = where
    assert written == details()


def test_a_release_that_nobody_knows_yet_counts_as_the_newest():
    newest, unknown = releases.release(VERSIONS[-1]), releases.release((9, 0, 0))
    assert unknown._replace(version=newest.version, end_of_life=newest.end_of_life) == newest


@pytest.mark.parametrize("line", MINORS[1:])
def test_a_line_taken_out_is_as_if_nobody_knew_it_yet(line, monkeypatch):
    """What a line can do does not depend on its entry: without it all works as before, but for that date."""
    before = releases.release((*line, LAST))
    monkeypatch.delitem(releases.END_OF_LIFE, line)
    assert releases.release((*line, LAST)) == before._replace(end_of_life="")


def test_the_page_says_what_is_to_go():
    version, when = releases.MIRRORS_GO
    assert f"containerd {version}, planned for {when}" in " ".join(PAGE.text.split())


def test_nothing_else_decides_by_a_release():
    """A new release is an entry in releases.py alone: no other file of the plugins holds a version to compare with."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        if path.name == "releases.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq):
                sides = [ast.unparse(each) for each in (node.left, *node.comparators)]
                assert not any(re.fullmatch(r"\([12], \d+(, \d+)?\)", side) for side in sides), (path, sides)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.fullmatch(r"[12]\.\d+(\.\d+)?", node.value), (path, node.value)
