# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction on the files of a temporary directory, with a simulated containerd."""

import json
import os
from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._change import lock, rehearsal, transaction
from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    effective,
    filesystem,
    history,
    service,
    start,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node.service import ServiceError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import (
    Apply,
    Changes,
    Check,
    Restart,
    Trial,
    Write,
)
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective, Login, Wanted

GOOD = Effective(config_path="/d")
WANTED = Wanted("/d", plugins=["cri"])
AGAIN = Restart("containerd", "/s")


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(places, "SCRATCH", str(tmp_path))
    monkeypatch.setattr(places, "STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(service, "check", lambda asked: None)
    monkeypatch.setattr(start, "reads", lambda pid: str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("old\n")
    return tmp_path


def write(path, text: str, **more):
    return Write(str(path), wire.pack(text.encode()), 0o600, **more)


def leftovers(folder):
    return [name for dummy, dummy2, names in os.walk(folder) for name in names if name.startswith(filesystem.TEMPORARY)]


def apply(node, **more):
    """Carry out a request to write a hosts.toml and config.toml."""
    files = [write(node / "certs.d" / "docker.io" / "hosts.toml", "hosts\n")]
    changes = Changes(files=files, config=write(node / "config.toml", "new\n"))._replace(**more.pop("changes", {}))
    given = dict({"expect": {}, "sweep": [], "socket": "/s", "record": {"format": 1}}, **more)
    return transaction.apply(Apply(fingerprint=history.fingerprint(), changes=changes, **given))


def check(node):
    return Check(WANTED, "containerd", "", str(node / "config.toml"))


def test_the_staged_file_of_a_link_is_read_beside_the_link(node, monkeypatch):
    """containerd resolves relative imports from the directory of the path that it is given."""
    (node / "etc").mkdir()
    link, asked = node / "etc" / "config.toml", []
    link.symlink_to(node / "config.toml")

    def effective_of(binary, path, version):
        asked.append((os.path.dirname(path), filesystem.read(path)))
        return GOOD

    monkeypatch.setattr(effective, "effective", effective_of)
    apply(node, config=str(node / "config.toml"), check=check(node)._replace(path=str(link)))
    assert asked == [(str(node / "etc"), b"new\n")]
    assert link.is_symlink() and link.read_text() == "new\n" and os.listdir(str(node / "etc")) == ["config.toml"]


def test_what_is_only_tried_changes_nothing(node, monkeypatch):
    asked, tried, config = [], [], node / "config.toml"

    def effective_of(binary, path, version):
        asked.append(filesystem.read(path))
        return GOOD

    monkeypatch.setattr(effective, "effective", effective_of)
    monkeypatch.setattr(rehearsal, "check", lambda trial, socket, path: tried.append(filesystem.read(path)))
    before = {path: filesystem.read(str(path)) for path in node.rglob("*") if path.is_file()}
    plan = Apply({str(config): places.digest(b"old\n")}, "", [], "/s", Changes(config=write(config, "new\n")))
    plan = plan._replace(config=str(config), check=check(node), trial=Trial("b", str(config)))
    assert transaction.rehearse(plan) == {"tried": True}
    assert asked == [b"new\n"] and tried == [b"new\n"]
    transaction.rehearse(plan._replace(changes=Changes()))
    assert asked[1:] == [b"old\n"] and tried[1:] == [b"old\n"]
    transaction.rehearse(plan._replace(changes=Changes(removes=[str(config)]), check=None))
    assert not tried[2:], "there is nothing to try"
    after = {path: filesystem.read(str(path)) for path in node.rglob("*") if path.is_file() and path.name != "lock"}
    assert after == before and not (node / "state").exists()
    with pytest.raises(wire.Failure, match="config.toml changed"):
        transaction.rehearse(plan._replace(expect={str(config): None}))


def test_an_error_while_staging_names_the_file_and_not_the_temporary_one(node, monkeypatch):
    monkeypatch.setattr(
        filesystem, "_fill", lambda *given: os.open(str(node / (filesystem.TEMPORARY + "x")), os.O_RDONLY)
    )
    with pytest.raises(OSError) as caught:
        apply(node)
    assert caught.value.filename == str(node / "certs.d" / "docker.io" / "hosts.toml") and not leftovers(node)


def test_apply_writes_everything(node):
    done = apply(node)
    assert done == {"restarted": False, "seconds": None, "left": [], "backups": {}}
    assert (node / "config.toml").read_text() == "new\n"
    hosts = node / "certs.d" / "docker.io" / "hosts.toml"
    assert hosts.read_text() == "hosts\n" and hosts.stat().st_mode & 0o777 == 0o600
    record = {"format": 1, "made": [str(node / "certs.d")]}
    assert json.loads((node / "state" / "record.json").read_text()) == record
    assert (node / "state").stat().st_mode & 0o777 == 0o700 and not leftovers(node)


def test_a_file_that_changed_meanwhile_stops_it(node):
    with pytest.raises(wire.Failure, match="changed on the node while"):
        apply(node, expect={str(node / "config.toml"): places.digest(b"other\n")})
    assert (node / "config.toml").read_text() == "old\n" and not (node / "certs.d").exists()


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"error": "bad TOML"}, "does not accept the configuration: bad TOML"),
        ({"config_path": ""}, "config_path is ''"),
        ({"mirrors": {"docker.io": ["x"]}}, "mirrors are set together with"),
        ({"configs": {"a.lan": Login(None, True)}}, "tls is set together with"),
        ({"disabled_plugins": ["cri"]}, "is disabled"),
    ],
)
def test_a_configuration_that_containerd_reads_otherwise_is_not_put_in_place(node, monkeypatch, found, reason):
    monkeypatch.setattr(effective, "effective", lambda binary, path, version: GOOD._replace(**found))
    with pytest.raises(wire.Failure, match=reason):
        apply(node, check=check(node))
    assert (node / "config.toml").read_text() == "old\n"
    assert not (node / "certs.d").exists() and not leftovers(node)
    assert not (node / "state" / "record.json").exists()


