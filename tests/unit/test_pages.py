# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages name and link to is there, and the two READMEs say the same."""

from __future__ import annotations

import re

import command_lines
import matrix
import pytest
import tarball
import yaml
from pages import ROLE, ROOT, Page, anchor_of, pages
from role_options import role_options

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import names

ENGLISH, CHINESE = Page(ROOT / "README.md"), Page(ROOT / "README.zh-CN.md")
REPOSITORY = "https://github.com/airgap/containerd"
RAW = "https://raw.githubusercontent.com/airgap/containerd/main"
FOLDERS = "docs|tests|plugins|roles|playbooks|inventories|extensions|changelogs|meta"
GROUPS = tuple(f"{option}_" for option in names.ADDING_UP)
PROGRAMS = ("containerd", "lab", "make", "nvidia-ctk", "pipx", *command_lines.ANSIBLE)
IN_BOTH_LANGUAGES = pytest.mark.parametrize(
    ("english", "chinese"),
    [(ENGLISH, CHINESE), (Page(ROOT / "docs" / "recipes.md"), Page(ROOT / "docs" / "recipes.zh-CN.md"))],
    ids=repr,
)
EVERY = pytest.mark.parametrize("page", pages(), ids=repr)


@EVERY
def test_links_lead_somewhere(page):
    for link in page.links:
        ours = re.sub(rf"^{re.escape(REPOSITORY)}/(?:blob|tree)/main/", "/", link)
        if ours.startswith(("https://", "http://")):
            continue
        path, _hash, anchor = ours.partition("#")
        folder = ROOT if path.startswith("/") else page.path.parent
        target = (folder / path.lstrip("/")).resolve() if path else page.path
        assert target.exists(), f"{page}: there is no {link}"
        assert ROOT in target.parents, f"{page}: {link} leads out of the repository"
        assert not is_shipped(page.path) or link != ours or is_shipped(target), f"{page}: {link} is not in the tarball"
        if anchor:
            assert anchor in Page(target).anchors, f"{page}: {target.name} has no heading #{anchor}"


def is_shipped(path):
    """Whether the collection's tarball has a file."""
    return path.relative_to(ROOT).parts[0] in tarball.SHIPPED


@EVERY
def test_names_in_the_text_are_those_of_the_collection(page):
    playbook_variables = {
        name
        for playbook in (*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml"))
        for name in re.findall(rf"{ROLE}\w+", playbook.read_text())
    }
    for name in re.findall(rf"\b{ROLE}\w+", page.text):
        short = name.removeprefix(ROLE)
        known = short in role_options() or name in playbook_variables or short.startswith(GROUPS)
        assert known or f"{short}_" in GROUPS, f"{page}: there is no variable {name}"
    for name in re.findall(r"\bairgap\.containerd\.(\w+)", page.text):
        command_lines.check_name(name)


@EVERY
def test_files_and_targets_in_the_text_are_there(page):
    shown = command_lines.named_files(page.name)
    for word in page.words:
        if word not in shown and re.fullmatch(rf"(?:{FOLDERS})/[\w./-]+", word):
            assert (ROOT / word).exists(), f"{page}: there is no {word}"
        if re.fullmatch(r"make [a-z-]+", word):
            command_lines.CHECKS["make"](word.split()[1:], None)
        if word.split()[0] in command_lines.ANSIBLE and " " in word:
            command_lines.check(word, ENGLISH.blocks[0])


@EVERY
def test_messages_in_the_text_are_those_of_the_code(page):
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "plugins").rglob("*.py")))
    source = re.sub(r'"\n\s*f?"', "", source)
    for word in page.words:
        if len(word.split()) >= 3 and not word.startswith("-") and word.split()[0] not in PROGRAMS:
            assert word in source, f"{page}: nothing says {word!r}"


