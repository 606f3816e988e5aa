# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the node: read with their attributes, written so that an interruption leaves the old or the new one."""

import errno
import os
import shutil
import stat
import tempfile
from collections import namedtuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

# Neither *.toml (an `imports` glob would load it) nor hosts.toml (containerd would read it), and no host namespace.
TEMPORARY = ".airgap-"

MAX_FILE = 1024 * 1024  # bytes of a file that is read; configuration files have thousands
MAX_NAMES = 1000  # in a directory
MAX_STEPS = 200  # directories and symbolic links on the way to a file


def read(path, limit=MAX_FILE):
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
            data = file.read(limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "larger than %d MiB" % (limit >> 20), path)
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


Attributes = namedtuple("Attributes", "mode uid gid ctime")  # ctime in seconds since the epoch
# What `look` tells of a configuration file: content is packed, None where there is no file, as sha256 and attributes.
File = namedtuple("File", "path real_path content sha256 attributes")


def attributes(path):
    """Return the Attributes of what ``path`` finally names, or None."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Attributes(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_ctime)


def look(path):
    """Return the File at ``path``."""
    about, data = attributes(path), read(path)
    return File(path, os.path.realpath(path), wire.pack(data), places.digest(data), about if data is not None else None)


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
        os.mkdir(each, mode)
        os.chmod(each, mode)
        sync_directory(os.path.dirname(each))
    return list(reversed(missing))


def _fill(handle, data, mode, uid, gid):
    with os.fdopen(handle, "wb") as temporary:
        temporary.write(data)
        temporary.flush()
        if uid is not None or gid is not None:
            os.fchown(temporary.fileno(), -1 if uid is None else uid, -1 if gid is None else gid)
        os.fchmod(temporary.fileno(), mode)
        os.fsync(temporary.fileno())


class Batch(object):
    """Files that are prepared beside their places and then put in place, each in one step, in the order of `add`.

    A directory that does not exist yet comes with its files in one step too, because containerd takes an empty one for
    a namespace that is to be asked itself (`hostPaths` in containerd's hosts.go goes by the directory).
    """

    def __init__(self):
        self.made = []  # directories that did not exist, outermost first
        self._steps = []  # (temporary name, final name)
        self._new = {}  # {directory: its temporary name}
        self._names = {}  # {path: temporary name}

    def add(self, path, data, mode, uid=None, gid=None):
        """Prepare one file: private from its first byte, with its final owner and mode before it gets its name."""
        folder = os.path.dirname(path)
        if folder not in self._new and not os.path.isdir(folder):
            self.made += make_directories(os.path.dirname(folder)) + [folder]
            self._new[folder] = tempfile.mkdtemp(prefix=TEMPORARY, dir=os.path.dirname(folder))
            self._steps.append((self._new[folder], folder))
        if folder in self._new:
            name = os.path.join(self._new[folder], os.path.basename(path))
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        else:
            handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
            self._steps.append((name, path))
        self._names[path] = name
        _fill(handle, data, mode, uid, gid)

    def staged(self, path):
        """Return where the prepared content of ``path`` is; ``path`` itself if it is not in the batch."""
        return self._names.get(path, path)

    def commit(self, but=0):
        """Put everything in place, ``but`` the last files, which another call does."""
        for name in self._new.values():
            os.chmod(name, 0o755)
            sync_directory(name)
        self._new = {}
        while len(self._steps) > but:
            name, path = self._steps[0]
            os.rename(name, path)
            sync_directory(os.path.dirname(path))
            del self._steps[0]

    def discard(self):
        """Remove what was prepared and not put in place, as far as that is possible."""
        for step in self._steps:
            _remove_temporary(step[0])
        for directory in reversed(self.made if self._steps else []):
            remove_empty_directory(directory)


def replace(path, data, mode, uid=None, gid=None):
    """Replace the content of ``path`` in one step."""
    batch = Batch()
    try:
        batch.add(path, data, mode, uid, gid)
        batch.commit()
    except BaseException:
        batch.discard()
        raise


def remove(path):
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise
    sync_directory(os.path.dirname(path))


def remove_with_directory(path):
    """Remove a file, and its directory with it in one step if it holds nothing else; return whether that is gone."""
    folder = os.path.dirname(path)
    if os.path.islink(folder) or not os.path.isdir(folder) or set(os.listdir(folder)) - {os.path.basename(path)}:
        remove(path)
        return not os.path.isdir(folder)
    parent = os.path.dirname(folder)
    away = os.path.join(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent), "gone")
    os.rename(folder, away)
    sync_directory(parent)
    _remove_temporary(os.path.dirname(away))
    return True


def remove_empty_directory(path):
    """Remove a directory if it is empty."""
    try:
        os.rmdir(path)
    except OSError:
        pass


def _remove_temporary(name):
    if os.path.isdir(name) and not os.path.islink(name):
        shutil.rmtree(name, ignore_errors=True)
        return
    try:
        os.unlink(name)
    except OSError:
        pass


def leftovers(folders):
    """Return the temporary files that killed runs left in these directories and in the directories in them."""
    found = []
    for folder in folders:
        for path in [os.path.join(folder, name) for name in names(folder)]:
            if os.path.basename(path).startswith(TEMPORARY):
                found.append(path)
            elif os.path.isdir(path) and not os.path.islink(path):
                found += [os.path.join(path, name) for name in names(path) if name.startswith(TEMPORARY)]
    return found


def sweep(folders):
    """Remove what `leftovers` finds. Only under the lock: what another run prepares looks the same."""
    for path in leftovers(folders):
        _remove_temporary(path)