def test_a_failed_restart_puts_everything_back(node, monkeypatch):
    calls = []

    def restart(asked):
        calls.append((node / "config.toml").read_text())
        if len(calls) == 1:
            raise ServiceError("no CRI")
        return service.Restarted(None, 0.1)

    monkeypatch.setattr(service, "restart", restart)
    stale = node / "certs.d" / "quay.io" / "hosts.toml"
    stale.parent.mkdir(parents=True)
    stale.write_text("stale\n")
    removes = {"removes": [str(stale)], "directories": [str(stale.parent)]}
    with pytest.raises(wire.Failure, match="no CRI. The previous files were restored .* serves"):
        apply(node, restart=AGAIN, changes=removes)
    assert calls == ["new\n", "old\n"] and stale.read_text() == "stale\n"
    assert not (node / "certs.d" / "docker.io").exists() and not (node / "state" / "record.json").exists()


def test_the_daemon_that_was_proven_is_recorded(node, monkeypatch):
    monkeypatch.setattr(effective, "effective", lambda binary, path, version: GOOD)
    monkeypatch.setattr(service, "restart", lambda asked: service.Restarted(service.Daemon("7:7", 0.0), 0.2))
    assert apply(node, check=check(node), restart=AGAIN, proves={"/c": "x"})["restarted"]
    record = json.loads((node / "state" / "record.json").read_text())
    assert record["proven"] == {"daemon": "7:7", "files": {"/c": "x"}}


def test_a_record_that_stays_without_a_configuration_to_check(node, monkeypatch):
    monkeypatch.setattr(service, "restart", lambda asked: service.Restarted(service.Daemon("7:7", 0.0), 0.2))
    assert apply(node, restart=AGAIN)["restarted"]
    assert json.loads((node / "state" / "record.json").read_text())["format"] == 1


def test_the_newest_copies_of_a_hand_edited_file_are_kept(node):
    state = node / "state"
    state.mkdir()
    for year in range(2001, 2001 + history.MAX_COPIES):
        (state / f"quay.io-hosts.toml.{year}-01-01@00:00:00~").write_text(str(year))
        (state / f"own.quay.io-hosts.toml.{year}-01-01@00:00:00~").write_text("of another file")
    hosts = node / "certs.d" / "quay.io" / "hosts.toml"
    hosts.parent.mkdir(parents=True)
    hosts.write_text("by hand\n")
    copy = transaction.back_up(str(hosts), str(state))
    kept = sorted(state.glob("quay.io-hosts.toml.*~"))
    assert len(kept) == history.MAX_COPIES and kept[0].read_text() == "2002" and str(kept[-1]) == copy
    assert len(list(state.glob("own.*"))) == history.MAX_COPIES


def test_removals_and_backups(node):
    foreign = node / "certs.d" / "quay.io" / "ca.crt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("theirs")
    changes = Changes(
        config=write(node / "config.toml", "new\n", backup=str(node)),
        removes=[str(foreign.parent / "hosts.toml")],
        directories=[str(foreign.parent)],
    )
    done = apply(node, changes=changes._asdict())
    assert done["left"] == [str(foreign.parent)] and foreign.read_text() == "theirs"
    (backup,) = done["backups"].values()
    assert backup.endswith("~") and Path(backup).read_text() == "old\n"


def test_restart_restores_files(node, monkeypatch):
    attempts = []

    def restart(asked):
        attempts.append((node / "config.toml").read_text())
        if len(attempts) == 1:
            raise ServiceError("no CRI")
        return service.Restarted(None, 0.1)

    monkeypatch.setattr(service, "restart", restart)
    (node / "backup").write_text("good\n")
    with pytest.raises(wire.Failure, match="were restored"):
        transaction.restart(AGAIN, [{"path": str(node / "config.toml"), "backup": str(node / "backup")}])
    assert attempts == ["old\n", "good\n"]


