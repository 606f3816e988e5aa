# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One configuration file, read and replaced: what the lab's nodes do not have, SELinux and slow moments."""

import os
import signal
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.airgap.containerd.plugins.module_utils._change import edit, lock
from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    commands,
    effective,
    filesystem,
    service,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node.start import Start
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.edits import Edit, Proof

OLD_CONTEXT = ["system_u", "object_r", "container_config_t", "s0"]


class Module:
    """A simulated AnsibleModule on a node with SELinux; it records the contexts that files get."""

    check_mode = False

    def fail_json(self, msg, **more):
        raise SystemExit(msg)

    def __init__(self) -> None:
        self.contexts = []

    def load_file_common_arguments(self, given: dict, path: str) -> dict:
        context = [given.get(each) for each in ("seuser", "serole", "setype", "selevel")]
        return {"owner": None, "group": None, "mode": None, **given, "path": path, "secontext": context}

    def _symbolic_mode_to_octal(self, about, asked: str) -> int:
        return AnsibleModule._symbolic_mode_to_octal(about, asked)

    def set_fs_attributes_if_different(self, arguments, changed, diff=None):
        if arguments.get("owner") == "nosuchuser":
            self.fail_json(path=arguments["path"], msg="chown failed: failed to look up user nosuchuser")
        if not self.check_mode:
            self.contexts.append((arguments["path"], arguments["secontext"]))
        if arguments.get("mode") and not self.check_mode:
            os.chmod(arguments["path"], int(arguments["mode"], 8))
        return changed

    def selinux_enabled(self) -> bool:
        return True

    def selinux_context(self, path: str) -> list:
        return OLD_CONTEXT

    def selinux_default_context(self, path: str) -> list:
        return ["d", "e", "f", "g"]

    def add_path_info(self, about: dict) -> dict:
        return {**about, "mode": f"{os.stat(about['path']).st_mode & 0o777:04o}", "secontext": "x"}


@pytest.fixture
def node(tmp_path, monkeypatch):
    """A folder for the files and a lock, and a containerd that accepts everything."""
    monkeypatch.setattr(lock, "LOCK", str(tmp_path / "run" / "lock"))
    monkeypatch.setattr(places, "SCRATCH", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    (tmp_path / "config.toml").write_text("a = 1\n")
    os.chmod(tmp_path / "config.toml", 0o640)
    monkeypatch.setattr(effective, "dump", lambda binary, path, version: ({}, None))
    return tmp_path


def request(node, **more):
    path = str(node / "config.toml")
    proof = Proof(path, [], [], [], None, [], "", "")._replace(**more.pop("proof", {}))
    asked = Edit(path, wire.pack(b"a = 2\n"), {path: places.digest(b"a = 1\n")}, {}, 0o640, check=proof)
    return asked._replace(**more)


def names(node):
    return sorted(os.listdir(node))


def test_a_file_keeps_its_mode_and_context(node):
    module = Module()
    done = edit.edit(request(node), module)
    assert done["refused"] == [] and done["backup"] is None and done["info"]["mode"] == "0640"
    assert (node / "config.toml").read_text() == "a = 2\n" and names(node) == ["config.toml", "run"]
    staged, context = module.contexts[0]
    assert os.path.basename(staged).startswith(filesystem.TEMPORARY) and not staged.endswith(".toml")
    assert context == OLD_CONTEXT


def test_what_is_asked_for_is_there_before_the_file_has_its_name(node):
    module = Module()
    given = {"setype": "etc_t", "mode": "0600"}
    edit.edit(request(node, attributes=given), module)
    assert module.contexts[0][1] == ["system_u", "object_r", "etc_t", "s0"]
    assert (node / "config.toml").stat().st_mode & 0o777 == 0o600


def found(node, monkeypatch):
    """Give the node a containerd, and return the request to read its file."""
    monkeypatch.setattr(
        service, "how_started", lambda *asked: Start(None, str(node / "config.toml"), None, True, None, None)
    )
    monkeypatch.setattr(commands, "run", lambda command: (0, "containerd x v1.7.24\n", ""))
    return {"path": None, "binary": None, "service": "containerd", "imports": [], "attributes": {}}


def test_attributes_that_cannot_be_given_are_an_error_of_the_file_and_nothing_is_left(node, monkeypatch):
    wanted, module = found(node, monkeypatch), Module()
    with pytest.raises(wire.Failure, match="config.toml: chown failed: failed to look up user nosuchuser"):
        edit.look({**wanted, "attributes": {"owner": "nosuchuser"}}, module)
    with pytest.raises(wire.Failure, match="config.toml: chown failed"):
        edit.edit(request(node, attributes={"owner": "nosuchuser"}), module)
    assert (node / "config.toml").read_text() == "a = 1\n" and names(node) == ["config.toml", "run"]
    with pytest.raises(SystemExit):
        module.fail_json(msg="its own again")


@pytest.mark.skipif(os.geteuid() != 0, reason="anybody's own files are his")
@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"owner": "nobody"}, "user 65534 owns it"),
        ({"owner": "65534"}, "user 65534 owns it"),
        ({"mode": "0666"}, "everyone can write to it"),
        ({"mode": "o+w"}, "everyone can write to it"),
        ({"mode": 0o602}, "everyone can write to it"),
        ({"mode": "0660", "group": "adm"}, "group 4 can write to it"),
    ],
)
def test_attributes_that_the_next_run_would_refuse_are_refused_at_once(node, monkeypatch, attributes, reason):
    wanted, module = {**found(node, monkeypatch), "attributes": attributes}, Module()
    for path in (None, str(node / "new.toml")):
        with pytest.raises(OSError, match=f"and mode, {reason}, and this collection would no longer"):
            edit.look({**wanted, "path": path}, module)
    for fine in ({"owner": "root", "mode": "u=rw,g=r"}, {"owner": 0, "group": "adm", "mode": "0640"}, {"group": "adm"}):
        edit.look({**wanted, "attributes": fine}, module)


