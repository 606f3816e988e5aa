# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps even root from replacing a file: a mount, a read-only file system, an attribute."""

import errno
import fcntl
import os
import re
import struct

_GET_FLAGS = 0x80006601 | struct.calcsize("l") << 16  # FS_IOC_GETFLAGS
_IMMUTABLE, _APPEND = 0x10, 0x20
_FULL = (errno.ENOSPC, errno.EDQUOT)


def _mount_points():
    try:
        with open("/proc/self/mountinfo") as handle:
            fields = [line.split(" ")[4] for line in handle]
    except (OSError, IOError, IndexError):
        return set()
    return {re.sub(r"\\(\d{3})", lambda match: chr(int(match.group(1), 8)), field) for field in fields}


def _attributes(path):
    """Return the letters of ``lsattr`` that keep a file or the names in a directory as they are."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, IOError):
        return ""
    try:
        flags = struct.unpack("l", fcntl.ioctl(handle, _GET_FLAGS, struct.pack("l", 0)))[0]
    except (OSError, IOError):  # a file system without attributes
        return ""
    finally:
        os.close(handle)
    return ("i" if flags & _IMMUTABLE else "") + ("a" if flags & _APPEND else "")


def why_not(path):
    """Return why a file cannot be replaced, made or removed, and what to do about it, or None."""
    path = os.path.realpath(path)
    if path in _mount_points() and not os.path.isdir(path):
        return (
            "it is a mount point itself, so it cannot be replaced atomically: mount its directory instead, or unmount "
            "it"
        )
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "it is on a read-only file system: mount %s writable first" % folder
    for each in dict.fromkeys((path, folder)):
        found = _attributes(each)
        if found:
            return "the attributes of %s (lsattr) forbid it: run chattr -%s %s" % (each, found, each)
    return None


def explain(exc, otherwise="the node"):
    """Return what an OSError is about, its words, and what to do about it where that is known."""
    told = "%s: %s" % (exc.filename or otherwise, exc.strerror)
    reason = why_not(exc.filename) if isinstance(exc.filename, str) and exc.filename.startswith("/") else None
    if exc.errno in _FULL:
        return "%s: free some space there" % told
    if exc.errno not in (errno.EPERM, errno.EACCES, errno.EROFS, errno.EBUSY, errno.EXDEV):
        return told
    if not reason and exc.errno in (errno.EPERM, errno.EACCES) and os.geteuid() != 0:
        return "%s. Run as root: set become on the task or play" % told
    return told + (": %s" % reason if reason else "")
