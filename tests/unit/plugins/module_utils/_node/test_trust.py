# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others than root can change, on any step of the way to a file, and what they exchange while a run writes."""

import os
import struct

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    filesystem,
    history,
    imports,
    observe,
    service,
    trust,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node.start import Start
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def tree(tmp_path):
    """A node's files, all of them root's, in ways that administrators arrange them."""
    (tmp_path / "data" / "containerd" / "certs.d" / "docker.io").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "containerd").symlink_to("../data/containerd")
    (tmp_path / "etc" / "absolute").symlink_to(tmp_path / "etc" / "containerd")
    for path in ("config.toml", "certs.d/docker.io/hosts.toml"):
        (tmp_path / "data" / "containerd" / path).write_text("x")
    for top, folders, files in os.walk(str(tmp_path)):
        for name in folders + files:
            if not os.path.islink(os.path.join(top, name)):
                os.chmod(os.path.join(top, name), 0o755 if name in folders else 0o644)
    return tmp_path


HOSTS = "etc/containerd/certs.d/docker.io/hosts.toml"


@pytest.mark.parametrize(
    "path", [HOSTS, "etc/absolute/certs.d", "etc/containerd/config.toml", "etc/none/none/x", "etc/containerd/../x"]
)
def test_what_root_made_is_trusted(tree, path):
    trust.check(str(tree / path))
    trust.check(os.path.relpath(str(tree / path)))
    trust.check("/etc/containerd/certs.d/docker.io/hosts.toml")


STEPS = ["data", "data/containerd", "data/containerd/certs.d", "data/containerd/certs.d/docker.io"]


@needs_root
@pytest.mark.parametrize("step", [*STEPS, "data/containerd/certs.d/docker.io/hosts.toml"])
@pytest.mark.parametrize(
    ("uid", "gid", "mode", "reason"),
    [
        (1000, 0, None, "user 1000 owns it, so it is not trusted: check its contents, then run chown -h root /"),
        (0, 0, 0o777, "everyone can write to it, so it is not trusted: check its contents, then run chmod o-w /"),
        (0, 1000, 0o775, "group 1000 can write to it, so it is not trusted: .* then run chmod g-w /"),
        (1000, 1000, 0o777, "user 1000 owns it and everyone can write to it and group 1000 can .* && chmod g-w /"),
        (0, 0, 0o775, None),  # root's own group
        (0, 1000, 0o755, None),  # others may read
    ],
)
def test_each_step_of_the_way_is_roots_alone(tree, step, uid, gid, mode, reason):
    os.chown(str(tree / step), uid, gid)
    if mode is not None:
        (tree / step).chmod(mode)
    if reason is None:
        trust.check(str(tree / HOSTS))
        return
    with pytest.raises(OSError, match=reason) as caught:
        trust.check(str(tree / HOSTS))
    assert caught.value.filename == str(tree / step), "the message names what has to change"


@needs_root
def test_an_access_control_list(tree):
    entries = [(0x01, 7, -1), (0x02, 7, 1000), (0x04, 5, -1), (0x10, 7, -1), (0x20, 5, -1)]  # user 1000: rwx
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *each) for each in entries)
    try:
        os.setxattr(str(tree / STEPS[1]), "system.posix_acl_access", data)
    except OSError:
        pytest.skip("this file system has none")
    with pytest.raises(OSError, match="an access control list lets others write to it, .* then run setfacl -b /"):
        trust.check(str(tree / HOSTS))


@needs_root
def test_what_is_wanted_is_mended_with_all_in_it_and_nothing_above_it_is(tree):
    """`chown -R root /` would be the end of a node."""
    hosts = str(tree / STEPS[2])
    os.chown(hosts, 1000, 1000)
    os.chmod(hosts, 0o775)
    for path, command in ((hosts, "chown -R root %s && chmod -R g-w %s"), (HOSTS, "chown -h root %s && chmod g-w %s")):
        with pytest.raises(OSError) as caught:
            trust.check(str(tree / path))
        assert caught.value.strerror.endswith("then run " + command.replace("%s", hosts))


