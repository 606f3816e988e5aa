# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package may import which: the tables of CONTRIBUTING.md, compared with the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
PACKAGE = "ansible_collections.airgap.containerd.plugins."
HALVES = ("plugin_utils", "module_utils")
EDGES = ("action", "filter", "modules")
MAX_LINES = 400
MAX_FUNCTION = 80

Room = tuple[str, ...]


def told() -> dict[Room, set[Room]]:
    """Return `{room: rooms that it may import}`, from the tables of CONTRIBUTING.md."""
    found: dict[Room, set[Room]] = {}
    half = ""
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines():
        half = next((each for each in HALVES if line.startswith("|") and f"package in `{each}`" in line), half)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `_") or len(cells) != 3:
            continue
        allowed = {(half, name) for name in re.findall(r"`(_[\w/]+)`", cells[2])}
        shared = {("module_utils", "_shared")} if "the node's `_shared`" in cells[2] else set()
        allowed -= {("plugin_utils", "_shared")}
        found.update({(half, name): allowed | shared for name in re.findall(r"`(_[\w/]+?)/?`", cells[0])})
    return found


ROOMS = told()


def home(file: Path) -> Room:
    """Return the package of a file, as `(half, package)`; those of the edges are packages themselves."""
    parts = file.relative_to(PLUGINS).with_suffix("").parts
    name = "/".join(parts[1:])
    return parts[:1] if parts[0] in EDGES else (parts[0], name if (parts[0], name) in ROOMS else parts[1])


def imported(source: str) -> Iterator[Path]:
    """Yield the files of this collection that a source imports, anywhere in it."""
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(PACKAGE):
            place = PLUGINS.joinpath(*str(statement.module).removeprefix(PACKAGE).split("."))
            for each in statement.names:
                yield place / f"{each.name}.py" if place.is_dir() else place.with_suffix(".py")
        elif isinstance(statement, ast.ImportFrom) and statement.level:
            raise AssertionError("a relative import, which nobody reads from here")


def trespasses(file: Path, source: str) -> list[str]:
    """Return what a file imports and may not."""
    mine, found = home(file), []
    for each in imported(source):
        other = home(each)
        if mine[0] in EDGES:
            node = other[0] == "module_utils" and (mine[0] != "modules" and other[1] != "_shared")
            bad = node or (mine[0] == "modules" and other[0] == "plugin_utils")
        else:
            bad = other != mine and other not in ROOMS[mine]
        if bad:
            found.append(f"{file.relative_to(PLUGINS)} imports {each.relative_to(PLUGINS)}")
    return found


FILES = sorted(path for path in PLUGINS.rglob("*.py") if path.parent.name != "doc_fragments")


def test_the_tables_tell_of_every_room_and_of_no_other():
    there = {home(path) for path in FILES if path.relative_to(PLUGINS).parts[0] in HALVES}
    assert there == set(ROOMS)


def test_nothing_imports_what_its_room_may_not():
    assert [each for path in FILES for each in trespasses(path, path.read_text())] == []


def test_the_tables_allow_no_more_than_is_used():
    used: dict[Room, set[Room]] = {room: set() for room in ROOMS}
    for path in FILES:
        if home(path) in ROOMS:
            used[home(path)] |= {home(each) for each in imported(path.read_text())} - {home(path)}
    assert {room: ROOMS[room] - found for room, found in used.items() if ROOMS[room] - found} == {}


def test_nothing_imports_upward():
    """The tables have no circles: the rooms can be put in a row in which each imports only those before it."""
    left = {room: set(allowed) for room, allowed in ROOMS.items()}
    while left:
        bottom = {room for room, allowed in left.items() if not allowed & set(left)}
        assert bottom, f"a circle of {sorted(left)}"
        left = {room: allowed for room, allowed in left.items() if room not in bottom}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("plugin_utils/_toml/keys.py", f"from {PACKAGE}plugin_utils._plan import plan"),
        ("plugin_utils/_plan/plan.py", f"from {PACKAGE}module_utils._node import observe"),
        ("plugin_utils/_resolve/node.py", f"from {PACKAGE}plugin_utils._plan.plan import Plan"),
        ("plugin_utils/_errors.py", f"def f():\n    from {PACKAGE}plugin_utils import _text"),
        ("module_utils/_node/observe.py", f"from {PACKAGE}module_utils._change import lock"),
        ("module_utils/_shared/wire.py", f"from {PACKAGE}module_utils._cri.client import Client"),
        ("action/containerd_info.py", f"from {PACKAGE}module_utils._change import lock"),
        ("modules/containerd_node.py", f"from {PACKAGE}plugin_utils import _errors"),
    ],
)
def test_a_wrong_import_would_be_found(file, line):
    assert len(trespasses(PLUGINS / file, line)) == 1


def private(source: str) -> set[str]:
    """Return the names with a leading underscore that a source imports from another file."""
    tree = ast.parse(source)
    modules, taken = set(), set()
    for statement in ast.walk(tree):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(PACKAGE):
            place = PLUGINS.joinpath(*str(statement.module).removeprefix(PACKAGE).split("."))
            names = {each.asname or each.name: each.name for each in statement.names}
            modules |= set(names) if place.is_dir() else set()
            taken |= {name for name in names.values() if name.startswith("_") and not place.is_dir()}
    for each in ast.walk(tree):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in modules:
            taken |= {each.attr} if each.attr.startswith("_") and each.attr != "_replace" else set()
    return taken


def test_nothing_takes_what_another_file_keeps_to_itself():
    assert {str(path): private(path.read_text()) for path in FILES if private(path.read_text())} == {}
    assert private(f"from {PACKAGE}plugin_utils._plan import plan\nplan._drop()") == {"_drop"}
    assert private(f"from {PACKAGE}plugin_utils._plan.plan import _drop") == {"_drop"}


def too_long(source: str) -> list[str]:
    lines = [f"{len(source.splitlines())} lines"] if len(source.splitlines()) > MAX_LINES else []
    functions = (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef))
    sizes = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in functions}
    return lines + [f"{name}: {size} lines" for name, size in sizes.items() if size > MAX_FUNCTION]


def test_files_and_functions_can_be_read_in_one_go():
    assert {path.name: too_long(path.read_text()) for path in FILES if too_long(path.read_text())} == {}
    assert len(too_long("def f():\n" + "    pass\n" * MAX_LINES)) == 2


def test_no_package_has_code_that_travels_with_every_payload():
    assert [path for path in PLUGINS.rglob("__init__.py") if path.stat().st_size] == []


def without_reason(source: str) -> list[str]:
    """Return the comments that silence a tool and do not say why."""
    return re.findall(
        r"#\s*(?:type: ignore|noqa)(?:\[[\w, -]+\]|: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)?\s*$", source, re.M
    )


def test_what_silences_a_tool_says_why():
    assert {path.name: without_reason(path.read_text()) for path in FILES if without_reason(path.read_text())} == {}
    bad, good = (
        "x = 1  # type: ignore[attr-defined]\ny = 2  # noqa: E501\nz = 3  # type: ignore\n",
        "x  # noqa: E501 - long",
    )
    assert len(without_reason(bad)) == 3 and not without_reason(good)


def test_the_unit_tests_mirror_the_rooms():
    rooms = {f"{half}/{room}" for half, room in ROOMS if (PLUGINS / half / room).is_dir()}
    tests = {f"{half}/{path.name}" for half in HALVES for path in (ROOT / "tests/unit/plugins" / half).glob("_*")}
    assert not tests - rooms
