# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every edit of every TOML document: searched for counterexamples, see `make properties`."""

from __future__ import annotations

import copy
import itertools
import re
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from toml_documents import (
    KEYS,
    SCALARS,
    TABLES,
    Change,
    Document,
    Path,
    Statement,
    at,
    changes,
    documents,
    lists,
    tables,
    tomllib,
)

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import add, edit, writing
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError

pytestmark = pytest.mark.properties

IMPOSSIBLE = re.compile(
    "cannot become a|a list cannot be added to it|must be of one type|is not finite|does not fit in|cannot read a"
    "|tomlkit cannot keep what is in this value"
)
"""What no edit can do, whatever the file looks like."""


def merge_plainly(data: dict, change: Change) -> dict:
    """What the result must mean, said a second time and as simply as can be."""
    data = copy.deepcopy(data)
    for path in change.remove:
        parents = [data]
        for name in path[:-1]:
            parents.append(parents[-1].get(name) if isinstance(parents[-1], dict) else None)
        if isinstance(parents[-1], dict) and path[-1] in parents[-1]:
            del parents[-1][path[-1]]
            for name, outer, inner in reversed(list(zip(path, parents, parents[1:], strict=False))):
                if inner == {}:
                    del outer[name]
    return _merge_plainly(data, change.merge, change.lists)


def _merge_plainly(old: Any, new: Any, lists: str) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        result = dict(old)
        for name, value in new.items():
            result[name] = _merge_plainly(old[name], value, lists) if name in old else value
        return result
    if isinstance(old, list) and isinstance(new, list) and lists == "append":
        return old if not new or strict(old[-len(new) :]) == strict(new) else old + new
    if isinstance(old, list) and isinstance(new, list) and lists == "union":
        for item in new:
            old = old if strict(item) in map(strict, old) else [*old, item]
        return old
    return new