@needs_root
@pytest.mark.parametrize("link", ["etc/containerd", "etc/absolute"])
def test_links_of_others_are_not_followed(tree, link):
    os.lchown(str(tree / link), NOBODY, NOBODY)
    with pytest.raises(OSError, match="user 65534 owns it"):
        trust.check(str(tree / link / "config.toml"))


@pytest.mark.parametrize("planted", ["link", "directory", "loop", "ours"])
def test_what_others_planted_in_a_sticky_directory(tmp_path, planted):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    trust.check(str(shared / "x" / "y"))
    with pytest.raises(OSError, match="everyone can write to it"):
        trust.check(str(shared))  # whose names anybody adds to
    if planted == "directory":
        (shared / "x").mkdir()
    else:
        (shared / "x").symlink_to("x" if planted == "loop" else "/etc")
    if planted == "ours":
        trust.check(str(shared / "x" / "y"))
    elif os.geteuid() == 0:
        os.lchown(str(shared / "x"), NOBODY, NOBODY)
        with pytest.raises(OSError, match="user 65534 owns it"):
            trust.check(str(shared / "x" / "y"))


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="too many symbolic links"):
        trust.check(str(tmp_path / "a" / "x"))


def test_a_way_up_leads_where_the_kernel_goes(tmp_path):
    """`link/..` is what is above the link's target, not what is above the link."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to("deep/er")
    (tmp_path / "up").symlink_to("link/../x")
    (tmp_path / "deep" / "x").mkdir()
    (tmp_path / "deep" / "x").chmod(0o777)
    with pytest.raises(OSError, match="everyone can write to it") as caught:
        trust.check(str(tmp_path / "up"))
    assert caught.value.filename == str(tmp_path / "deep" / "x")


def test_a_place_behind_a_link_is_none(tmp_path):
    (tmp_path / "a").symlink_to("/etc")
    with pytest.raises(OSError, match="is a symbolic link, which is not followed: remove it"):
        trust.check_place(str(tmp_path / "a" / "hosts.toml"))


# --- what is read ---


@needs_root
@pytest.mark.parametrize("name", ["docker.io", "docker.io/hosts.toml", "docker.io/ca.crt"])
def test_nothing_of_others_in_certs_d(tree, name):
    hosts = tree / "etc" / "containerd" / "certs.d"
    (hosts / "docker.io" / "ca.crt").write_text("x")
    observe._hosts(str(hosts), [])
    os.chown(str(hosts / name), 1000, 1000)
    with pytest.raises(OSError, match="user 1000 owns it"):
        observe._hosts(str(hosts), [])


@needs_root
def test_no_import_of_others(tree):
    main = tree / "etc" / "containerd" / "config.toml"
    main.write_text('imports = ["x.toml"]')
    (main.parent / "x.toml").write_text("x")
    assert len(imports.configuration(str(main), str(main))) == 2
    (main.parent / "x.toml").chmod(0o666)
    with pytest.raises(OSError, match="everyone can write to it"):
        imports.configuration(str(main), str(main))


@needs_root
def test_no_program_of_others_is_run(tree, monkeypatch):
    program = tree / "data" / "containerd" / "containerd"
    program.write_text("#!/bin/sh\necho containerd x v1.7.24\n")
    program.chmod(0o755)
    started = Start(str(program), None, None, True, None, None)
    assert service.installed(None, started).version == "containerd x v1.7.24"
    monkeypatch.setenv("PATH", str(program.parent) + ":" + os.environ["PATH"])
    for path, mode in ((program, 0o777), (program.parent, 0o777)):
        path.chmod(mode)
        for asked in (None, "containerd", str(program)):
            with pytest.raises(OSError, match="everyone can write to it"):
                service.installed(asked, started)
        path.chmod(0o755)
    os.chown(str(program), 1000, 1000)
    with pytest.raises(OSError, match="user 1000 owns it"):
        service.installed(None, started)


def test_a_kubernetes_with_its_own_containerd_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_WITH_ITS_OWN", ((str(tmp_path), "k3s"), (str(tmp_path / "none"), "k0s")))
    error = service.installed("/none/containerd", Start(None, None, None, True, None, None)).error
    assert error.endswith(f"; k3s has a containerd of its own: {tmp_path} is here") and "k0s" not in error


@needs_root
@pytest.mark.parametrize("name", [places.RECORD, history.OPEN, history.LAST])
def test_no_record_of_others(tmp_path, monkeypatch, name):
    monkeypatch.setattr(places, "STATE_DIR", str(tmp_path))
    (tmp_path / (name + ".json")).write_text("{}")
    history.fingerprint()
    os.chown(str(tmp_path / (name + ".json")), 1000, 1000)
    for read in (history.fingerprint, lambda: history.read(name)):
        with pytest.raises(OSError, match="user 1000 owns it"):
            read()


# --- what is written, while others exchange things ---


def _swap(directory, target):
    """Put a link of somebody else's in the place of a directory."""
    os.rename(directory, directory + ".away")
    os.symlink(target, directory)
    if os.geteuid() == 0:
        os.lchown(directory, NOBODY, NOBODY)


