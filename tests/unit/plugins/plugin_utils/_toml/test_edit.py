# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of config.toml: exact layouts, meaning, and what is refused."""

from __future__ import annotations

import ast
import difflib
import pathlib
import subprocess
import sys
import textwrap
from datetime import date, datetime

import pytest
import tomlkit

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs, edit, writing
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.toml"))
CRI = "io.containerd.grpc.v1.cri"
IMAGES = "io.containerd.cri.v1.images"
REGISTRY = ["plugins", CRI, "registry"]
AUTH = {"auth": {"username": "robot$puller", "password": 'S3"c\\'}}


def fixture(name: str) -> str:
    return (FIXTURES / f"{name}.toml").read_bytes().decode()


def registry(plugin: str = CRI, **settings_: object) -> dict:
    return {"plugins": {plugin: {"registry": settings_}}}


def diff(before: str, after: str) -> str:
    """Return the changed lines with one line of context around them and without a header."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("--- ", "+++ ", "@@")))


def block(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


# (fixture, merge, remove, diff)
FILE_CASES = {
    "config_path replaces an empty one, mirrors go": (
        "default-1.6.20",
        registry(config_path="/etc/containerd/certs.d"),
        [[*REGISTRY, "mirrors"]],
        """
             [plugins."io.containerd.grpc.v1.cri".registry]
        -      config_path = ""
        +      config_path = "/etc/containerd/certs.d"

               [plugins."io.containerd.grpc.v1.cri".registry.headers]
        -
        -      [plugins."io.containerd.grpc.v1.cri".registry.mirrors]

        """,
    ),
    "the first key of a table, mirrors with children go": (
        "default-1.4.13",
        registry(config_path="/etc/containerd/certs.d"),
        [[*REGISTRY, "mirrors"]],
        """
             [plugins."io.containerd.grpc.v1.cri".registry]
        -      [plugins."io.containerd.grpc.v1.cri".registry.mirrors]
        -        [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
        -          endpoint = ["https://registry-1.docker.io"]
        +      config_path = "/etc/containerd/certs.d"
             [plugins."io.containerd.grpc.v1.cri".image_decryption]
        """,
    ),
    "another mirror beside the first, without blank lines": (
        "default-1.4.13",
        registry(mirrors={"quay.io": {"endpoint": ["http://harbor.lan", "http://b.lan"]}}),
        [],
        """
                   endpoint = ["https://registry-1.docker.io"]
        +        [plugins."io.containerd.grpc.v1.cri".registry.mirrors."quay.io"]
        +          endpoint = ["http://harbor.lan", "http://b.lan"]
             [plugins."io.containerd.grpc.v1.cri".image_decryption]
        """,
    ),
    "mirrors and credentials below the empty tables of the defaults": (
        "default-1.7.24",
        registry(mirrors={"*": {"endpoint": ["http://h"]}}, configs={"h:80": AUTH}),
        [],
        r"""
        +          [plugins."io.containerd.grpc.v1.cri".registry.configs."h:80".auth]
        +            username = "robot$puller"
        +            password = "S3\"c\\"
        +
               [plugins."io.containerd.grpc.v1.cri".registry.headers]
               [plugins."io.containerd.grpc.v1.cri".registry.mirrors]
        +
        +        [plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]
        +          endpoint = ["http://h"]

        """,
    ),
    "the quotes of the neighbouring headers": (
        "default-2.1.9",
        registry(IMAGES, config_path="/c", mirrors={"docker.io": {"endpoint": ["http://h"]}}),
        [],
        """
             [plugins.'io.containerd.cri.v1.images'.registry]
        -      config_path = ''
        +      config_path = '/c'
        +
        +        [plugins.'io.containerd.cri.v1.images'.registry.mirrors.'docker.io']
        +          endpoint = ['http://h']

        """,
    ),
    "a plugin that the defaults do not have": (
        "default-2.1.9",
        {"plugins": {"io.containerd.x.v1.y": {"a": 1}}, "oom_score": -999},
        [],
        """
         required_plugins = []
        -oom_score = 0
        +oom_score = -999
         imports = []

        +  [plugins.'io.containerd.x.v1.y']
        +    a = 1
        +
         [cgroup]
        """,
    ),
    "a removed table takes its own comments and no others": (
        "comments",
        registry(config_path="/c"),
        [[*REGISTRY, "mirrors"]],
        """
             # config_path = "/etc/containerd/old.d"
        -    config_path = "" # for now
        -
        -    # Only this one.
        -    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
        -    # The internal one.
        -    endpoint = [ # in this order
        -        "http://harbor.lan", # first
        -        "http://harbor2.lan",
        -    ]
        +    config_path = "/c" # for now

        """,
    ),
    "additions everywhere between comments": (
        "comments",
        {
            "oom_score": -1,
            "grpc": {"gid": 5},
            "debug": {"level": "info"},
            **registry(
                mirrors={"q.io": {"endpoint": ["e"]}, "docker.io": {"endpoint": ["http://harbor2.lan", "http://c"]}},
                configs={"h": {"auth": {"username": "a"}}},
            ),
        },
        [],
        """
         root = '/var/lib/containerd'   # on the big disk
        +oom_score = -1

         max_recv_message_size = 16_777_216
        +gid = 5
         # uid = 0
             endpoint = [ # in this order
        -        "http://harbor.lan", # first
                 "http://harbor2.lan",
        +        "http://c",
             ]
        +
        +    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."q.io"]
        +    endpoint = ["e"]
        +
        +    [plugins."io.containerd.grpc.v1.cri".registry.configs.h.auth]
        +    username = "a"

         # The end.
        +
        +[debug]
        +level = "info"

        """,
    ),
    "a file that is mostly commented out": (
        "docker",
        {"version": 2, "disabled_plugins": [], **registry(config_path="/c")},
        [],
        """

        -disabled_plugins = ["cri"]
        +disabled_plugins = []
        +version = 2

         #  level = "info"
        +
        +[plugins."io.containerd.grpc.v1.cri".registry]
        +config_path = "/c"

        """,
    ),
    "schema 1": (
        "v1",
        {"plugins": {"cri": {"registry": {"config_path": "/c", "configs": {"h": AUTH}}}}},
        [["plugins", "cri", "registry", "mirrors"]],
        r"""
             [plugins.cri.registry]
        -      [plugins.cri.registry.mirrors]
        -        [plugins.cri.registry.mirrors."docker.io"]
        -          endpoint = ["https://registry-1.docker.io"]
        +      config_path = "/c"
        +          [plugins.cri.registry.configs.h.auth]
        +            username = "robot$puller"
        +            password = "S3\"c\\"

        """,
    ),
    "a missing registry table goes behind the last runtime": (
        "nvidia",
        registry(config_path="/c"),
        [],
        """

        +    [plugins."io.containerd.grpc.v1.cri".registry]
        +      config_path = "/c"
        +
         [vendor_extension]
        """,
    ),
    "numbers and inline tables stay as they were written": (
        "nvidia",
        {"vendor_extension": {"mode": 0o644, "limits": {"soft": 5, "hard": 2000}}},
        [],
        """
           mode = 0o644
        -  limits = { soft = 1_000, hard = 2_000 }
        +  limits = { soft = 5, hard = 2_000 }

        """,
    ),
    "the legacy form gives way": (
        "legacy",
        {"disabled_plugins": ["io.containerd.internal.v1.opt"], **registry(config_path="/c")},
        [
            [*REGISTRY, "mirrors"],
            [*REGISTRY, "configs", "harbor.lan", "tls"],
            [*REGISTRY, "configs", "other.lan:5000", "tls"],
        ],
        """
           # as the package ships it
        -  "cri",
           "io.containerd.internal.v1.opt", # not needed

        -[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
        -  endpoint = ["http://harbor.lan/v2/dockerhub", "https://registry-1.docker.io"]
        -
        -[plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]
        -  endpoint = ["http://harbor.lan/v2/mirror"]
        -
        -[plugins."io.containerd.grpc.v1.cri".registry.configs."harbor.lan".tls]
        -  insecure_skip_verify = true
        +[plugins."io.containerd.grpc.v1.cri".registry]
        +  config_path = "/c"

           password = 'S3cret+/p$ss'
        -
        -[plugins."io.containerd.grpc.v1.cri".registry.configs."other.lan:5000".tls]
        -  ca_file = "/etc/ssl/other.crt"

        """,
    ),
}


@pytest.mark.parametrize(("name", "merge", "remove", "expected"), FILE_CASES.values(), ids=FILE_CASES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_edits_of_whole_files(name: str, merge: dict, remove: list, expected: str, ending: str) -> None:
    before = fixture(name).replace("\n", ending)
    after = edit.edit(before, merge, remove)
    assert after.count("\r\n") == (after.count("\n") if ending == "\r\n" else 0)
    shown = diff(fixture(name), after.replace("\r\n", "\n"))
    assert [line.rstrip() for line in block(shown).split("\n")] == [
        line.rstrip() for line in block(expected).split("\n")
    ]
    assert edit.edit(after, merge, remove) is after


# (before, merge, remove, after)
TEXT_CASES = {
    "an empty file": ("", {"version": 2}, [], "version = 2\n"),
    "a comment alone": ("# a\n", {"version": 2}, [], "# a\n\nversion = 2\n"),
    "a table alone": ("[a]\n", {"version": 2}, [], "version = 2\n\n[a]\n"),
    "keys and tables for an empty file": (
        "",
        {"version": 3, "a": {"b": {"c": 1, "d": {}}}},
        [],
        "version = 3\n\n[a.b]\nc = 1\n\n[a.b.d]\n",
    ),
    "no newline at the end, a value": ("a = 1", {"a": 2}, [], "a = 2"),
    "no newline at the end, a key": ("a = 1 # x", {"b": 2}, [], "a = 1 # x\nb = 2"),
    "no newline at the end, a table": ("[a]\nb = 1", {"c": {"d": 1}}, [], "[a]\nb = 1\n\n[c]\nd = 1"),
    "the comment of the next table": (
        "[a]\nx = 1\n# about b\n[b]\ny = 1\n",
        {"a": {"z": 2, "c": {"k": 1}}},
        [],
        "[a]\nx = 1\nz = 2\n[a.c]\nk = 1\n# about b\n[b]\ny = 1\n",
    ),
    "the banner of the next table": (
        "[a]\nx = 1\n\n# --- b ---\n\n# about b\n[b]\ny = 1\n",
        {"a": {"c": {"k": 1}}},
        [],
        "[a]\nx = 1\n\n[a.c]\nk = 1\n\n# --- b ---\n\n# about b\n[b]\ny = 1\n",
    ),
    "a setting that is commented out keeps its table": (
        "[a]\nx = 1\n\n# y = 2\n\n[b]\n",
        {"a": {"c": {"k": 1}}},
        [],
        "[a]\nx = 1\n\n# y = 2\n\n[a.c]\nk = 1\n\n[b]\n",
    ),
    "a table that exists only through others": (
        "# licence\n\n# about c\n[a.b.c]\nx = 1\n",
        {"a": {"b": {"k": 1}}},
        [],
        "# licence\n\n[a.b]\nk = 1\n\n# about c\n[a.b.c]\nx = 1\n",
    ),
    "tables out of order": (
        "[a]\nx = 1\n[b]\n[a.c]\ny = 1\n[d]\n",
        {"a": {"e": {"z": 1}, "x": 2}},
        [["a", "c"]],
        "[a]\nx = 2\n[a.e]\nz = 1\n[b]\n[d]\n",
    ),
    "an inner table before its parent": (
        "[a.b]\nx = 1\n\n[a]\ny = 1\n",
        {"a": {"z": 1, "b": {"w": 1}}},
        [],
        "[a.b]\nx = 1\nw = 1\n\n[a]\ny = 1\nz = 1\n",
    ),
    "dotted keys": (
        "[a]\nb.c = 1 # x\nb.d = 2\n",
        {"a": {"b": {"c": 3, "e": {"f": 1}}}},
        [["a", "b", "d"]],
        "[a]\nb.c = 3 # x\nb.e.f = 1\n",
    ),
    "an inline table": (
        "a = {b = {c = 1}, d = 'x'} # x\n[e]\n",
        {"a": {"b": {"f": ["g"]}}},
        [["a", "b", "c"], ["a", "d"]],
        "a = {b = {f = ['g']}} # x\n[e]\n",
    ),
    "an inline table that is emptied": ("a = { b = { c = 1 } }\nd = 1\n", {}, [["a", "b", "c"]], "d = 1\n"),
    "an array of tables is replaced": (
        "[a]\nx = 1\n\n[[a.b]]\ny = 1\n\n[a.b.c]\nz = 1\n\n[[a.b]]\n\n[d]\n",
        {"a": {"b": [{"y": 2}]}},
        [],
        "[a]\nx = 1\n\n[[a.b]]\ny = 2\n\n[d]\n",
    ),
    "an array of tables is left alone": (
        "[[a]]\nx = 1\n[a.b]\ny = 1\n[[a]]\nx = 2\n",
        {"a": [{"x": 1, "b": {"y": 1}}, {"x": 2}], "c": {"d": 1}},
        [],
        "[[a]]\nx = 1\n[a.b]\ny = 1\n[[a]]\nx = 2\n[c]\nd = 1\n",
    ),
    "headers inside strings and arrays": (
        'a = """\n[b]\nx = 1\n"""\nc = [\n  ["[b]"], # [b]\n]\n\n[b]\nx = 1\n',
        {"b": {"y": 1}, "d": 1},
        [["b", "x"]],
        'a = """\n[b]\nx = 1\n"""\nc = [\n  ["[b]"], # [b]\n]\nd = 1\n\n[b]\ny = 1\n',
    ),
    "a table that is emptied goes, an empty one stays": (
        "[a]\n[a.b]\n[a.c]\nx = 1\n[d]\n[d.e]\nx = 1\n",
        {},
        [["a", "c", "x"], ["d", "e", "x"]],
        "[a]\n[a.b]\n",
    ),
    "a table that is emptied and filled again stays in place": (
        "[a]\n\n# here\n[b.c] # why\nx = 1\n\n[d]\n",
        {"b": {"c": {"y": 1}}},
        [["b", "c", "x"]],
        "[a]\n\n# here\n[b.c] # why\ny = 1\n\n[d]\n",
    ),
    "the first table goes": ("# a\n[a]\nx = 1\n\n# b\n[b]\n", {}, [["a"]], "# b\n[b]\n"),
    "a detached comment stays": (
        "[a]\n\n# who?\n\n# b\n[b]\n# y\ny = 1\n# b too\n\n# c\n",
        {},
        [["b"]],
        "[a]\n\n# who?\n\n# c\n",
    ),
    "a comment indented deeper belongs to the table above": (
        "[a]\n  x = 1\n  # y = 2\n[b]\n  z = 1\n",
        {},
        [["b"]],
        "[a]\n  x = 1\n  # y = 2\n",
    ),
    "a setting that is switched off belongs to the table above": (
        '[a]\n# config_path = "/certs"\n[a.b]\nz = 1\n\n[a.c]\n# "x" = 1\n#y.z=1\n# of d\n[d]\ne = 1\n',
        {},
        [["a", "b"], ["d"]],
        '[a]\n# config_path = "/certs"\n\n[a.c]\n# "x" = 1\n#y.z=1\n',
    ),
    "a setting that is switched off goes with its table": (
        "[a]\nx = 1\n[b]\ny = 1\n# z = 2\n[c]\n",
        {},
        [["b"]],
        "[a]\nx = 1\n[c]\n",
    ),
    "a value is replaced by a table": ("a = 1\nb = 2\n", {"a": {"c": 1}}, [["a"]], "b = 2\n\n[a]\nc = 1\n"),
    "a table is replaced by a value": ("b = 2\n\n[a]\nc = 1\n", {"a": 1}, [["a"]], "b = 2\na = 1\n"),
    "tabs": (
        "[a]\n\tx = 1\n\t[a.b]\n\t\ty = 1\n",
        {"a": {"c": {"z": 1}}},
        [],
        "[a]\n\tx = 1\n\t[a.b]\n\t\ty = 1\n\t[a.c]\n\t\tz = 1\n",
    ),
    "every type of value": (
        "",
        {"a": [True, False], "b": [1.5, 1e22], "c": [["x"], []], "d": '\x00\t"\\é\x7f', "e": datetime(2026, 1, 2)},
        [],
        'a = [true, false]\nb = [1.5, 1e+22]\nc = [["x"], []]\n'
        'd = "\\u0000\\t\\"\\\\é\\u007f"\ne = 2026-01-02T00:00:00\n',
    ),
    "keys that need quotes": ("", {"a.b": {"c'd": {'"': 1}}}, [], '["a.b"."c\'d"]\n\'"\' = 1\n'),
    "a key that go-toml v1 cannot read in a header": (
        "[a]\nb = 1\n",
        {"a": {"[::1]:5000": {"auth": {"username": "u"}}}},
        [],
        '[a]\nb = 1\n"[::1]:5000" = { auth = { username = "u" } }\n',
    ),
    "the quotes of neighbouring keys and texts": (
        "[a]\n'x.y' = 'z'\n\n[b]\nc = \"d\"\n",
        {"a": {"v.w": "u"}, "b": {"e.f": "g"}},
        [],
        "[a]\n'x.y' = 'z'\n'v.w' = 'u'\n\n[b]\nc = \"d\"\n'e.f' = \"g\"\n",
    ),
    "no blanks around the equals sign": ("[a]\nb=1\n", {"a": {"c": 2}}, [], "[a]\nb=1\nc=2\n"),
    "equals signs below each other": (
        "[a]\nlong  = 1\nb     = 2\n",
        {"a": {"c": 3, "longest": 4}},
        [],
        "[a]\nlong  = 1\nb     = 2\nc     = 3\nlongest = 4\n",
    ),
    "a root key below the comment that introduces the file": (
        "# licence\n\n# about a\n[a]\n",
        {"version": 2},
        [],
        "# licence\n\nversion = 2\n\n# about a\n[a]\n",
    ),
    "a root key above the comment of the first table": (
        "# about a\n[a]\n",
        {"version": 2},
        [],
        "version = 2\n\n# about a\n[a]\n",
    ),
    "a list keeps the comments and the spelling of what stays": (
        "a = [ # o\n  0o644, # x\n  # about y\n  1_000, # y\n  2\n]\n",
        {"a": [7, 1000, 5, 2, 9]},
        [],
        "a = [ # o\n  7, # x\n  # about y\n  1_000, # y\n  5,\n  2,\n  9\n]\n",
    ),
    "an item goes with its own comment": (
        'a = [\n  # both\n  "x", # x\n  "y" # y\n]\n',
        {"a": ["x"]},
        [],
        'a = [\n  # both\n  "x", # x\n]\n',
    ),
    "a list on one line": ('a = [ "x", "y" ]\n', {"a": ["y", "z"]}, [], 'a = [ "y", "z" ]\n'),
    "an inline table in a list": (
        "a = [{b = 0x1, c = 2}]\n",
        {"a": [{"b": 1, "c": 3}]},
        [],
        "a = [{b = 0x1, c = 3}]\n",
    ),
    "an inline table on one line": ("a = {b=1, c = 0x2}\n", {"a": {"b": 3, "d": 4}}, [], "a = {b=3, c = 0x2, d=4}\n"),
    "an inline table loses its first and last keys": (
        "a = { b = 1, 'c.d' = 0x2, e = 3 }\n",
        {},
        [["a", "b"], ["a", "e"]],
        "a = { 'c.d' = 0x2 }\n",
    ),
    "an inline table with dotted keys": (
        "a = {b.c = 1, b . d = 0x2}\n",
        {"a": {"b": {"e": 3}}},
        [["a", "b", "c"]],
        "a = {b . d = 0x2, b.e = 3}\n",
    ),
    "an inline table with dotted keys in a list": (
        "a = [{b.c = 1, b.d = 2}, {e = 0x1}] # x\n",
        {"a": [{"b": {"c": 1}}, {"e": 1}]},
        [],
        "a = [{b.c = 1}, {e = 0x1}] # x\n",
    ),
    "arrays of tables grow in place": (
        "[[a]]\nx = 0x1 # one\n\n[a.b]\ny = 1\n\n# two\n[[a]]\nx = 2\n\n[c]\n",
        {"a": [{"x": 1, "b": {"y": 1}}, {"x": 5, "d": {}}, {"x": 2}]},
        [],
        "[[a]]\nx = 0x1 # one\n\n[a.b]\ny = 1\n\n[[a]]\nx = 5\n\n[a.d]\n\n# two\n[[a]]\nx = 2\n\n[c]\n",
    ),
    "arrays of tables shrink in place": (
        "[[a]]\nx = 1\n\n[a.b]\ny = 1\n\n[c]\n\n# two\n[[a]]\nx = 2\n",
        {"a": [{"x": 2}]},
        [],
        "[c]\n\n# two\n[[a]]\nx = 2\n",
    ),
    "a header whose last key goes stays": ("[a]\nx = 1\n\n[a.b]\ny = 1\n", {}, [["a", "x"]], "[a]\n\n[a.b]\ny = 1\n"),
    "a header that somebody wrote about stays": (
        "[a] # why\nx = 1\n\n[a.b]\ny = 1\n",
        {},
        [["a", "x"]],
        "[a] # why\n\n[a.b]\ny = 1\n",
    ),
    "a key goes, and one of the blank lines around it": ("x = 1\n\ny = 2\n\nz = 3\n", {}, [["y"]], "x = 1\n\nz = 3\n"),
    "line ends as most lines have them": ("a = 1\r\nb = 2\nc = 3\n", {"d": 4}, [], "a = 1\r\nb = 2\nc = 3\nd = 4\n"),
    "equal in Python, not in TOML": ("a = 1\nb = 1.0\n", {"a": True, "b": 1}, [], "a = true\nb = 1\n"),
    "a remove path that leads nowhere": ("a = 1\n", {"b": 1}, [["a", "x"], ["c", "d"]], "a = 1\nb = 1\n"),
}


@pytest.mark.parametrize(("before", "merge", "remove", "after"), TEXT_CASES.values(), ids=TEXT_CASES)
def test_edits_of_small_texts(before: str, merge: dict, remove: list, after: str) -> None:
    assert edit.edit(before, merge, remove) == after


@pytest.mark.parametrize("name", NAMES)
def test_no_change_returns_the_very_text(name: str) -> None:
    text = fixture(name)
    assert edit.edit(text, {}, []) is text
    assert edit.edit(text, load(text), [["no", "such", "key"]]) is text


@pytest.mark.parametrize(
    ("text", "merge", "remove", "message"),
    [
        ('a = "hunter2\nb = 1', {}, [], "not valid TOML at line 1, column 13: a string is not closed"),
        ("[a]\n[a]\n", {}, [], "not valid TOML at line 2, column 3: this table is declared a second time"),
        ("a = 1\na = 2\n", {}, [], "this key is set a second time"),
        ("\ufeffa = 1\n", {}, [], "not valid TOML at line 1, column 1: the file starts with a byte order mark"),
        ("a = " + "[" * 5000, {}, [], "not valid TOML: values are nested too deeply"),
        ("", {"a": {"b": None}}, [], "a.b: TOML has no null"),
        ("", {"a": [None]}, [], "a: TOML has no null"),
        ("", {"a": {1: 2}}, [], "a: a key in it is of type int"),
        ("", {"a": {2, 3}}, [], "a: TOML cannot hold a set"),
        ("", {"a": "\ud800"}, [], "a: a text in it is not valid Unicode"),
        ("", {"a.b": {"c": [1, "hunter2"]}}, [], '"a.b".c: the values in a list must be of one type'),
        ("", {"a": 2**63}, [], "a: the number does not fit in 64 bits"),
        ("", {"a": float("nan")}, [], "a: the number is not finite"),
        ("", {"a": date(2026, 1, 2)}, [], "a: older containerd cannot read a date or a time alone"),
        ("", {"a": {"": 1}}, [], 'a."": containerd 1.4 cannot read an empty key'),
        ("", {"a": {"b\n": 1}}, [], 'a."b\\n": containerd up to 1.7 cannot read a key with such characters'),
        ("a = {}\n", {"a": {"b'\"": 1}}, [], "cannot read a key with such characters"),
        ("a = [1] # hunter2\n", {"a": [1, "b"]}, [], "a: the values in a list must be of one type"),
        # tomlkit would lose a blank.
        ("a = [ 2026-01-02 , 2026-01-03] # hunter2\n", {"a": [date(2026, 1, 3)]}, [], "a: tomlkit cannot keep what"),
        ("[a.b]\n", {"a": {"b": "hunter2"}}, [], "a.b: the file has a table here, it cannot become a value"),
        ("a = {b = 1}\n", {"a": ["hunter2"]}, [], "a: the file has a table here"),
        (
            "[a]\nb = 'hunter2'\n",
            {"a": {"b": {"c": 1}}},
            [],
            "a.b: the file has a value here, it cannot become a table",
        ),
        ("[[a]]\nb = 1\n", {"a": {"b": 2}}, [], "a: the file has a value here"),
        ("", {}, [[]], "a path to remove must be a list of one or more strings"),
        ("", {}, ["a.b"], "a path to remove must be a list of one or more strings"),
        ("", {}, [["a", 1]], "a path to remove must be a list of one or more strings"),
    ],
)
def test_refusals_name_the_place_and_quote_nothing(text: str, merge: dict, remove: list, message: str) -> None:
    with pytest.raises(TomlError) as caught:
        edit.edit(text, merge, remove)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


class Tagged(str):
    """Like ansible's tagged values, which are subclasses too."""

    def __str__(self) -> str:
        raise AssertionError("must not be asked")


class TaggedInt(int):
    pass


class TaggedDict(dict):
    pass


def test_tagged_input_becomes_plain_and_stays_as_it_was() -> None:
    data = {"a": {"b": 1}}
    merge = TaggedDict({Tagged("a"): TaggedDict({Tagged("c"): Tagged("x"), Tagged("d"): TaggedInt(5)}), "e": ("f",)})
    result = edit.merged(data, merge, [[Tagged("a"), Tagged("b")]])
    assert result == {"a": {"c": "x", "d": 5}, "e": ["f"]}
    assert data == {"a": {"b": 1}}
    assert {type(value) for value in (*result, *result["a"], result["a"]["c"])} == {str}
    assert [each.__class__ for each in (result["a"], result["a"]["d"])] == [dict, int]
    assert edit.edit("", merge, []) == 'e = ["f"]\n\n[a]\nc = "x"\nd = 5\n'


def test_changes_are_leaves_in_order() -> None:
    before = {"b": {"x": 1, "y": {"z": 2}}, "a": 1, "same": [1], "gone": {}, "filled": {}}
    after = {"b": {"x": 2, "new": {"k": {}}}, "a": {"t": 1}, "same": [1], "filled": {"k": 1}}
    assert diffs.changed_leaves(before, after) == [
        {"path": ["a"], "before": 1},
        {"path": ["a", "t"], "after": 1},
        {"path": ["b", "new", "k"], "after": {}},
        {"path": ["b", "x"], "before": 1, "after": 2},
        {"path": ["b", "y", "z"], "before": 2},
        {"path": ["filled", "k"], "after": 1},
        {"path": ["gone"], "before": {}},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("robot$puller", '"robot$puller"'),
        ('a"b\\c\nd', r'"a\"b\\c\nd"'),
        ("ü\x1b\x7f", '"ü\\u001b\\u007f"'),
        (True, "true"),
        (-5, "-5"),
        (0.5, "0.5"),
        (["a", Tagged("b")], '["a", "b"]'),
        ([], "[]"),
    ],
)
def test_quote(value: object, text: str) -> None:
    assert writing.quote(value) == text


