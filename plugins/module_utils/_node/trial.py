# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start containerd with a configuration where it can do no harm, to learn whether a restart would bring it back.

It has its own mounts, network and IPC. Every file system is read-only but a fresh /run, /dev and /tmp, where its state
and its sockets are, so that it reaches neither the sockets nor the devices of the one that serves. Where it fails for
lack of what it is not given, nothing is learned: only a failure that a restart would meet too is one.
"""

import ctypes
import errno
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import CriError, wait_ready
from ansible_collections.airgap.containerd.plugins.module_utils._node import complaints

SECONDS = 20  # that a trial may take; it is over as soon as CRI answers
_SETTLE = 0.2  # seconds after which a containerd that answered has not given up

_OWN = "/run/airgap-trial"  # root, state and socket, in the trial's own /run
_FRESH = ("/run", "/tmp", "/dev")
# What CRI would start by itself. The rest of what a configuration names is started for containers alone.
_EMPTIED = ("/opt/nri",)
# Nothing of anybody's is in the first ones, and the others may hang who touches them.
_LEFT_ALONE = re.compile(r"(?:proc|devpts|mqueue|autofs|nfs\d?|cifs|smb3|ceph|9p|fuse\..*)$")
_GONE = (errno.ENOENT, errno.EINVAL, errno.EACCES, errno.ESTALE)  # mount points behind others, or of other users
_OWN_FAULT = re.compile(
    r"read-only file system|permission denied|not permitted|cannot assign requested|unreachable|connection refused"
    r"|/(?:run|dev|tmp|opt/nri)/",
    re.I,
)
_LOOKUP = re.compile(r"\blookup ([^\s:]+)")

_PLUGIN = re.compile(r"io\.containerd\.\w+\.v1\.(\w+)")
_UNNEEDED = "io.containerd.internal.v1.opt"  # makes /opt/containerd, which CRI does without

_UNSHARE = 0x00020000 | 0x08000000 | 0x04000000 | 0x40000000  # CLONE_NEWNS, NEWIPC, NEWUTS, NEWNET
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_IFF_UP, _GET_FLAGS, _SET_FLAGS = 1, 0x8913, 0x8914
_IFREQ = "16sH14x"


def complaint(binary, path, files, cri=True):
    """Return why containerd would not serve with the configuration at ``path``, or None.

    None: it does, or nothing is learned. ``files`` are all files of the configuration, which a complaint may name;
    without ``cri``, it is enough that containerd itself answers.
    """
    if any(os.path.realpath(each).startswith(tuple(top + "/" for top in _FRESH)) for each in [binary] + files):
        return None
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                [binary, "--config", path, "--root", _OWN + "/root", "--state", _OWN + "/state"]
                + ["--address", _OWN + "/sock"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "LISTEN_FDS")},
                preexec_fn=_isolate,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        try:
            serves = _serves(process, cri)
            ended = process.poll()
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            process.wait()
        if serves is not False:
            return None
        log.seek(0)
        lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if _UNNEEDED not in line]
    said = complaints.of_log(lines)
    if ended is None and "cri" not in said:  # other plugins fail on nodes that serve too
        said = "it runs without CRI"
    if _is_own_fault(said, lines):
        return None
    return complaints.words(said, files) or "exit status %d, no output" % ended


def _is_own_fault(said, lines):
    """Whether what was said, or what it follows from, comes from what a trial is not given."""
    name = _LOOKUP.search(said)
    if _OWN_FAULT.search(said) or (name and _has_address(name.group(1))):
        return True
    for line in lines:
        plugin = _PLUGIN.search(line)
        if not plugin or not re.search("load(?:ing)? plugin", line) or not _OWN_FAULT.search(line):
            continue
        # Skipped are those too that nobody asked for, so it has to be the one that is missed.
        if "skip" not in line or re.search(r"[\"'`]%s\b" % plugin.group(1), said):
            return True
    return False


def _has_address(name):
    """Whether a name can be looked up where there is a network."""
    try:
        return bool(socket.getaddrinfo(name, None))
    except (OSError, UnicodeError):
        return False


def _serves(process, cri):
    """Return whether the containerd on trial serves; None where that is not known when the time is up."""
    address, end = "/proc/%d/root%s/sock" % (process.pid, _OWN), time.monotonic() + SECONDS
    while process.poll() is None:
        answers = True
        try:
            wait_ready(address, 1.0)
        except CriError as exc:
            answers = None
            if exc.code == "UNIMPLEMENTED":
                answers = not cri
        if answers:
            time.sleep(_SETTLE)
            return process.poll() is None
        if answers is False:
            return False
        if time.monotonic() > end:
            return None
    return False


def _check(result, name):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)


def _mount(libc, source, target, kind, flags):
    _check(libc.mount(source, target, kind, ctypes.c_ulong(flags), None), target)


def _mounts():
    """Return ``[(mount point as bytes, type)]`` of all that this process sees."""
    found = []
    with open("/proc/self/mountinfo", "rb") as handle:
        for line in handle:
            words = line.split()
            point = re.sub(rb"\\(\d{3})", lambda code: bytes(bytearray([int(code.group(1), 8)])), words[4])
            found.append((point, words[words.index(b"-") + 1].decode("ascii", "replace")))
    return found


def _isolate():
    """Give this process mounts, network and IPC of its own, in which nothing of others can change; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0), "prctl")
    _check(libc.unshare(_UNSHARE), "unshare")
    _mount(libc, None, b"/", None, _REC | _PRIVATE)
    for point, kind in _mounts():
        if _LEFT_ALONE.match(kind):
            continue
        try:
            _mount(libc, None, point, None, _REMOUNT | _BIND | _RDONLY)
        except OSError as exc:
            if exc.errno not in _GONE or point == b"/":
                raise
    _make_fresh(libc)
    for point in ("/", "/etc", "/var/lib"):
        if not os.statvfs(point).f_flag & os.ST_RDONLY:
            raise OSError(errno.EPERM, "is not read-only", point)
    _make_network()


def _make_fresh(libc):
    """Put new directories in the place of those with sockets and devices."""
    devices = {name: os.open("/dev/" + name, os.O_RDWR) for name in ("null", "zero", "random", "urandom")}
    for point in _FRESH + tuple(each for each in _EMPTIED if os.path.isdir(each)):
        _mount(libc, b"tmpfs", point.encode("ascii"), b"tmpfs", 0)
    for name, handle in devices.items():
        path = "/dev/" + name
        with open(path, "w"):
            pass
        _mount(libc, b"/proc/self/fd/%d" % handle, path.encode("ascii"), None, _BIND)
        os.close(handle)
    os.mkdir(_OWN)


def _make_network():
    """Let the own network have loopback, and every address be listened on as if it were there."""
    for family in ("ipv4", "ipv6"):
        try:
            with open("/proc/sys/net/%s/ip_nonlocal_bind" % family, "w") as handle:
                handle.write("1")
        except (OSError, IOError):
            pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack(_IFREQ, b"lo", 0)
        flags = struct.unpack(_IFREQ, fcntl.ioctl(control, _GET_FLAGS, request))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack(_IFREQ, b"lo", flags | _IFF_UP))