@needs_root
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("action", ["write", "new", "commit", "remove", "remove all", "rmdir", "make"])
def test_a_directory_that_is_swapped_for_a_link_leads_no_write_elsewhere(tree, tmp_path_factory, step, action):
    target = tmp_path_factory.mktemp("target")
    for name in ("hosts.toml", "docker.io/hosts.toml", "certs.d/docker.io/hosts.toml"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("theirs")
    (target / "containerd").mkdir()
    before = sorted(str(path) for path in target.rglob("*"))
    path, batch = str(tree / "data" / "containerd" / "certs.d" / "docker.io" / "hosts.toml"), filesystem.Batch()
    new = os.path.join(os.path.dirname(os.path.dirname(path)), "quay.io", "hosts.toml")
    if action == "commit":
        batch.add(path, b"new", 0o600)
        batch.add(new, b"new", 0o600)
    _swap(str(tree / step), str(target))
    with pytest.raises(OSError):
        if action == "write":
            batch.add(path, b"new", 0o600)
        elif action == "new":
            batch.add(new, b"new", 0o600)
            if step.endswith("docker.io"):
                raise OSError("this one is not on the way")
        elif action == "commit":
            batch.commit()
        elif action == "remove":
            filesystem.remove(path)
        elif action == "remove all":
            filesystem.remove_with_directory(path)
        elif action == "make":
            filesystem.make_directories(os.path.dirname(path) + "/a/b")
        else:
            filesystem.remove_empty_directory(os.path.dirname(path) + "/containerd")
            raise OSError("that goes on quietly")
    batch.discard()
    assert sorted(str(path) for path in target.rglob("*")) == before
    assert (target / "hosts.toml").read_text() == "theirs"


def test_what_is_planted_under_a_name_of_ours_is_not_written_to(tree, monkeypatch):
    victim = tree / "victim"
    victim.write_text("theirs")
    monkeypatch.setattr(filesystem, "_temporary_name", lambda: ".airgap-x")
    folder = tree / "data" / "containerd"
    (folder / ".airgap-x").symlink_to(victim)
    with pytest.raises(OSError, match="File exists"):
        filesystem.replace(str(folder / "config.toml"), b"new", 0o600)
    (folder / ".airgap-x").symlink_to(victim)
    with pytest.raises(OSError, match="File exists"):
        filesystem.replace(str(folder / "new" / "hosts.toml"), b"new", 0o600)
    assert victim.read_text() == "theirs"


def test_an_error_names_the_whole_path(tree):
    (tree / "data" / "containerd" / "a").mkdir()
    with pytest.raises(OSError) as caught, trust.opened(str(tree / "etc" / "containerd")) as handle:
        os.unlink("a", dir_fd=handle)
    assert caught.value.filename == str(tree / "etc" / "containerd" / "a")
    with pytest.raises(OSError, match="No such file") as caught, trust.opened(str(tree / "none" / "x")):
        pass
    assert caught.value.filename == str(tree / "none" / "x")
