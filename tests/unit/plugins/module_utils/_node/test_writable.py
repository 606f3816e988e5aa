# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a file from being replaced, and what is said about it."""

import errno
import os
from collections import namedtuple

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import writable

Statvfs = namedtuple("Statvfs", "f_flag")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file that nothing keeps."""
    path = tmp_path / "config.toml"
    path.write_text("")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return path


def test_nothing_keeps_a_file(file):
    assert writable.why_not(str(file)) is None
    assert writable.why_not(str(file.parent)) is None
    assert writable.why_not(str(file.parent / "missing" / "more" / "file")) is None


def test_a_mount(file, monkeypatch):
    monkeypatch.setattr(writable, "_mount_points", lambda: {str(file)})
    assert writable.why_not(str(file)).startswith(
        "it is a mount point itself, so it cannot be replaced atomically: mount"
    )
    link = file.parent / "link"
    link.symlink_to(file)
    assert "a mount point itself" in writable.why_not(str(link))


def test_mount_points_are_read():
    assert "/" in writable._mount_points()


def test_a_read_only_file_system(file, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: Statvfs(os.ST_RDONLY))
    assert writable.why_not(f"{file.parent}/new/file") == (
        f"it is on a read-only file system: mount {file.parent} writable first"
    )


@pytest.mark.parametrize("kept", ["config.toml", ""])
def test_attributes(file, monkeypatch, kept):
    kept = os.path.join(str(file.parent), kept).rstrip("/")
    monkeypatch.setattr(writable, "_attributes", lambda path: "i" if path == kept else "")
    assert writable.why_not(str(file)) == f"the attributes of {kept} (lsattr) forbid it: run chattr -i {kept}"


@pytest.mark.parametrize(
    ("error", "user", "text"),
    [
        (OSError(errno.EPERM, "Not permitted", "FILE"), 0, "FILE: Not permitted: the attributes"),
        (OSError(errno.EROFS, "Read-only", "FILE"), 0, "FILE: Read-only: the attributes"),
        (OSError(errno.EACCES, "Denied", "/nowhere/x"), 1, "/nowhere/x: Denied. Run as root: set become"),
        (OSError(errno.EACCES, "Denied", "/nowhere/x"), 0, "/nowhere/x: Denied"),
        (OSError(errno.ENOSPC, "No space", "FILE"), 0, "FILE: No space: free some space there"),
        (OSError(errno.EISDIR, "Is a directory", "FILE"), 0, "FILE: Is a directory"),
        (OSError(errno.EIO, "Error"), 0, "the node: Error"),
    ],
)
def test_an_error_says_what_to_do(file, monkeypatch, error, user, text):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(writable, "_attributes", lambda path: "i" if path == str(file) else "")
    if error.filename == "FILE":
        error.filename = str(file)
    told = writable.explain(error)
    assert told.startswith(text.replace("FILE", str(file)))
    assert told.endswith(f"chattr -i {file}") == ("the attributes" in text)
