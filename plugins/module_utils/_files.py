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


def digest(data):
    """Return the hex SHA-256 of bytes, or None for None (an absent file)."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def read(path):
    """Return the bytes of a file, or None where there is none."""
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except (IOError, OSError) as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise


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
