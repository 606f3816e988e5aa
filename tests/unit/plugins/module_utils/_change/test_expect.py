# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd reads from a file, compared with what was intended."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._change import expect
from ansible_collections.airgap.containerd.plugins.module_utils._shared.edits import Proof

DEFAULTS = {"oom_score": 0, "plugins": {"a.v1.x": {"timeout": "5m0s", "runtimes": {"runc": {"type": "r", "root": ""}}}}}


def document(**settings):
    return {"oom_score": 0, "plugins": {"a.v1.x": {**DEFAULTS["plugins"]["a.v1.x"], **settings}}}


def proof(settings, defaults=(), others=None, tables=()):
    return Proof("", [], settings, list(defaults), others, [["plugins", "a.v1.x", *path] for path in tables], "", "")


def problems(after, before=None, settings=(), defaults=(), others=(), tables=()):
    asked = [{"path": ["plugins", "a.v1.x", *path], "value": value} for path, value in settings]
    allowed = None if others is None else [list(path) for path in others] + [each["path"] for each in asked]
    check = proof(asked, [list(path) for path in defaults], allowed, tables)
    return expect.problems(after, before or DEFAULTS, lambda: DEFAULTS, check)


@pytest.mark.parametrize(
    ("asked", "found", "same"),
    [
        ("5m", "5m0s", True),
        ("300s", "5m0s", True),
        ("1.5h", "1h30m0s", True),
        ("5m", "6m0s", False),
        ("5 m", "5m0s", False),
        ("/a", ["/a"], True),
        ("/a", ["/a", "/b"], False),
        (True, 1, False),
        (1, 1.0, True),
        (["a"], ["a"], True),
        ({}, {"a": 1}, True),
        ({}, 1, False),
        ("x", None, True),
    ],
)
def test_agreement(asked, found, same):
    assert expect.agrees(asked, found) is same


def test_what_is_zero_may_be_left_out():
    assert not problems(document(), settings=[(["new"], ""), (["other"], False), (["table"], {})])
    (found,) = problems(document(), settings=[(["new"], "x")])
    assert found == {"kind": "setting", "path": ["plugins", "a.v1.x", "new"]}


def test_a_value_that_is_read_otherwise():
    (found,) = problems(document(new="y"), settings=[(["new"], "x")])
    assert found["kind"] == "setting" and found["found"] == "y"


def test_plugins_that_are_not_printed_prove_nothing():
    settings = [{"path": ["plugins", "b.v1.y", "k"], "value": 1}]
    assert not expect.problems(DEFAULTS, None, None, proof(settings))
    assert expect.unproven(DEFAULTS, settings) == ["b.v1.y"]


def test_what_was_removed_is_the_default_again():
    path = ["plugins", "a.v1.x", "timeout"]
    assert not problems(document(), defaults=[path], others=[path])
    (found,) = problems(document(timeout="1s"), defaults=[path], others=[path])
    assert found == {"kind": "default", "path": path, "found": "1s"}


def test_nothing_else_changes():
    new = {"type": "n", "root": ""}
    asked = [(["runtimes", "nvidia", "type"], "n")]
    both = {"runc": {"type": "r", "root": ""}, "nvidia": new}
    assert not problems(document(runtimes=both), settings=asked)
    (found,) = problems(document(runtimes={"nvidia": new}), settings=asked)
    assert found == {"kind": "other", "path": ["plugins", "a.v1.x", "runtimes", "runc"]}
    (found,) = problems(document(runtimes=both, timeout="1s"), settings=asked)
    assert found == {"kind": "other", "path": ["plugins", "a.v1.x", "timeout"], "found": "1s"}
    assert not problems(document(runtimes=both, timeout="1s"), settings=asked, others=None)


def test_a_table_that_comes_and_goes():
    table = ["plugins", "a.v1.x", "runtimes", "runc"]
    default, own = document(runtimes={"runc": {"type": "r", "box": "pod"}}), document(runtimes={"runc": {"type": "n"}})
    asked = [(["runtimes", "runc", "type"], "n")]
    assert problems(own, default, asked) == [{"kind": "other", "path": [*table, "box"]}]
    assert not problems(own, default, asked, tables=[["runtimes", "runc"]])
    check = proof([], others=[[*table, "type"]], tables=[["runtimes", "runc"]])
    assert expect.dropped(own, default, check) == [{"path": (*table, "box"), "was": "pod"}]
    assert not expect.dropped(default, own, check), "what comes is no loss"
    defaults = {"plugins": default["plugins"]}
    check = proof([], defaults=[table], others=[table])
    assert not expect.problems(default, own, lambda: defaults, check)
    (found,) = expect.problems(own, own, lambda: defaults, check)
    assert found == {"kind": "default", "path": table}


def test_joined_lists():
    after = {"disabled_plugins": ["a", "b"], "plugins": {}}
    for value, good in ((["b"], True), (["c"], False)):
        check = proof([{"path": ["disabled_plugins"], "value": value}])
        assert (not expect.problems(after, None, None, check)) is good