def test_messages_of_refusals_are_those_of_the_code():
    """Those that troubleshooting quotes in italics; … stands for values, and so does a number."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "plugins").rglob("*.py")))
    source = re.sub(r'"\n\s*f?"', "", source)
    refusals = Page(ROOT / "docs" / "troubleshooting.md").prose.partition("## The playbook refuses")[2]
    messages = re.findall(r"(?<!\*)\*([^*\n]+)\*", refusals)
    assert len(messages) > 10
    for message in messages:
        values = re.sub(r"…|\d+", ".{0,40}?", re.escape(message))
        assert re.search(values, source), f"nothing says {message!r}"


def test_every_page_of_docs_is_in_the_index():
    index = Page(ROOT / "docs" / "README.md")
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links}
    there = set((ROOT / "docs").glob("*.md")) - {index.path}
    assert not there - linked, "docs/README.md has no link to these"


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=repr)
def test_the_pictures_are_shown_everywhere(page):
    """GitHub and readers of the tarball use a source; Galaxy drops these, and shows the image at its address."""
    sources = re.findall(r'<source media="\(prefers-color-scheme: (\w+)\)" srcset="(\S+)">', page.prose)
    assert dict(sources) == {scheme: f"docs/pictures/report-{scheme}.png" for scheme in ("dark", "light")}
    for _scheme, path in sources:
        picture = (ROOT / path).read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) < 150_000
    assert f'src="{RAW}/{dict(sources)["light"]}"' in page.prose


@IN_BOTH_LANGUAGES
def test_pages_in_both_languages_have_the_same_parts(english, chinese):
    assert [level for level, _text in english.headings] == [level for level, _text in chinese.headings]
    assert list(map(without_comments, english.blocks)) == list(map(without_comments, chinese.blocks))
    assert targets(english) == targets(chinese)
    assert sorted(set(english.words)) == sorted(set(chinese.words))


def without_comments(block):
    """A block without its comments, which are translated; one that names a file is none."""
    return block.language, re.sub(r"(?m)(^| +)# (?!\S+\.yml$).*$", "", block.text)


def targets(page):
    """The links of a page in their order, whichever language they lead to; headings count by their places."""

    def target(link):
        path, _hash, anchor = link.partition("#")
        if anchor and not path.startswith("https://"):
            headings = Page((page.path.parent / path).resolve() if path else page.path).headings
            anchor = [anchor_of(text) for _level, text in headings].index(anchor)
        return path.replace(".zh-CN.md", ".md"), anchor

    return [target(link) for link in page.links]


def test_the_tables_of_what_is_supported_are_those_of_the_tests():
    lab = yaml.safe_load((ROOT / "inventories" / "lab" / "hosts.yml").read_text())["all"]["hosts"].values()
    minors = [".".join(str(host["lab_containerd"]).split(".")[:2]) for host in lab]
    assert f"the tests run on {', '.join(minors[:-1])} and {minors[-1]};" in ENGLISH.text
    cores = {pair.core: [each.python for each in matrix.PAIRS if each.core == pair.core] for pair in matrix.PAIRS}
    for core, pythons in cores.items():
        row = f"\n| {core} | {pythons[0]} – {pythons[-1]} | "
        for page in (ENGLISH, CHINESE):
            assert (row in page.text) == (core not in matrix.BEFORE_RELEASE), row


@IN_BOTH_LANGUAGES
def test_pages_in_both_languages_have_the_same_parts_in_every_section(english, chinese):
    def outline(page):
        sections = re.split(r"^#+ .*$", page.prose, flags=re.M)
        marks = (r"^\|", r"^- ", r"^\d+\. ", r"\]\(", r"`[^`\n]+`")
        return [[len(re.findall(mark, section, re.M)) for mark in marks] for section in sections]

    for (_level, title), theirs, ours in zip(
        [(0, ""), *english.headings], outline(english), outline(chinese), strict=True
    ):
        assert ours == theirs, f"rows, items, steps, links and words of code below {title!r}"


def test_the_five_lines_are_those_of_the_sample_inventory():
    five_lines = next(block.data for block in ENGLISH.blocks if block.kind == "variables")
    sample = yaml.safe_load((ROOT / "inventories" / "lan" / "group_vars" / "all" / "registry.yml").read_text())
    assert len(five_lines) == 4 and {name: sample.get(name) for name in five_lines} == five_lines


def test_every_class_of_failure_is_documented():
    from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import diagnosis

    for name in ("verify.md", "troubleshooting.md"):
        missing = set(diagnosis.FIXES) - set(Page(ROOT / "docs" / name).words)
        assert not missing, f"docs/{name} says nothing of {missing}"
