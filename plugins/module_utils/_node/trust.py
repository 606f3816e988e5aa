# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may change what is at a path: root alone, or it is neither read nor written.

A path is walked from the root directory on, each directory opened from the handle of the one above it, and links only
followed where root made them. What passes stays as it is: others can write to none of the directories on the way.
"""

import contextlib
import errno
import os
import stat

MAX_STEPS = 200  # directories and symbolic links on the way to a file

_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ON_THE_WAY = os.O_PATH | _DIRECTORY
_ACL = "system.posix_acl_access"


def check(path):
    """Raise OSError if others than root can change what is at ``path``, or put something else in its place."""
    handle, rest = _walk(path)
    try:
        if not rest:
            _refuse(os.fstat(handle), os.path.realpath(path), True, sticky=False)  # whoever can add to it changes it
    finally:
        os.close(handle)


def check_place(path):
    """Raise OSError unless a file can be written or removed at ``path`` without leaving the directory that it names."""
    directory = os.path.dirname(path)
    if os.path.islink(directory):
        reason = "%s is a symbolic link, which is not followed: remove it" % directory
        raise OSError(errno.ELOOP, reason, path)
    check(path)


@contextlib.contextmanager
def opened(path):
    """Open a directory that others cannot exchange; errors with the names in it tell the whole path."""
    above, rest = _walk(path)
    try:
        if rest:
            code = errno.ENOTDIR if os.path.lexists(path) else errno.ENOENT
            raise OSError(code, os.strerror(code), path)
        handle = os.open(".", os.O_RDONLY | _DIRECTORY, dir_fd=above)
    finally:
        os.close(above)
    try:
        yield handle
    except OSError as exc:
        if isinstance(exc.filename, str):
            exc.filename = os.path.join(path, exc.filename)
        raise
    finally:
        os.close(handle)


def _walk(path):
    """Return a handle of the last directory on the way, and the names behind it, of what is not a directory."""
    todo, names, steps = os.path.abspath(path).split("/"), [], 0
    handle = os.open("/", _ON_THE_WAY)
    try:
        while todo:
            _refuse(os.fstat(handle), "/" + "/".join(names))
            name, steps = todo.pop(0), steps + 1
            if steps > MAX_STEPS:
                raise OSError(errno.ELOOP, "too many symbolic links", path)
            if name in ("", "."):
                continue
            if name == "..":
                todo, names = names[:-1] + todo, []
                handle = _instead_of(handle, os.open("/", _ON_THE_WAY))
                continue
            about, current = _about(name, handle), "/" + "/".join(names + [name])
            if about:
                _refuse(about, current, wanted=not todo)
            if about and stat.S_ISLNK(about.st_mode):
                target = os.readlink(name, dir_fd=handle)
                todo = target.split("/") + todo
                if target.startswith("/"):
                    names, handle = [], _instead_of(handle, os.open("/", _ON_THE_WAY))
            elif about and stat.S_ISDIR(about.st_mode):
                names.append(name)
                handle = _instead_of(handle, os.open(name, _ON_THE_WAY, dir_fd=handle))
            else:
                return handle, [name] + todo
        _refuse(os.fstat(handle), "/" + "/".join(names), wanted=True)
    except BaseException:
        os.close(handle)
        raise
    return handle, []


def _instead_of(old, new):
    os.close(old)
    return new


def _about(name, directory):
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError as exc:
        if exc.errno == errno.ENOENT:
            return None
        raise


def _refuse(about, path, wanted=False, sticky=True):
    """Raise OSError where others own or can change a file or a directory; ``sticky`` says whether that bit helps.

    In a sticky directory others can add names, but take away or exchange none of root's. A directory that is ``wanted``
    itself is repaired with all in it; one on the way, such as /, must not be.
    """
    reasons, commands = why_not(about, path, " -R" if wanted and stat.S_ISDIR(about.st_mode) else "", sticky)
    if reasons:
        told = "%s, so it is not trusted: check its contents, then run %s"
        mend = " && ".join("%s %s" % (each, path) for each in commands)
        raise OSError(errno.ELOOP, told % (" and ".join(reasons), mend), path)


def why_not(about, path, whole="", sticky=True):
    """Return in words how others can change a file or a directory, and the beginnings of the commands against it."""
    reasons, commands = [], []
    is_directory = stat.S_ISDIR(about.st_mode)
    if about.st_uid not in (0, os.geteuid()):
        reasons.append("user %d owns it" % about.st_uid)
        commands.append("chown%s root" % (whole or " -h"))
    if stat.S_ISREG(about.st_mode) or (is_directory and not (sticky and about.st_mode & stat.S_ISVTX)):
        if about.st_mode & stat.S_IWOTH:
            reasons.append("everyone can write to it")
            commands.append("chmod%s o-w" % whole)
        if about.st_mode & stat.S_IWGRP and not _is_ours(about.st_gid):
            reasons.append("group %d can write to it" % about.st_gid)
            commands.append("chmod%s g-w" % whole)
        elif about.st_mode & stat.S_IWGRP and _has_acl(path):
            reasons.append("an access control list lets others write to it")
            commands.append("setfacl%s -b" % whole)
    return reasons, commands


def _is_ours(group):
    """Whether root alone is in a group; for who is not root, the own group counts too."""
    return group == 0 or (os.geteuid() != 0 and group == os.getegid())


def _has_acl(path):
    try:
        return bool(os.getxattr(path, _ACL, follow_symlinks=False))
    except OSError:
        return False