def strict(value: Any) -> Any:
    """A value that compares as TOML does: 1, 1.0 and true all differ, nan equals nan."""
    if isinstance(value, dict):
        return {name: strict(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [strict(inner) for inner in value]
    return type(value).__name__, repr(value)


def differing(old: Any, new: Any, path: Path = ()) -> set[Path]:
    """The topmost paths at which two documents differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            found
            for name in old.keys() | new.keys()
            for found in (
                differing(old[name], new[name], (*path, name)) if name in old and name in new else {(*path, name)}
            )
        }
    return set() if strict(old) == strict(new) else {path}


@given(st.data())
def test_an_edit_means_the_plain_merge_and_a_second_one_changes_nothing(data: st.DataObject) -> None:
    document = data.draw(documents())
    change = data.draw(changes(document.data))
    try:
        after = edit.edit(document.text, change.merge, change.remove, change.lists)
    except TomlError as error:
        assert IMPOSSIBLE.search(str(error)), error
        event("refused")
        return
    assert strict(tomllib.loads(after)) == strict(merge_plainly(document.data, change))
    if strict(tomllib.loads(after)) == strict(document.data):
        assert after == document.text
        event("nothing to do")
    # Removing and setting the same key again is not a new change either, unless a list grows each time.
    if change.lists == "replace" or not change.remove:
        assert edit.edit(after, change.merge, change.remove, change.lists) is after


@given(st.data())
def test_lines_that_no_change_concerns_stay_byte_for_byte(data: st.DataObject) -> None:
    document = data.draw(documents())
    change = data.draw(changes(document.data))
    try:
        after = edit.edit(document.text, change.merge, change.remove, change.lists)
    except TomlError:
        assume(False)
    touched = differing(document.data, tomllib.loads(after))
    position = 0
    for index, statement in enumerate(document.statements):
        if not may_go(document, index, touched):
            found = (after + document.eol).find(statement.text, position)
            assert found >= 0, f"lost or moved: {statement.text!r}"
            position = found + len(statement.text)


def may_go(document: Document, index: int, touched: set[Path]) -> bool:
    """Whether a change may touch a statement.

    A pair goes with its key and with its table; a header goes with its table; blank lines go with either; a comment
    goes with a table if it is in it, right above its header, or right below its end.
    """
    statements = document.statements
    statement = statements[index]
    if statement.kind == "pair":
        return any(is_within(statement.path, each) or is_within(each, statement.path) for each in touched)
    if statement.kind == "header":
        return is_gone(statement, touched)
    above = list(itertools.takewhile(lambda each: not statements[each].kind, reversed(range(index))))
    below = list(itertools.takewhile(lambda each: not statements[each].kind, range(index + 1, len(statements))))
    up, down = index - len(above) - 1, index + len(below) + 1
    if not statement.text.strip():
        return any(may_go(document, each, touched) for each in (up, down) if 0 <= each < len(statements))
    header = next((each for each in reversed(range(index)) if statements[each].kind == "header"), None)
    in_gone_table = header is not None and is_gone(statements[header], touched)
    has_more = down < len(statements) and statements[down].kind == "pair"
    if in_gone_table and (has_more or all(statements[each].text.strip() for each in above)):
        return True
    return (
        down < len(statements)
        and is_gone(statements[down], touched)
        and statements[down].kind == "header"
        and all(statements[each].text.strip() for each in below)
    )


def is_gone(statement: Statement, touched: set[Path]) -> bool:
    return any(is_within(statement.path, each) for each in touched)


def is_within(path: Path, table: Path) -> bool:
    return path[: len(table)] == table


@given(st.data())
def test_what_is_added_can_be_removed_again_to_the_byte(data: st.DataObject) -> None:
    document = data.draw(documents())
    # A table that was empty goes when it is empty again, and one that gets a header for its first key keeps it: nothing
    # shows what was there before.
    parents = [path for path, keys in tables(document.data) if keys and path in document.written]
    parent = data.draw(st.sampled_from([(), *parents]))
    path = (*parent, data.draw(KEYS.filter(lambda name: name not in at(document.data, parent))))
    value = data.draw(st.integers() | TABLES)
    merge: Any = value
    for each in reversed(path):
        merge = {each: merge}
    try:
        after = edit.edit(document.text, merge, [])
    except TomlError:
        assume(False)
    assert edit.edit(after, {}, [list(path)]) == document.text


@given(st.data())
def test_a_broken_document_is_refused_or_edited_right(data: st.DataObject) -> None:
    text = data.draw(documents()).text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 9, len(text))))
    text = text[:start] + data.draw(st.text("\n\r\t\0 [].=#,{}'\"\\\ufeff1ae-:_", max_size=4)) + text[end:]
    try:
        before = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        with pytest.raises(TomlError, match="^not valid TOML"):
            edit.edit(text, {"a": 1}, [])
        return
    change = data.draw(changes(before))
    try:
        after = edit.edit(text, change.merge, change.remove, change.lists)
    except TomlError as error:
        assert IMPOSSIBLE.search(str(error)), error
        return
    assert strict(tomllib.loads(after)) == strict(merge_plainly(before, change))


@given(st.data())
def test_a_fault_in_the_editing_is_refused_and_never_written(data: st.DataObject) -> None:
    document = data.draw(documents())
    change = data.draw(changes(document.data))

    def faulty(text: str, *arguments: Any) -> str:
        lines = put_in(text, *arguments).splitlines(keepends=True)
        index = data.draw(st.integers(0, max(0, len(lines) - 1)))
        what = data.draw(st.sampled_from(["lose", "repeat", "move", "add"]))
        line = lines.pop(index) if lines and what != "add" else "z = 0\n"
        lines[index:index] = [line] * {"lose": 0, "move": 0, "repeat": 2, "add": 1}[what]
        return "".join([*lines, line] if what == "move" else lines)

    put_in = add.put_in
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edit, "put_in", faulty)
        try:
            after = edit.edit(document.text, change.merge, change.remove, change.lists)
        except TomlError as error:
            assert IMPOSSIBLE.search(str(error)) or "does not allow this change" in str(error)
            return
    assert strict(tomllib.loads(after)) == strict(merge_plainly(document.data, change))


@given(st.data())
def test_a_list_keeps_what_stays_in_it_as_it_is_written(data: st.DataObject) -> None:
    written = data.draw(lists())
    kept = [item for item in written.items if data.draw(st.booleans())]
    new = [tomllib.loads(f"x = {item.text}")["x"] for item in kept]
    for number in range(data.draw(st.integers(0, 2))):
        index = data.draw(st.integers(0, len(kept)))
        kept[index:index] = [None]
        new[index:index] = [f"new {number}"]
    after = edit.edit(f"x = {written.text}", {"x": new}, [])
    assert after.startswith("x = [") and tomllib.loads(after) == {"x": new}
    for comment in written.comments:
        assert f"  {comment}{written.eol}" in after
    position = 0
    for item in filter(None, kept):
        position = after.find(item.text, position) + len(item.text)
        assert position >= len(item.text), f"lost or moved: {item.text!r}"
        assert after[position:].lstrip(" ,\t").startswith(item.comment)


@given(SCALARS | st.lists(st.text()))
def test_quoted_values_read_back(value: object) -> None:
    text = writing.quote(value)
    assert "\n" not in text
    assert tomllib.loads(f"v = {text}") == {"v": value}
