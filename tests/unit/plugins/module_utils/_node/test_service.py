# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anything runs on a node that could be restarted."""

import os

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import process, service


@pytest.mark.parametrize(
    ("found", "booted", "programs", "expected"),
    [
        (None, False, [], True),
        (None, False, ["/usr/bin/sshd", ""], True),
        (None, True, [], False),
        (None, False, ["/opt/bin/containerd"], False),
        (service.Daemon("1:2", 3.0), False, [], False),
    ],
)
def test_an_image_is_where_nothing_runs(monkeypatch, found, booted, programs, expected):
    monkeypatch.setattr(service.os.path, "isdir", lambda path: booted)
    monkeypatch.setattr(process, "below_our_root", lambda: [str(number) for number in range(len(programs))])
    monkeypatch.setattr(process, "link", lambda pid, name: programs[int(pid)])
    assert service.is_image(found) is expected


def test_processes_of_another_root_are_none_of_ours():
    assert str(os.getpid()) in process.below_our_root()