def test_a_directory_that_became_a_link_is_not_followed(node):
    (node / "certs.d").mkdir()
    (node / "elsewhere").mkdir()
    (node / "certs.d" / "docker.io").symlink_to(node / "elsewhere")
    with pytest.raises(OSError, match="is a symbolic link, which is not followed"):
        apply(node)
    (node / "elsewhere" / "hosts.toml").write_text("x")
    with pytest.raises(OSError, match="is a symbolic link, which is not followed"):
        gone = str(node / "certs.d" / "docker.io" / "hosts.toml")
        apply(node, changes={"files": [], "config": None, "removes": [gone]}, record=None)
    assert os.listdir(node / "elsewhere") == ["hosts.toml"] and (node / "config.toml").read_text() == "old\n"


def test_planted_links_for_the_record_and_the_lock_are_not_followed(node):
    (node / "elsewhere").mkdir()
    (node / "state").symlink_to(node / "elsewhere")
    with pytest.raises(OSError, match="is a symbolic link, which is not followed"):
        apply(node)
    (node / "lock").unlink()
    (node / "lock").symlink_to(node / "config.toml")
    with pytest.raises(OSError, match="symbolic link"):
        apply(node)
    assert not os.listdir(node / "elsewhere") and (node / "config.toml").read_text() == "old\n"


def test_a_place_that_everyone_can_write_to_is_refused(node):
    (node / "certs.d").mkdir()
    (node / "certs.d").chmod(0o777)
    with pytest.raises(OSError, match="everyone can write to .*certs.d"):
        apply(node)
    assert not os.listdir(node / "certs.d") and (node / "config.toml").read_text() == "old\n"


SECRET = "CaN4ryXq7ZpWd"


def absent(node, **more):
    """Revert everything, as `state: absent` does."""
    files = [str(node / "certs.d" / "docker.io" / "hosts.toml")]
    directories = [os.path.dirname(files[0]), str(node / "certs.d")]
    config = write(node / "config.toml", "old\n")
    changes = {"files": [], "config": config, "removes": files, "directories": directories}
    return apply(node, **dict({"changes": changes, "record": None, "forget": True}, **more))


def in_state(node) -> str:
    return "".join(path.read_text() for path in (node / "state").glob("*"))


@pytest.fixture
def applied(node, monkeypatch):
    """A node with credentials in each of the places that keep previous content."""
    monkeypatch.setattr(service, "daemon", lambda socket: service.Daemon("1:1", 0.0))
    (node / "config.toml").write_text(SECRET)
    apply(node, changes={"config": write(node / "config.toml", SECRET + "2", backup=places.STATE_DIR)})
    apply(node, changes={"config": write(node / "config.toml", SECRET + "3")}, due=True)
    monkeypatch.setattr(service, "serves_cri", lambda socket: None)
    assert in_state(node).count(wire.pack((SECRET + "2").encode())) and list((node / "state").glob("*~"))
    return node


@pytest.mark.parametrize("due", [True, False])
def test_no_login_is_left_by_who_takes_everything_back(applied, monkeypatch, due):
    """Also without a restart: only the note of a pending restart stays, until that restart."""
    absent(applied, due=due)
    assert not (applied / "certs.d").exists(), "which the first run made"
    assert (
        SECRET not in in_state(applied)
        and wire.pack(SECRET.encode())[:12] not in in_state(applied)
        and not list((applied / "state").glob("*~"))
    )
    state = history.read(history.OPEN)
    assert state["daemon"] == "1:1" and history.target() is None and history.read_record(state) is None
    monkeypatch.setattr(service, "daemon", lambda socket: service.Daemon("2:2", 0.0))  # by somebody else
    transaction.apply(Apply({}, history.fingerprint(), [], "/s"))
    assert not (applied / "state").exists()


def test_a_restart_that_fails_after_everything_was_forgotten(applied, monkeypatch):
    absent(applied, due=True)

    def restart(asked):
        raise ServiceError("no")

    monkeypatch.setattr(service, "restart", restart)
    with pytest.raises(
        wire.Failure, match="no. The previous files were discarded with their credentials, so nothing was restored"
    ):
        apply(applied, changes={"files": [], "config": None}, restart=AGAIN, record=None, due=True, forget=True)
    apply(applied)
    assert history.target() == history.OPEN and not history.read(history.OPEN)["forgotten"]


def test_a_directory_that_holds_files_of_others_stays(applied):
    (applied / "certs.d" / "own.lan").mkdir()
    assert absent(applied)["left"] == [str(applied / "certs.d")]
    assert (applied / "certs.d" / "own.lan").is_dir() and not (applied / "certs.d" / "docker.io").exists()
