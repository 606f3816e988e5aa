# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of the node."""

import os
import signal
import subprocess
import time

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import process


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], {"http": None, "https": None, "no": None}),
        (["http_proxy=a", "HTTP_PROXY=b"], {"http": "b", "https": None, "no": None}),
        (["HTTPS_PROXY=http://u:p@ss@proxy:1", "no_proxy=x"], {"http": None, "https": "http://proxy:1", "no": "x"}),
        (["HTTP_PROXY=u:p@proxy:1", "HTTP_PROXY="], {"http": None, "https": None, "no": None}),
        (["HTTP_PROXY=u:p@proxy:1"], {"http": "proxy:1", "https": None, "no": None}),
    ],
)
def test_proxies_come_without_their_password(words, found):
    assert process.proxies(words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ({}, [])),
        (["--log-level", "debug", "--config", "/a.toml"], ({"log-level": "debug", "config": "/a.toml"}, [])),
        (["--config=/a.toml", "-a", "/s.sock"], ({"config": "/a.toml", "address": "/s.sock"}, [])),
        (["-c", "/a.toml", "-config", "/b.toml"], ({"config": "/b.toml"}, [])),
        (["-c"], ({}, [])),
        (["--version", "--config="], ({"config": ""}, [])),
        (["--root", "--config", "--config=/a.toml"], ({"root": "--config", "config": "/a.toml"}, [])),
        (["config", "--config", "/a.toml"], ({}, ["config", "--config", "/a.toml"])),
        (["--", "--config", "/a.toml"], ({}, ["--", "--config", "/a.toml"])),
    ],
)
def test_flags_of_a_command_line(words, found):
    assert process.flags(["containerd", *words]) == found


@pytest.mark.parametrize(
    ("program", "is_it"),
    [
        ("/usr/bin/containerd", True),
        ("containerd", True),
        ("/nix/store/x/bin/.containerd-wrapped", True),
        ("/usr/bin/docker-containerd", True),
        ("/opt/bin/containerd-2.1.9", True),
        ("/opt/bin/containerd.real", True),
        ("/usr/bin/containerd-shim-runc-v2", False),
        ("/usr/bin/containerd-stress", False),
        ("/usr/bin/containerd-fuse-overlayfs-grpc", False),
        ("/usr/bin/ctr", False),
        ("/etc/containerd/config.toml", False),
        ("/opt/odd", True),
    ],
)
def test_programs_that_are_containerd(program, is_it):
    assert process.is_containerd(program, "/opt/odd") == is_it


def test_a_link_to_containerd_is_containerd(tmp_path):
    (tmp_path / "runtime").symlink_to(tmp_path / "containerd")
    assert process.is_containerd(str(tmp_path / "runtime"))


def test_a_process_and_its_children():
    child = subprocess.Popen(["/bin/sh", "-c", "sleep 60; :"])
    try:
        # Between its fork and its exec the second one is a shell too.
        deadline = time.monotonic() + 10
        found = []
        while found != ["/bin/sh", "sleep"] and time.monotonic() < deadline:
            time.sleep(0.01)
            found = [(process.words(pid, "cmdline") or [""])[0] for pid in process.family(child.pid)]
        assert found == ["/bin/sh", "sleep"]
    finally:
        for pid in reversed(list(process.family(child.pid))):
            os.kill(int(pid), signal.SIGKILL)
        child.wait()
