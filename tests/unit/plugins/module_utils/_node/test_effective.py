# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read in containerd's own output that it does not complain about and does not start with.

Each was tried on 1.4, 1.7 and 2.1.
"""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import commands, effective

GOOD = {"root": "/var/lib/containerd", "state": "/run/containerd", "grpc.address": "/run/containerd/containerd.sock"}


@pytest.mark.parametrize("named", ["%s", 'plugins."io.containerd.server.v1.%s"'])
@pytest.mark.parametrize(
    ("changes", "fatal"),
    [
        ({}, None),
        ({"root": "/run/containerd"}, "root and state are both /run/containerd"),
        ({"root": "/run/containerd/"}, None),
        ({"root": "FILE/r"}, "root is FILE/r, and FILE is a file"),
        ({"state": "FILE"}, "state is FILE, and FILE is a file"),
        ({"grpc.address": "FOLDER"}, "grpc.address is FOLDER, a directory"),
        ({"grpc.address": "FILE"}, None),
        ({"grpc.address": ""}, None),
        ({"grpc.address": "FILE/x/sock"}, "grpc.address is FILE/x/sock, and FILE is a file"),
        ({"grpc.address": "/run/" + "x" * 102}, "grpc.address is longer than the 106 bytes of a socket's path"),
        ({"debug.address": "FOLDER"}, "debug.address is FOLDER, a directory"),
        ({"ttrpc.address": "FOLDER"}, "ttrpc.address is FOLDER, a directory"),
    ],
)
def test_paths_that_end_containerd(tmp_path, monkeypatch, named, changes, fatal):
    file, folder = str(tmp_path / "file"), str(tmp_path / "folder")
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    lines = []
    for key, value in dict(GOOD, **changes).items():
        table, dot, name = key.rpartition(".")
        lines += ["[%s]" % (named % table)] if dot else []
        lines.append(name + ' = "' + value.replace("FILE", file).replace("FOLDER", folder) + '"')
    monkeypatch.setattr(commands, "run", lambda command: (0, "\n".join(lines), ""))
    found = effective.effective("/b", file, "containerd x 1.7.24 y").fatal
    assert found == (fatal and fatal.replace("FILE", file).replace("FOLDER", folder))