@pytest.mark.parametrize("value", [None, {"a": 1}, [{"a": 1}], [1, "a"], float("inf"), object()])
def test_quote_refuses(value: object) -> None:
    with pytest.raises(TomlError):
        writing.quote(value)


def test_tomlkit_is_not_even_loaded_unless_something_in_a_list_or_an_inline_table_changes() -> None:
    program = """if True:
        import sys
        from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, load
        text = "a = [1]\\nb = { c = 1 }\\nd = 1"
        assert edit.edit(text, load.load(text), [["e"]]) is text
        edit.edit(text, {"d": 2, "f": {"g": {}, "h": ["i"]}}, [["b"]])
        known = {*sys.stdlib_module_names, "ansible_collections", "__main__"}
        print(sorted({name.partition(".")[0] for name in sys.modules} - known))
        edit.edit(text, {"a": [2]}, [])
        assert "tomlkit" in sys.modules
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in ast.literal_eval(done.stdout) if name != "tomli" and "distutils" not in name] == []


def test_what_tomlkit_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise tomlkit.exceptions.ParseError(1, 2, text)

    monkeypatch.setattr(tomlkit, "value", refuse)
    with pytest.raises(TomlError, match="^a: tomlkit cannot keep what is in this value as it is: change the file by"):
        edit.edit("a = ['hunter2']", {"a": ["x"]}, [])
    assert edit.edit("a = ['hunter2']", {"b": ["x"]}, []) == "a = ['hunter2']\nb = ['x']"


# (policy, list in the file, list in the merge, result)
LIST_CASES = [
    ("replace", ["a", "b"], ["b"], ["b"]),
    ("append", ["a"], ["b", "c"], ["a", "b", "c"]),
    ("append", ["a", "b"], ["b"], ["a", "b"]),
    ("append", ["b", "a"], ["b"], ["b", "a", "b"]),
    ("append", ["a"], ["a", "b"], ["a", "a", "b"]),
    ("append", ["a"], [], ["a"]),
    ("append", [], ["b", "b"], ["b", "b"]),
    ("union", ["a", "b"], ["c", "b", "c"], ["a", "b", "c"]),
    ("union", [1, 2], [2, 3], [1, 2, 3]),
    ("union", [], ["b"], ["b"]),
]


@pytest.mark.parametrize(("policy", "old", "new", "result"), LIST_CASES)
def test_list_policies(policy: str, old: list, new: list, result: list) -> None:
    merge = {"t": {"l": new, "new": ["x"]}}
    wanted = {"t": {"l": result, "new": ["x"]}}
    assert edit.merged({"t": {"l": old}}, merge, [], policy) == wanted
    assert edit.merged(wanted, merge, [], policy) == wanted
    after = edit.edit(f"[t]\nl = {writing.quote(old)}\n", merge, [], policy)
    assert load(after) == wanted
    assert edit.edit(after, merge, [], policy) is after


@pytest.mark.parametrize("policy", ["append", "union"])
def test_a_list_is_added_to_lists_only(policy: str) -> None:
    with pytest.raises(TomlError, match="a.b: the file has a single value here, a list cannot be added to it"):
        edit.edit("[a]\nb = 'hunter2'\n", {"a": {"b": ["x"]}}, [], policy)
