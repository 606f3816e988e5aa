# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the node: read with their attributes, written so that an interruption leaves the old or the new one.

What changes a directory does so through a handle of it (see trust.opened): whoever exchanges one on the way meanwhile
leads no write elsewhere.
"""

import contextlib
import errno
import os
import stat
from collections import namedtuple

from ansible_collections.airgap.containerd.plugins.module_utils._node import trust
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

# Neither *.toml (an `imports` glob would load it) nor hosts.toml (containerd would read it), and no host namespace.
TEMPORARY = ".airgap-"

MAX_FILE = 1024 * 1024  # bytes of a file that is read; configuration files have thousands
MAX_NAMES = 1000  # in a directory


def read(path, limit=MAX_FILE):
    """Return the bytes of a file, or None where there is none; raises OSError for what is not a file or too large."""
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


Attributes = namedtuple("Attributes", "mode uid gid ctime")  # ctime in seconds since the epoch
# What `look` returns of a config file: content is packed, None where there is no file, as sha256 and attributes.
File = namedtuple("File", "path real_path content sha256 attributes")


def attributes(path):
    """Return the Attributes of what ``path`` finally names, or None."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    changed = max(found.st_ctime, os.lstat(path).st_ctime)  # a link that leads elsewhere is as good as a new file
    return Attributes(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, changed)


def look(path):
    """Return the File at ``path``; raises OSError where others than root can change it."""
    trust.check(path)
    about, data = attributes(path), read(path)
    return File(path, os.path.realpath(path), wire.pack(data), places.digest(data), about if data is not None else None)


def make_directories(path, mode=0o755):
    """Create ``path`` and its parents with ``mode`` whatever the umask; return those created, outermost first."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        with trust.opened(os.path.dirname(each)) as parent:
            os.close(_make_directory(parent, os.path.basename(each), mode))
            os.fsync(parent)
    return list(reversed(missing))


def _make_directory(parent, name, mode):
    """Make a directory and return a handle of it."""
    os.mkdir(name, 0o700, dir_fd=parent)
    handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    os.fchmod(handle, mode)
    return handle


def rename(folder, old, new):
    """Give what is in a directory another name, and flush that; an error names what was to become."""
    with trust.opened(folder) as handle:
        try:
            os.rename(old, new, src_dir_fd=handle, dst_dir_fd=handle)
        except OSError as exc:
            raise OSError(exc.errno, exc.strerror, new) from exc
        os.fsync(handle)


@contextlib.contextmanager
def linked(path, folder):
    """Let a file be found in another directory for a while, by a link with a temporary name."""
    if os.path.realpath(os.path.dirname(path)) == os.path.realpath(folder):
        yield path
        return
    name = _temporary_name()
    with trust.opened(folder) as handle:
        os.symlink(path, name, dir_fd=handle)
    try:
        yield os.path.join(folder, name)
    finally:
        remove_temporary(os.path.join(folder, name))


def _temporary_name():
    return TEMPORARY + os.urandom(8).hex()


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
    a namespace whose registry is used directly (`hostPaths` in containerd's hosts.go goes by the directory).
    """

    def __init__(self):
        self.made = []  # directories that did not exist, outermost first
        self._steps = []  # (temporary name, final name)
        self._new = {}  # {directory: its temporary name}
        self._names = {}  # {path: temporary name}

    def add(self, path, data, mode, uid=None, gid=None):
        """Prepare one file: private from its first byte, with its final owner and mode before it gets its name.

        An error names the file that it was to become.
        """
        try:
            self._add(path, data, mode, uid, gid)
        except OSError as exc:
            if TEMPORARY in str(exc.filename or TEMPORARY):
                raise OSError(exc.errno, exc.strerror, path) from exc
            raise

    def _add(self, path, data, mode, uid, gid):
        folder = os.path.dirname(path)
        if folder not in self._new and not os.path.isdir(folder):
            parent, name = os.path.dirname(folder), _temporary_name()
            self.made += make_directories(parent) + [folder]
            with trust.opened(parent) as handle:
                os.close(_make_directory(handle, name, 0o700))
            self._new[folder] = os.path.join(parent, name)
            self._steps.append((self._new[folder], folder))
        if folder in self._new:
            name = os.path.join(self._new[folder], os.path.basename(path))
        else:
            name = os.path.join(folder, _temporary_name())
            self._steps.append((name, path))
        self._names[path] = name
        with trust.opened(os.path.dirname(name)) as handle:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            _fill(os.open(os.path.basename(name), flags, 0o600, dir_fd=handle), data, mode, uid, gid)

    def staged(self, path):
        """Return where the prepared content of ``path`` is; ``path`` itself if it is not in the batch."""
        return self._names.get(path, path)

    def commit(self, but=0):
        """Put everything in place, ``but`` the last files, which another call does."""
        for name in self._new.values():
            with trust.opened(name) as handle:
                os.fchmod(handle, 0o755)
                os.fsync(handle)
        self._new = {}
        while len(self._steps) > but:
            name, path = self._steps[0]
            rename(os.path.dirname(path), os.path.basename(name), os.path.basename(path))
            del self._steps[0]

    def discard(self):
        """Remove what was prepared and not put in place, as far as that is possible."""
        for step in self._steps:
            remove_temporary(step[0])
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
    folder, name = os.path.split(path)
    try:
        with trust.opened(folder) as handle:
            os.unlink(name, dir_fd=handle)
            os.fsync(handle)
    except OSError as exc:
        if exc.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise


def remove_with_directory(path):
    """Remove a file, and its directory with it in one step if it holds nothing else; return whether that is gone."""
    folder = os.path.dirname(path)
    if os.path.islink(folder) or not os.path.isdir(folder) or set(os.listdir(folder)) - {os.path.basename(path)}:
        remove(path)
        return not os.path.isdir(folder)
    parent, away = os.path.dirname(folder), _temporary_name()
    rename(parent, os.path.basename(folder), away)
    remove_temporary(os.path.join(parent, away))
    return True


def remove_empty_directory(path):
    """Remove a directory if it is empty."""
    folder, name = os.path.split(path)
    with contextlib.suppress(OSError), trust.opened(folder) as handle:
        os.rmdir(name, dir_fd=handle)


def remove_temporary(path):
    """Remove a file, or a directory of files, as far as that is possible."""
    folder, name = os.path.split(path)
    if os.path.isdir(path) and not os.path.islink(path):
        for each in os.listdir(path):
            remove_temporary(os.path.join(path, each))
        remove_empty_directory(path)
        return
    with contextlib.suppress(OSError), trust.opened(folder) as handle:
        os.unlink(name, dir_fd=handle)


def stray(folder):
    """Return what in a directory is a temporary file by its name."""
    return [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(TEMPORARY)]


def leftovers(folders):
    """Return what killed runs left in memory, in these directories and in the directories in them."""
    found = stray(places.SCRATCH)
    for folder in folders:
        for path in [os.path.join(folder, name) for name in names(folder)]:
            if os.path.basename(path).startswith(TEMPORARY):
                found.append(path)
            elif os.path.isdir(path) and not os.path.islink(path):
                found += stray(path)
    return found


def sweep(folders):
    """Remove what `leftovers` finds. Only under the lock: what another run prepares looks the same."""
    for path in leftovers(folders):
        remove_temporary(path)
