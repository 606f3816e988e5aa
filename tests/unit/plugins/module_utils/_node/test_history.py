# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which record is true, and what to go back to, after runs that were killed, not proven, or undone."""

import os

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._change import lock, transaction
from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, history, service
from ansible_collections.airgap.containerd.plugins.module_utils._node.service import ServiceError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import (
    Apply,
    Between,
    Changes,
    Restart,
    Write,
)


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(places, "SCRATCH", str(tmp_path))
    monkeypatch.setattr(places, "STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(service, "daemon", lambda socket: service.Daemon("1:1", 0.0))
    monkeypatch.setattr(service, "serves_cri", lambda socket: None)
    (tmp_path / "config.toml").write_text("zero\n")
    return tmp_path


def record(text: str, *names: str) -> dict:
    return {
        "format": 1,
        "config": {"sha256": text},
        "files": {name: {"sha256": text, "original": None} for name in names},
    }


def content(text: str) -> str:
    return wire.pack(f"{text}\n".encode())


def request(node, text: str, **more) -> Apply:
    files = [str(node / "certs.d" / name / "hosts.toml") for name in ("a.io", "b.io")]
    config = str(node / "config.toml")
    changes = Changes(
        files=[Write(path, content(text), 0o600) for path in files], config=Write(config, content(text), 0o600)
    )
    given = {"changes": changes, "config": config, "record": record(text, *files), **more}
    return Apply(**{"expect": {}, "fingerprint": history.fingerprint(), "sweep": [], "socket": "/s", **given})


def back(state: dict) -> Apply:
    """A request to go back to the last state."""
    return Apply(
        {}, history.fingerprint(), [], "/s", config=state["config"], record=state["record"], restore=history.LAST
    )


def die_at(monkeypatch, number: int) -> None:
    """Die at the given rename; like a process that is killed, do nothing more."""
    real, count = os.rename, [0]

    def rename(*paths, **handles):
        count[0] += 1
        if count[0] == number:
            monkeypatch.setattr(os, "rename", real)
            raise SystemExit
        real(*paths, **handles)

    monkeypatch.setattr(os, "rename", rename)


def test_after_a_killed_run_each_file_has_the_record_that_is_true_of_it(node, monkeypatch):
    transaction.apply(request(node, "one"))
    die_at(monkeypatch, 3)  # the state, a.io, and then not b.io
    with pytest.raises(SystemExit):
        transaction.apply(request(node, "two"))
    found = history.read_record(history.read(history.OPEN))
    assert {path.split("/")[-2]: each["sha256"] for path, each in found["files"].items()} == {
        "a.io": "two",
        "b.io": "one",
    }
    assert found["config"]["sha256"] == "one"


def test_the_run_that_completes_a_killed_one_goes_back_to_before_both(node, monkeypatch):
    transaction.apply(request(node, "one"))
    die_at(monkeypatch, 3)
    with pytest.raises(SystemExit):
        transaction.apply(request(node, "two"))
    monkeypatch.setattr(service, "check", lambda asked: None)
    answers = iter([ServiceError("no CRI"), service.Restarted(None, 0.1)])

    def restart(asked):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(service, "restart", restart)
    with pytest.raises(wire.Failure, match="no CRI"):
        transaction.apply(request(node, "three", due=True, restart=Restart("x", "/s")))
    assert {path.read_text() for path in node.rglob("*.toml")} == {"one\n"}
    assert history.read(places.RECORD)["config"]["sha256"] == "one" and history.read(history.OPEN) is None


def test_a_state_is_open_until_its_daemon_is_replaced(node, monkeypatch):
    transaction.apply(request(node, "one", due=True))
    assert history.read(history.OPEN)["daemon"] == "1:1" and history.target() == history.OPEN
    monkeypatch.setattr(service, "daemon", lambda socket: service.Daemon("2:2", 0.0))
    transaction.apply(request(node, "two"))
    assert history.read(history.OPEN) is None and history.target() == history.LAST
    assert history.read(history.LAST)["record"]["config"]["sha256"] == "one", "the first run was proven meanwhile"


def between(node, text: str, both: str) -> Apply:
    """A request that writes config.toml with the old and new credentials, the files that need them, and then itself."""
    wanted = request(node, text)
    last = wanted.changes.config
    first = last._replace(content=content(both))
    changes = wanted.changes._replace(first=first, config=None, last=last)
    return wanted._replace(changes=changes, between=Between(first, {"sha256": both}))


@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_run_that_was_killed_with_both_logins_in_config_is_no_hand_edit(node, monkeypatch, number):
    transaction.apply(request(node, "one"))
    die_at(monkeypatch, number)  # the state, config.toml, and then not a.io, b.io, or config.toml again
    with pytest.raises(SystemExit):
        transaction.apply(between(node, "two", "both"))
    assert (node / "config.toml").read_text() == "both\n"
    found = history.read_record(history.read(history.OPEN))
    assert found["config"] == {"sha256": "both"}
    assert [each["sha256"] for each in found["files"].values()].count("two") == number - 3
    transaction.apply(between(node, "two", "both"))
    assert {path.read_text() for path in node.rglob("*.toml")} == {"two\n"}
    state = history.read(history.LAST)
    assert state["record"]["config"]["sha256"] == "one"
    order = []
    replace = filesystem.rename
    monkeypatch.setattr(filesystem, "rename", lambda *paths: (order.append("/".join(paths[::2])), replace(*paths)))
    transaction.apply(back(state))
    assert {path.read_text() for path in node.rglob("*.toml")} == {"one\n"}
    files = [path for path in order if path.endswith(".toml")]
    assert files[0] == files[-1] == str(node / "config.toml") and len(files) == 4, "the same way in reverse"


def test_files_go_before_the_logins_that_they_rely_on_in_config(node, monkeypatch):
    transaction.apply(request(node, "one"))
    gone = str(node / "certs.d" / "b.io" / "hosts.toml")
    wanted = between(node, "two", "both")
    files = [each for each in wanted.changes.files if each.path != gone]
    removes = {"removes": [gone], "directories": [os.path.dirname(gone)]}
    config, seen = node / "config.toml", []
    remove = transaction._remove_all
    monkeypatch.setattr(transaction, "_remove_all", lambda *paths: (seen.append(config.read_text()), remove(*paths))[1])
    transaction.apply(wanted._replace(changes=wanted.changes._replace(files=files, **removes)))
    assert seen == ["both\n"] and config.read_text() == "two\n" and not os.path.exists(gone)
    state = history.read(history.LAST)
    transaction.apply(back(state))
    assert {path.read_text() for path in node.rglob("*.toml")} == {"one\n"} and len(list(node.rglob("*.toml"))) == 3


def test_going_back_once_leaves_nothing_to_go_back_to(node):
    transaction.apply(request(node, "one"))
    transaction.apply(request(node, "two"))
    state = history.read(history.LAST)
    transaction.apply(back(state))
    assert {path.read_text() for path in node.rglob("*.toml")} == {"one\n"}
    assert history.target() is None and history.read(places.RECORD)["config"]["sha256"] == "one"


def test_going_back_that_was_killed_at_its_end_can_be_done_again(node, monkeypatch):
    transaction.apply(request(node, "one"))
    transaction.apply(request(node, "two"))
    state = history.read(history.LAST)
    monkeypatch.setattr(history, "close", lambda state: None)
    transaction.apply(back(state))
    monkeypatch.undo()
    monkeypatch.setattr(lock, "LOCK", str(node / "lock"))
    monkeypatch.setattr(places, "STATE_DIR", str(node / "state"))
    monkeypatch.setattr(service, "daemon", lambda socket: None)
    assert history.target() == history.LAST
    transaction.apply(back(state))
    assert {path.read_text() for path in node.rglob("*.toml")} == {"one\n"} and history.target() is None


def test_another_run_is_noticed_by_its_record(node):
    seen = history.fingerprint()
    transaction.apply(request(node, "one"))
    with pytest.raises(wire.Failure, match="while this run was planned"):
        transaction.apply(request(node, "two", fingerprint=seen))
    assert (node / "config.toml").read_text() == "one\n"


def test_what_the_file_system_refuses_half_way_is_taken_back(node, monkeypatch):
    real, count = os.rename, [0]

    def rename(*paths, **handles):
        count[0] += 1
        if count[0] == 3:
            raise OSError(28, "No space left on device", paths[0])
        real(*paths, **handles)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(wire.Failure, match="No space left on device.*nothing was changed"):
        transaction.apply(request(node, "one"))
    assert (node / "config.toml").read_text() == "zero\n"
    assert sorted(path.name for path in node.rglob("*") if path.is_file()) == ["config.toml", "lock"]


DAMAGED = [
    "[1]", "{", "5", "null", '"x"', "[" * 100_000, '{"a": 1}', '{"files": 5}', '{"files": [], "after": {}}',
    '{"files": {"/a": 1}, "after": {"/a": 1}}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize("name", [history.OPEN, history.LAST, places.RECORD])
def test_what_is_no_record_and_no_state_is_damaged(node, name, text):
    os.mkdir(places.STATE_DIR, 0o700)
    with open(places.state_file(name), "w") as handle:
        handle.write(text)
    found = history.read(name)
    if name != places.RECORD:
        assert found == {"damaged": True}
    assert isinstance(found, dict) and all(isinstance(found.get(key, {}), dict) for key in ("files", "endpoints"))


def test_a_record_whose_answers_are_none_is_damaged(node):
    os.mkdir(places.STATE_DIR, 0o700)
    with open(places.state_file(places.RECORD), "w") as handle:
        handle.write('{"files": {}, "endpoints": {"http://a": 1}}')
    assert history.read(places.RECORD) == {"damaged": True}
