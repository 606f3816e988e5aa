# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused stays refused with a reader of TOML 1.1: tomli from 2.4 on, and tomllib from Python 3.15."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpus import corpus
from toml_documents import tomllib

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit, load

tomli = pytest.importorskip("tomli")

TOML_1_1 = "a = {\n}"
NEW = {"new key": "x", "new table": {"a": {"b": 1}, "c": ["d"]}}


def accepts(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def files() -> Path:
    return corpus()


@pytest.fixture(autouse=True)
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything read with tomli, which must be one that reads TOML 1.1."""
    if not accepts(tomli.loads, TOML_1_1):
        pytest.skip("this tomli reads TOML 1.0")
    monkeypatch.setattr(load, "tomllib", tomli)


def texts(files: Path, version: str, kind: str) -> dict[str, str]:
    """The documents that a version of TOML accepts or refuses, by name; those that are not UTF-8 never get this far."""
    found = {}
    for name in (files / f"files-toml-{version}").read_text().split():
        if name.startswith(f"{kind}/") and name.endswith(".toml"):
            content = (files / name).read_bytes()
            if content == content.decode(errors="ignore").encode():
                found[name] = content.decode()
    assert len(found) > 150
    return found


def test_what_toml_1_0_refuses_stays_refused(files: Path) -> None:
    older = texts(files, "1.0.0", "invalid")
    assert len([name for name, text in older.items() if accepts(tomli.loads, text)]) >= 5
    assert [name for name, text in older.items() if accepts(load.load, text)] == []
    assert [name for name, text in older.items() if accepts(lambda text: edit.edit(text, NEW, []), text)] == []


@pytest.mark.skipif(accepts(tomllib.loads, TOML_1_1), reason="there is no reader of TOML 1.0 to compare with")
def test_what_toml_1_1_accepts_is_read_where_toml_1_0_does_too(files: Path) -> None:
    for name, text in texts(files, "1.1.0", "valid").items():
        assert accepts(load.load, text) == accepts(tomllib.loads, text), name


def test_what_toml_1_0_has_is_read_as_before(files: Path) -> None:
    for name, text in texts(files, "1.0.0", "valid").items():
        assert repr(load.load(text)) == repr(tomli.loads(text)), name
