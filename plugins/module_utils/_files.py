# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the node: read with their attributes, written so that an interruption leaves the old or the new one."""

import errno
import hashlib
import os
import stat
import tempfile

# Neither *.toml (an `imports` glob would load it) nor hosts.toml (containerd would read it).
TEMPORARY = ".airgap-"

MAX_FILE = 1024 * 1024  # bytes of a file that is read; configuration files have thousands
MAX_NAMES = 1000  # in a directory
MAX_STEPS = 200  # directories and symbolic links on the way to a file


def digest(data):
    """Return the hex SHA-256 of bytes, or None for None (an absent file)."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def read(path):
    """Return the bytes of a file, or None where there is none; raises OSError for what is no file or too large."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hold us up
    except (IOError, OSError) as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(MAX_FILE + 1)
    finally:
        os.close(handle)
    if len(data) > MAX_FILE:
        raise OSError(errno.EFBIG, "larger than %d MiB" % (MAX_FILE >> 20), path)
    return data


def names(directory):
    """Return the sorted names in a directory, none where there is no directory; raises OSError for too many."""
    if not os.path.isdir(directory):
        return []
    found = sorted(os.listdir(directory))
    if len(found) > MAX_NAMES:
        raise OSError(errno.E2BIG, "holds %d entries, more than %d" % (len(found), MAX_NAMES), directory)
    return found


def trust(path):
    """Raise OSError if others than root could have put something else in the place of ``path``.

    That is so where a directory on the way is writable by everyone, unless it is sticky and what is in it is ours;
    symbolic links that root made are followed.
    """
    current, todo, steps = "/", [part for part in os.path.abspath(path).split("/") if part], 0
    while todo and os.path.isdir(current):
        above, child = os.stat(current).st_mode, os.path.join(current, todo.pop(0))
        found = os.lstat(child) if os.path.lexists(child) else None
        sticky = above & stat.S_ISVTX and (not found or found.st_uid in (0, os.geteuid()))
        if above & stat.S_IWOTH and not sticky:
            raise OSError(errno.ELOOP, "everyone can write to %s, so what is there is not trusted" % current, path)
        current, steps = child, steps + 1
        if found and stat.S_ISLNK(found.st_mode):
            target = os.path.join(os.path.dirname(child), os.readlink(child))
            current, todo = "/", [part for part in os.path.normpath(target).split("/") if part] + todo
        if steps > MAX_STEPS:
            raise OSError(errno.ELOOP, "too many symbolic links", path)


def trust_place(path):
    """Raise OSError unless a file can be written or removed at ``path`` without leaving the directory that it names."""
    directory = os.path.dirname(path)
    if os.path.islink(directory):
        reason = "%s is a symbolic link, which is not followed: remove it" % directory
        raise OSError(errno.ELOOP, reason, path)
    trust(path)


def describe(path):
    """Return ``{mode, uid, gid, ctime}`` of what ``path`` finally names, or None; mode as an int, ctime in seconds."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid, "ctime": found.st_ctime}


def sync_directory(path):
    """Flush a directory, so that a rename in it survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directories(path, mode=0o755):
    """Create ``path`` and its parents with ``mode`` whatever the umask; return those created, outermost first."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        os.mkdir(each)
        os.chmod(each, mode)
    return list(reversed(missing))


def stage(path, data, mode, uid=None, gid=None):
    """Write ``data`` to a temporary file beside ``path`` and return its name.

    The file is private from its first byte (mkstemp) and has its final owner and mode before it gets its name.
    """
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(data)
            temporary.flush()
            if uid is not None or gid is not None:
                os.fchown(temporary.fileno(), -1 if uid is None else uid, -1 if gid is None else gid)
            os.fchmod(temporary.fileno(), mode)
            os.fsync(temporary.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return name


def replace(path, data, mode, uid=None, gid=None):
    """Replace the content of ``path`` in one step."""
    name = stage(path, data, mode, uid, gid)
    os.rename(name, path)
    sync_directory(os.path.dirname(path))


def remove(path):
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except OSError as exc:
        if exc.errno != errno.ENOENT:
            raise


def remove_empty_directory(path):
    """Remove a directory if it is empty; return whether it is gone."""
    try:
        os.rmdir(path)
    except OSError:
        return not os.path.isdir(path)
    return True