def test_a_new_file_gets_the_context_of_its_place(node):
    module = Module()
    (node / "config.toml").unlink()
    edit.edit(request(node, expect={str(node / "config.toml"): None}), module)
    assert module.contexts[0][1] == ["d", "e", "f", "g"]


def test_a_file_that_changed_since_it_was_read_or_while_it_is_checked(node, monkeypatch):
    (node / "config.toml").write_text("a = 3\n")
    with pytest.raises(wire.Failure, match="config.toml changed on the node"):
        edit.edit(request(node), Module())
    (node / "config.toml").write_text("a = 1\n")

    def dump(binary, path, version):
        (node / "config.toml").write_text("a = 4\n")
        return {}, None

    monkeypatch.setattr(effective, "dump", dump)
    with pytest.raises(wire.Failure, match="config.toml changed on the node"):
        edit.edit(request(node, backup=True), Module())
    assert (node / "config.toml").read_text() == "a = 4\n" and names(node) == ["config.toml", "run"]


def test_what_containerd_makes_something_else_of_is_not_written(node):
    settings = {"settings": [{"path": ["b"], "value": 1}]}
    done = edit.edit(request(node, proof=settings, backup=True), Module())
    assert done["refused"] == [{"kind": "setting", "path": ["b"]}]
    assert (node / "config.toml").read_text() == "a = 1\n" and names(node) == ["config.toml", "run"]


def test_an_imported_file_is_proven_among_copies_of_all_the_others(node, monkeypatch):
    seen = {}

    def dump(binary, path, version):
        folder = Path(path).parent
        seen.update({each.name: each.read_text() for each in folder.iterdir()})
        seen["mode"] = folder.stat().st_mode & 0o777, os.stat(path).st_mode & 0o777
        return {}, None

    monkeypatch.setattr(effective, "dump", dump)
    copies = [wire.pack(b"imports = ['1']\n"), wire.pack(b"a = 2\n")]
    edit.edit(request(node, proof={"main": "/etc/x.toml", "copies": copies}), Module())
    assert seen == {"0": "imports = ['1']\n", "1": "a = 2\n", "mode": (0o700, 0o600)}
    assert names(node / "run") == ["lock"], "they hold the same secrets, and go"


def test_copies_that_a_killed_run_left_go_with_the_next_one(node, monkeypatch):
    def dump(binary, path, version):
        os.kill(os.getpid(), signal.SIGKILL)

    copies = [wire.pack(b"password = 'x'\n")]
    child = os.fork()
    if not child:
        monkeypatch.setattr(effective, "dump", dump)
        edit.prove_alone(request(node, proof={"copies": copies}).check)
    os.waitpid(child, 0)
    assert len(filesystem.stray(str(node / "run"))) == 1
    edit.edit(request(node), Module())
    assert names(node / "run") == ["lock"]


def test_look_finds_all_files_of_a_configuration_and_each_once(node, monkeypatch):
    (node / "config.toml").write_text('imports = ["conf.d/*.toml", "one.toml", "none.toml"]\n')
    (node / "conf.d").mkdir()
    (node / "conf.d" / "a.toml").write_text('imports = ["../one.toml"]\n')
    (node / "conf.d" / "b.toml~").write_text("x = 1\n")
    (node / "one.toml").write_text(f'imports = ["{node}/config.toml"]\n')
    (node / "new.toml").write_text("x = 1\n")
    wanted = {**found(node, monkeypatch), "imports": ["new.toml"]}
    seen = edit.look(wanted, Module())
    assert [os.path.relpath(each.path, node) for each in seen["files"]] == [
        "config.toml", "new.toml", "conf.d/a.toml", "one.toml"
    ]  # fmt: skip
    assert seen["main"] == seen["path"] == str(node / "config.toml") and seen["attributes"] == {}
    with pytest.raises(OSError, match="is a directory, not a file"):
        edit.look({**wanted, "path": str(node)}, Module())
