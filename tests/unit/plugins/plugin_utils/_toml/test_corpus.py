# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of the public toml-test corpus: read and written back to the byte, edited, or refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from corpus import corpus
from toml_documents import tomllib

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs, edit, scan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load, not_utf8

CLEAR = re.compile(
    r"not valid TOML( at line \d+, column \d+| at end of document)?: [\w ,'=]+"
    r"|not valid TOML 1\.0, which is what containerd reads, but TOML 1\.1"
)
NEW = {"new key": "x", "new table": {"a": {"b": 1}, "c": ["d"]}}
FAULTS = {
    b"\xffa = 1\n": "not UTF-8 at line 1, column 1",
    'a = 1\nb = "é\udcff"\n'.encode(errors="surrogateescape"): "not UTF-8 at line 2, column 7",
}


@pytest.fixture(scope="module")
def files() -> Path:
    return corpus()


def names(files: Path, kind: str) -> list[Path]:
    """The documents that TOML 1.0 accepts, or does not."""
    lines = (files / "files-toml-1.0.0").read_text().split()
    found = [files / line for line in lines if line.startswith(f"{kind}/") and line.endswith(".toml")]
    assert len(found) > 150
    return found


def test_valid_documents_stay_to_the_byte(files: Path) -> None:
    for path in names(files, "valid"):
        text = path.read_bytes().decode()
        assert edit.edit(text, {}, []) is text, path
        assert edit.edit(text, load(text), [["no such key"]]) is text, path
        assert "".join(entry.text for entry in scan.scan(text).entries) == text, path


def test_valid_documents_take_additions_and_give_them_back(files: Path) -> None:
    for path in names(files, "valid"):
        text = path.read_bytes().decode()
        after = edit.edit(text, NEW, [])
        assert diffs.changed_leaves(tomllib.loads(after), {**tomllib.loads(text), **NEW}) == [], path
        assert edit.edit(after, {}, [[key] for key in NEW]) == text, path


def test_valid_documents_lose_each_of_their_keys_alone(files: Path) -> None:
    for path in names(files, "valid"):
        text = path.read_bytes().decode()
        data = tomllib.loads(text)
        for key in data:
            after = edit.edit(text, {}, [[key]])
            assert diffs.changed_leaves(tomllib.loads(after), {name: data[name] for name in data if name != key}) == []


def test_invalid_documents_are_refused_with_the_place_and_without_their_content(files: Path) -> None:
    for path in names(files, "invalid"):
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError as error:
            assert re.fullmatch(r"not UTF-8 at line \d+, column \d+", not_utf8(error)), path
            continue
        with pytest.raises(TomlError) as caught:
            edit.edit(text, NEW, [])
        assert CLEAR.fullmatch(str(caught.value)), (path, str(caught.value))


@pytest.mark.parametrize(("content", "message"), FAULTS.items())
def test_where_a_file_is_no_utf8(content: bytes, message: str) -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        content.decode()
    assert not_utf8(caught.value) == message
