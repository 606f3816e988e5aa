# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a plan on the node: check, stage, commit, restart, prove, and put everything back when that fails.

The order of the writes is the plan's; it is such that containerd, restarted between any two of them, finds a
configuration that works. Each write is a rename, so no reader ever sees half a file.
"""

import errno
import fcntl
import json
import os
import time

from ansible_collections.airgap.containerd.plugins.module_utils import _files, _observe, _service, _wire

_LOCK_SECONDS = 60


class TransactionError(Exception):
    """The plan was not carried out; the message says what the node's state is now."""


class _Lock(object):
    """One transaction at a time on a node."""

    def __enter__(self):
        self._handle = os.fdopen(os.open(_observe.LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        deadline = time.time() + _LOCK_SECONDS
        while time.time() < deadline:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self
            except (OSError, IOError) as exc:
                if exc.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            time.sleep(0.1)
        raise TransactionError("another run holds %s on this node; nothing was changed" % _observe.LOCK)

    def __exit__(self, *dummy):
        self._handle.close()


def _check_unchanged(expected):
    for path, digest in sorted(expected.items()):
        if _files.digest(_files.read(path)) != digest:
            raise TransactionError("%s changed on the node while this run was planned; nothing was written" % path)


def _check_staged(request, staged):
    """Let containerd read the staged configuration before it becomes the live one; return what it makes of it."""
    check = request.get("check")
    if not check:
        return None
    found = _observe.effective(check["binary"], staged.get(check["path"], check["path"]))
    reason = _observe.why_not_effective(found, check, _observe.import_files(check["path"], found["imports"]))
    if reason:
        raise TransactionError("%s. Nothing was changed on the node" % reason)
    return found


def _stage_all(writes):
    staged, created = {}, []
    try:
        for write in writes:
            created += _files.make_directories(os.path.dirname(write["path"]))
            staged[write["path"]] = _files.stage(
                write["path"], _wire.unpack(write["content"]), write["mode"], write.get("uid"), write.get("gid")
            )
    except BaseException:
        _discard(staged, created)
        raise
    return staged, created


def _discard(staged, directories):
    for name in staged.values():
        _files.remove(name)
    for directory in reversed(directories):
        _files.remove_empty_directory(directory)


def write_record(record):
    """Replace the record; None removes it."""
    if record is None:
        _files.remove(_observe.RECORD)
        _files.remove_empty_directory(_observe.STATE_DIR)
    else:
        data = json.dumps(record, sort_keys=True, indent=1).encode("utf-8")
        _files.make_directories(_observe.STATE_DIR, 0o700)
        _files.replace(_observe.RECORD, data, 0o600)


def _back_up(path, folder):
    """Copy a file into ``folder`` under a name that no `imports` glob loads; return the name, None for no file."""
    data = _files.read(path)
    if data is None:
        return None
    own_folder, name = os.path.split(path)
    if folder != own_folder:
        name = "%s-%s" % (os.path.basename(own_folder), name)
    copy = os.path.join(folder, name + time.strftime(".%Y-%m-%d@%H:%M:%S~"))
    _files.make_directories(folder, 0o700)
    _files.replace(copy, data, 0o600)
    return copy


def _commit(request, staged):
    for write in request["writes"]:
        os.rename(staged.pop(write["path"]), write["path"])
        _files.sync_directory(os.path.dirname(write["path"]))
    for path in request.get("removes") or []:
        _files.remove(path)
        _files.sync_directory(os.path.dirname(path))
    return [path for path in request.get("directories") or [] if not _files.remove_empty_directory(path)]


def _keep(paths):
    """Return what is needed to put the files of now back: ``{path: (bytes | None, description)}``."""
    return {path: (_files.read(path), _files.describe(path)) for path in paths}


def put_back(kept, created):
    """Restore the kept files, configuration first in reverse order of writing, and drop directories made for them."""
    for path, (data, about) in reversed(list(kept.items())):
        if data is None:
            _files.remove(path)
        else:
            _files.make_directories(os.path.dirname(path))
            _files.replace(path, data, about["mode"], about["uid"], about["gid"])
    for directory in reversed(created):
        _files.remove_empty_directory(directory)


def _restored(restart_request, kept, created):
    """Put the files of before back, restart with them and tell the outcome in a sentence."""
    put_back(kept, created)
    try:
        _service.restart(dict(restart_request, force=True))
    except _service.ServiceError as exc:
        return "The files of before were put back, but they fail too, so the cause was there before this run: %s" % exc
    return "The files of before were put back and containerd serves CRI with them again"


def _restart(request, kept, created, old_record):
    """Restart and prove; on failure undo everything and tell both outcomes."""
    try:
        return _service.restart(request["restart"])
    except _service.ServiceError as exc:
        write_record(old_record)
        raise TransactionError("%s. %s" % (exc, _restored(request["restart"], kept, created))) from exc


def apply(request):
    """Carry out a plan.

    ``request``: ``expect`` ({path: sha256 | None} of what the plan was made from), ``writes`` (ordered list of
    ``{path, content (base64), mode, uid, gid, backup}``; ``backup`` is the folder for a copy, or None), ``removes``
    and ``directories`` (paths; a directory goes when it is empty), ``check`` (what the configuration must effectively
    be: see why_not_effective, with ``binary`` and ``path``), ``restart`` (see _service.restart) or None, ``record``
    (dict; None removes it), ``keep_record`` (leave it alone). Returns ``{restarted, seconds, left, backups}``; ``left``
    names directories that still hold files of others, ``backups`` the copy of each file that was to be copied.
    """
    with _Lock():
        for path in [_observe.RECORD] + [each["path"] for each in request["writes"]] + (request.get("removes") or []):
            _files.trust_place(path)
        _check_unchanged(request.get("expect") or {})
        old_record = _observe.read_record()
        kept = _keep([each["path"] for each in request["writes"]] + list(request.get("removes") or []))
        staged, created = _stage_all(request["writes"])
        try:
            effective = _check_staged(request, staged)
            if not request.get("keep_record") and request.get("record") is not None:
                write_record(request["record"])
            backups = {
                each["path"]: _back_up(each["path"], each["backup"]) for each in request["writes"] if each.get("backup")
            }
            left = _commit(request, staged)
        finally:
            _discard(staged, created)
        restarted = _restart(request, kept, created, old_record) if request.get("restart") else None
        if not request.get("keep_record"):
            write_record(_proven(request, restarted, effective))
    return {
        "restarted": bool(restarted),
        "seconds": restarted and restarted["seconds"],
        "left": left,
        "backups": backups,
    }


def _proven(request, restarted, effective):
    """Return the record with a note of which daemon is proven to run with which registry settings."""
    record = request.get("record")
    if record is None or effective is None or not restarted or not restarted["daemon"]:
        return record
    return dict(record, proven={"daemon": restarted["daemon"]["id"], "registry": effective["digest"]})


def restart(request):
    """Restart and prove; on failure put ``restore`` (``[{path, backup}]``) back and restart again."""
    try:
        return _service.restart(request)
    except _service.ServiceError as exc:
        restore = request.get("restore") or []
        if not restore:
            raise
        kept = {each["path"]: (_files.read(each["backup"]), _files.describe(each["backup"])) for each in restore}
        missing = [each["backup"] for each in restore if kept[each["path"]][0] is None]
        if missing:
            raise TransactionError("%s. Nothing was restored: there is no %s" % (exc, ", ".join(missing))) from exc
        raise TransactionError("%s. %s" % (exc, _restored(request, kept, []))) from exc
