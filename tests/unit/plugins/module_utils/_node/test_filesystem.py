# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Irregular files, files that are too large, and links that lead elsewhere."""

import os
import socket

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, observe


def test_read(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * filesystem.MAX_FILE)
    assert len(filesystem.read(str(tmp_path / "a"))) == filesystem.MAX_FILE
    assert filesystem.read(str(tmp_path / "b")) is None and filesystem.read(str(tmp_path / "a" / "b")) is None


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "socket", "large"])
def test_what_is_no_file_is_not_read(tmp_path, kind):
    path = str(tmp_path / "x")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "device":
        os.symlink("/dev/zero", path)
    elif kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.close()
    else:
        with open(path, "wb") as handle:
            handle.truncate(1 << 40)
    with pytest.raises(OSError, match="not a regular file|No such device|larger than 1 MiB"):
        filesystem.read(path)


def test_too_many_names(tmp_path, monkeypatch):
    monkeypatch.setattr(filesystem, "MAX_NAMES", 3)
    for name in "abcd":
        (tmp_path / name).touch()
    with pytest.raises(OSError, match="holds 4 entries, more than 3"):
        filesystem.names(str(tmp_path))


def test_links_out_of_hosts_dir_are_told_and_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "hosts.toml").write_text("hunter2")
    hosts = tmp_path / "certs.d"
    for name in ("docker.io", "quay.io"):
        (hosts / name).mkdir(parents=True)
    (hosts / "ghcr.io").symlink_to(secret)
    (hosts / "docker.io" / "hosts.toml").symlink_to(secret / "hosts.toml")
    (hosts / "quay.io" / "hosts.toml").symlink_to("nowhere")
    (hosts / "gcr.io").mkdir()
    (hosts / "gcr.io" / "real.toml").write_text("x")
    (hosts / "gcr.io" / "hosts.toml").symlink_to("real.toml")
    found = observe._hosts(str(hosts), [])
    assert found["directories"] == ["docker.io", "gcr.io", "ghcr.io", "quay.io"]
    assert found["others"] == ["gcr.io/real.toml"] and not found["certificates"]
    inside = found["files"].pop("gcr.io/hosts.toml")
    assert inside["link"] == str(hosts / "gcr.io" / "real.toml") and inside["content"] == "eA=="
    assert found["files"] == {
        "docker.io/hosts.toml": {"link": str(secret / "hosts.toml")},
        "ghcr.io/hosts.toml": {"link": str(secret / "hosts.toml")},
        "quay.io/hosts.toml": {"link": str(hosts / "quay.io" / "nowhere")},
    }
