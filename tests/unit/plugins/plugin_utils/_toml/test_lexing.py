# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limit of a key's parts, and TOML 1.1, which a newer Python reads and containerd does not."""

from __future__ import annotations

import time

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import lexing, load

NEWER = (
    "a = {\n}",
    "a = { b = 1,\n c = 2 }",
    "a = { b = 1, }",
    "a = { b = 1 , # why\n }",
    "a = [{ b = [1,\n2], }]",
    "a = { b = [1],\n c = 2 }",
    'a = "\\e"',
    'a = "\\\\\\x41"',
    'a = """\n\\e"""',
    '"\\x41" = 1',
    "a = 07:32",
    "a = 1979-05-27 07:32",
    "a = 1979-05-27T07:32+01:00",
)
OLDER = (
    "a = [\n 1, # }\n 2,\n]",
    "a = { b = [\n1,\n], c = '''\n''' }",
    "a = { b = '{' }\n",
    'a = "\\\\e\\\\x41"',
    "a = '\\e'",
    "# \\e 07:32 { \n",
    'a = """\n"" \\"""\n{ 07:32"""\nb = 1',
    "a = ''''x'''''\nb = 1",
    "a = 1979-05-27T07:32:00+01:00\nb = 07:32:00.5\nc = '07:32'",
    "[[a]]\n[a.b]\nc = [{ d = 1 },\n { e = 2 }]",
)


@pytest.mark.parametrize("text", NEWER)
def test_what_toml_1_1_has_beyond_1_0_is_refused_whatever_python_reads(monkeypatch, text):
    monkeypatch.setattr(load.tomllib, "loads", lambda text: {})
    with pytest.raises(load.TomlError, match=r"TOML 1\.1"):
        load.load(text)


@pytest.mark.parametrize("text", OLDER)
def test_toml_1_0_is_read(text):
    assert load.load(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        f"# {'.' * 500}\na = 1",
        'a = ["10.0.0.1"' + ', "10.0.0.1"' * 200 + "]",
        "a = [1.5" + ", 1.5" * 200 + "]",
        f"a = '''\n{'.' * 500}'''",
    ],
)
def test_dots_that_part_no_key_have_no_limit(text):
    assert load.load(text)


@pytest.mark.parametrize("text", ["\n{}k = 1", "\n[{}k]", "a = '''\n''' # x\nb = {{ {}k = 1 }}", '\n{}"." = 1'])
def test_a_key_of_very_many_parts_is_refused_in_no_time(text):
    start = time.monotonic()
    with pytest.raises(load.TomlError, match="a key of more than 100 parts"):
        load.load(text.format("k. " * 40000))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "text", ['"' * 100000, "'" * 100000, '"\\' * 50000, "a" * 120000, " " * 120000, '"""\\' * 30000]
)
def test_looking_at_a_text_takes_time_by_its_length(text):
    start = time.monotonic()
    lexing.most_parts(lexing.bare(text))
    lexing.is_newer_than_1_0(text)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = 1\n"\\u0062" = 2', 2),
        ('["a" . "\\u0062"]', 1),
        ('a = """\n\n"""\n[x."\\u0062" . y]', 4),
        ('a = {"\\u0062" = 1}', 1),
        ('"\\"".b = 1', 1),
        ("'\\u0062' = 1", None),
        ('a = "\\u0062" # "\\u0062" = 1', None),
        ('a = [\n  "x", "\\u0062"]', None),
        ('a = """\n"\\u0062" = 1"""', None),
    ],
)
def test_a_key_with_an_escape(text, line):
    assert lexing.line_of_escaped_key(text) == line
