# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is learned from a start on trial, and what it cannot reach; the integration tests try real containerds."""

import os
import subprocess

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import complaints, trial

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are root's")
OPT = "failed to load plugin io.containerd.internal.v1.opt: mkdir /opt/containerd: read-only file system"
ZFS = "skip loading plugin io.containerd.snapshotter.v1.zfs: /run/airgap-trial/root must be a zfs filesystem"
HARM = """
exec 2>/dev/null
touch /etc/harm /var/lib/harm /run/harm /tmp/harm /opt/harm {folder}/harm
ls /run /dev
ip link 2>/dev/null || cat /proc/net/dev
"""


@AS_ROOT
@pytest.mark.parametrize(
    ("line", "learned"),
    [
        ("containerd: required plugin [x] not included", "containerd: required plugin [x] not included"),
        ("containerd: mkdir /opt/x: read-only file system", None),
        ("containerd: open /run/secrets/key: no such file or directory", None),
        ("containerd: listen unix /x: bind: permission denied", None),
        ("containerd: open /etc/key: no such file", "containerd: open /etc/key: no such file"),
        (OPT + "\ncontainerd: no", "containerd: no"),
        (OPT, "exit status 1, no output"),
        ("containerd: listen tcp 10.0.0.1:5: bind: cannot assign requested address", None),
        ("containerd: listen tcp: lookup localhost: no such host", None),
        (
            "containerd: listen tcp: lookup 256.1.1.1: no such host",
            "containerd: listen tcp: lookup 256.1.1.1: no such host",
        ),
        (OPT.replace("internal.v1.opt", "content.v1.content") + "\ncontainerd: no", None),
        (ZFS + '\nfailed to load plugin cri: no snapshotter "zfs"', None),
        (
            ZFS + '\nfailed to load plugin cri: no snapshotter "overlayfs"',
            'failed to load plugin cri: no snapshotter "overlayfs"',
        ),
    ],
)
def test_only_what_a_restart_would_meet_too_is_a_complaint(line, learned, monkeypatch):
    run = subprocess.Popen
    monkeypatch.setattr(trial, "_serves", lambda process, cri: process.wait() == 0)
    monkeypatch.setattr(
        subprocess, "Popen", lambda argv, **more: run(["/bin/sh", "-c", f"echo '{line}' >&2; exit 1"], **more)
    )
    assert trial.complaint("/usr/bin/containerd", "/etc/x", ["/etc/x"]) == learned


@AS_ROOT
def test_it_reaches_nothing_of_the_node(monkeypatch, tmp_path):
    run, out = subprocess.Popen, tmp_path / "out"
    monkeypatch.setattr(trial, "_serves", lambda process, cri: process.wait() == 0)
    with out.open("w") as handle:
        script = HARM.format(folder=tmp_path)
        monkeypatch.setattr(
            subprocess, "Popen", lambda argv, **more: run(["/bin/sh", "-c", script], **dict(more, stdout=handle))
        )
        trial.complaint("/usr/bin/containerd", "/etc/x", ["/etc/x"])
    assert not [top for top in ("/etc", "/var/lib", "/run", "/tmp", "/opt", tmp_path) if os.path.exists(f"{top}/harm")]
    seen = out.read_text().split()
    assert {"airgap-trial", "harm", "null", "urandom"} <= set(seen)
    assert not {"systemd", "mapper", "shm", "eth0"} & set(seen) and "containerd" not in seen


def test_a_configuration_in_a_place_that_it_does_not_see_is_not_tried(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    for files in (["/run/k3s/config.toml"], ["/etc/x", "/var/run/y.toml"], ["/dev/null"]):
        assert trial.complaint("/usr/bin/containerd", files[0], files) is None


def test_where_nobody_may_isolate_nothing_is_learned(monkeypatch):
    def refused():
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(trial, "_isolate", refused)
    assert trial.complaint("/bin/false", "/etc/x", ["/etc/x"]) is None


@pytest.mark.parametrize(
    ("lines", "right"),
    [
        (["level=error msg=a", "containerd: b", "failed to load plugin io.containerd.grpc.v1.cri"], "containerd: b"),
        (["failed to load plugin io.containerd.grpc.v1.cri", "level=error msg=x"], "failed to load plugin io.contai"),
        (["level=info msg=x", "level=error msg=y"], "level=error msg=y"),
        (['time="2026-11-27T23:41:21Z" level=warning msg="failed to load plugin x"'], 'msg="failed to load plugin x"'),
        (["level=info msg=x"], ""),
        ([], ""),
    ],
)
def test_the_line_of_a_log_that_tells(lines, right):
    assert complaints.of_log(lines).startswith(right) and bool(complaints.of_log(lines)) == bool(right)
