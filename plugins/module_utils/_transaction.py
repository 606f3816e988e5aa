# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a plan on the node: check, stage, commit, restart, prove, and put everything back when that fails.

containerd, restarted between any two steps, finds a configuration that works: files that config.toml needs come before
it, those that it needs no more go after it, logins in it that they need come first, and each comes or goes in one step.
What a step has begun stands in the open state (see _history), so the next run completes what a killed one left.
"""

import errno
import fcntl
import os
import time

from ansible_collections.airgap.containerd.plugins.module_utils import (
    _common,
    _files,
    _history,
    _observe,
    _process,
    _service,
    _wire,
)

LOCK_SECONDS = 60


class TransactionError(_wire.Failure):
    """The plan was not carried out; the message says what the node's state is now."""


class Lock(object):
    """One transaction at a time on a node."""

    def __enter__(self):
        self._handle = os.fdopen(os.open(_observe.LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        deadline = time.monotonic() + LOCK_SECONDS
        while time.monotonic() < deadline:
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


def check_unchanged(request):
    text = "%s on the node while this run was planned, by another run or by hand: nothing was written, run it again"
    for path, digest in sorted((request.get("expect") or {}).items()):
        if _common.digest(_files.read(path)) != digest:
            raise TransactionError(text % (path + " changed"))
    if "fingerprint" in request and request["fingerprint"] != _history.fingerprint():
        raise TransactionError(text % "the record of earlier runs changed")


def _check_staged(request, batch):
    """Let containerd read the staged configuration before it becomes the live one."""
    check = request.get("check")
    if not check:
        return
    found = _observe.effective(check["binary"], batch.staged(check["path"]), check["version"])
    reason = _common.why_not_effective(found, check, _observe.import_files(check["path"], found["imports"]))
    if reason:
        raise TransactionError("%s. Nothing was changed on the node" % reason)


def back_up(path, folder):
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
    if folder == _common.STATE_DIR:
        _history.forget_copies(name)
    return copy


def _changes_to(files, config, between=None):
    """Return ``(writes, removes)`` that make files what they were (see _history.current), in the order of a plan.

    ``between`` is that of the state: the config.toml that works with the files of before and with those of now.
    """
    different = {path: each for path, each in files.items() if _history.current(path) != each}
    writes = [dict(each, path=path) for path, each in different.items() if each is not None]
    removes = [path for path, each in different.items() if each is None]
    writes.sort(key=lambda each: each["path"] == config)
    if between and len(different) > 1 and writes and writes[-1]["path"] == config:
        first = between["write"]
        if first["content"] == writes[-1]["content"]:
            writes.insert(0, writes.pop())
        elif _history.digest_of(first) != _common.digest(_files.read(config)):
            writes.insert(0, first)
    return writes, sorted(removes, key=lambda path: path != config)


def _stage(writes):
    batch = _files.Batch()
    try:
        for write in writes:
            batch.add(write["path"], _wire.unpack(write["content"]), write["mode"], write.get("uid"), write.get("gid"))
    except BaseException:
        batch.discard()
        raise
    return batch


def _remove_all(paths, directories):
    """Remove files, those of ``directories`` with them; return the directories that hold files of others."""
    for path in paths:
        if os.path.dirname(path) in directories:
            _files.remove_with_directory(path)
        else:
            _files.remove(path)
    for directory in directories:
        if not os.path.islink(directory):
            _files.remove_empty_directory(directory)
    return [path for path in directories if os.path.isdir(path)]


def _put_in_place(batch, request):
    """Write and remove the files of a request; return the directories that hold files of others.

    Removals come last, because config.toml may have needed the files, but before the logins that they rely on go.
    """
    last = (request["writes"] or [{}])[-1].get("path")
    batch.commit(but=1 if request.get("between") and last == request["config"] else 0)
    left = _remove_all(request["removes"], request.get("directories") or [])
    batch.commit()
    return left


def _put_back(files, made, config, between=None):
    """Make files what they were, and take away the directories that were made for others."""
    writes, removes = _changes_to(files, config, between)
    emptied = {os.path.dirname(each) for each in removes}
    directories = [path for path in made if path in emptied]
    batch = _stage(writes)
    try:
        _put_in_place(
            batch,
            {"writes": writes, "removes": removes, "directories": directories, "config": config, "between": between},
        )
    finally:
        batch.discard()
    for directory in reversed(made):
        _files.remove_empty_directory(directory)
    return sorted({each["path"] for each in writes}) + removes


def _names(paths):
    """Name the files of a message: all of a few, the first of many."""
    shown = ", ".join(sorted(paths, key=lambda path: (os.path.basename(path) != "config.toml", path))[:3])
    return shown + (" and %d more" % (len(paths) - 3) if len(paths) > 3 else "")


def _commit(request, state, batch, changes):
    """Put the files and the record in place; return the directories that hold files of others."""
    prior, record = _history.read(_history.OPEN), _history.read(_common.RECORD)
    now = {path: _history.current(path) for path in changes}
    try:
        if state:
            _history.write_open(state)
        left = _put_in_place(batch, request)
        for directory in reversed(request.get("made") or []):
            _files.remove_empty_directory(directory)
        if not request.get("keep_record"):
            _history.write_record(request["record"])
        return left
    except (OSError, IOError) as exc:
        text = "%s: %s" % (exc.filename or "writing the files", exc.strerror)
        batch.discard()
        try:
            _put_back(now, batch.made, request.get("config"), request.get("between"))
            _history.write_record(record)
            if state and _history.read(_history.OPEN) != prior:
                _history.write_open(prior)
        except (OSError, IOError) as second:
            raise TransactionError(
                "%s. Putting back what was written failed too (%s). Each file is whole, the old one or the new one, "
                "and containerd works with them; the next run completes this one" % (text, second.strerror)
            ) from exc
        raise TransactionError("%s. What was written is put back; nothing was changed on the node" % text) from exc


def _restart(request, state):
    """Restart and prove; on failure undo everything since containerd was proven last, and tell both outcomes."""
    asked = request["restart"]
    try:
        return _prove(request, _service.restart(asked))
    except _service.ServiceError as exc:
        if not state or not state["files"]:
            raise TransactionError("%s. No file was changed since it worked, so none was put back" % exc) from exc
        try:
            restored = _put_back(state["files"], state["made"], state["config"], state["between"])
            _history.write_record(state["record"])
            _history.write_open(None)
            _history.tidy()
        except (OSError, IOError) as second:
            raise TransactionError(
                "%s. Putting the files of before back failed too: %s: %s" % (exc, second.filename, second.strerror)
            ) from exc
        raise TransactionError("%s. %s" % (exc, _restart_with(asked, restored))) from exc


def _restart_with(asked, restored):
    """Restart with the files that were put back, and tell the outcome in a sentence."""
    try:
        _service.restart(dict(asked, force=True))
    except _service.ServiceError as exc:
        text = "The files of before were put back (%s), but they fail too, so the cause was there before this run: %s"
        return text % (_names(restored), exc)
    return "The files of before were put back (%s) and containerd serves CRI with them again" % _names(restored)


def _prove(request, restarted):
    """Check that the daemon that was started reads the file that was written, and that it says what was asked."""
    check = request.get("check")
    if not check:
        return restarted
    used = _process.config_of(restarted["daemon"]) or _common.DEFAULT_CONFIG
    if restarted["daemon"] and used.startswith("/") and os.path.realpath(used) != os.path.realpath(check["path"]):
        raise _service.ServiceError("containerd reads %s instead of %s" % (used, check["path"]))
    found = _observe.effective(check["binary"], check["path"], check["version"])
    reason = _common.why_not_effective(found, check, [])
    if reason:
        raise _service.ServiceError("after the restart, " + reason)
    return dict(restarted, digest=found["digest"])


def _is_proven(socket):
    def proven(old):
        daemon = _service.daemon(socket)
        return bool(daemon) and daemon["id"] != old and not _service.serves_cri(socket)

    return proven


def _restored_request(request):
    """Return a request with the writes and removes that lead back to the state that it names."""
    if request["restore"] == _history.OPEN:
        state = _history.read(_history.OPEN)
        if state:
            _history.write_record(_history.read_record(state))
            _history.close(state)
    state = _history.read(_history.LAST)
    if not state:  # a killed run that went back was complete, as is noticed only now
        return dict(request, restore=None, writes=[], removes=[])
    between = state.get("between")
    writes, removes = _changes_to(state["files"], state["config"], between)
    for each in writes:
        each["backup"] = _common.STATE_DIR if each["path"] in request["edited"] else None
    for path in set(removes).intersection(request["edited"]):
        back_up(path, _common.STATE_DIR)
    emptied = {os.path.dirname(each) for each in removes}
    directories = [path for path in state["made"] if path in emptied]
    return dict(request, writes=writes, removes=removes, directories=directories, made=state["made"], between=between)


def apply(request):
    """Carry out a plan.

    ``request``: ``expect`` ({path: sha256 | None} of what the plan was made from), ``fingerprint`` (of the record and
    the states), ``writes`` (ordered list of ``{path, content (base64), mode, uid, gid, backup}``; ``backup`` is the
    folder for a copy, or None), ``removes`` and ``directories`` (paths; a directory goes when nothing else is in it),
    ``config`` (path of config.toml), ``between`` (see _history; where it is needed it comes first in ``writes``, which
    then name config.toml twice), ``sweep`` (directories where killed runs may have left temporary files),
    ``check`` (what the configuration must effectively be: see why_not_effective, with ``binary``, its ``version`` and
    ``path``), ``socket``, ``due`` (whether containerd does not know the new files until it restarts), ``restart`` (see
    _service.restart) or None, ``record`` (dict; None removes it), ``keep_record`` (leave it alone, and keep no state),
    ``forget`` (remove the states when done), ``restore`` (name of a state to go back to, which gives the writes and
    removes) with ``edited`` (files of which a copy is kept). Returns ``{restarted, seconds, left, backups}``; ``left``
    names directories that still hold files of others, ``backups`` the copy of each file that was to be copied.
    """
    with Lock():
        check_unchanged(request)
        if request.get("restart"):
            _service.check(request["restart"])
        _files.sweep((request.get("sweep") or []) + [_common.STATE_DIR])
        if request.get("socket"):
            _history.settle(_is_proven(request["socket"]))
        if request.get("restore"):
            request = _restored_request(request)
        return _apply(dict(request, removes=request.get("removes") or []))


def _apply(request):
    changes = [each["path"] for each in request["writes"]] + request["removes"]
    for path in [_common.state_file(_common.RECORD)] + changes:
        _files.trust_place(path)
    batch = _stage(request["writes"])
    try:
        _check_staged(request, batch)
        backups = {
            each["path"]: back_up(each["path"], each["backup"]) for each in request["writes"] if each.get("backup")
        }
        left, state = [], None
        if not request.get("keep_record") and (changes or _history.read(_history.OPEN)):
            files = {path: _history.current(path) for path in changes}
            daemon = _service.daemon(request["socket"]) if request.get("socket") else None
            state = _history.begin(request, files, daemon and daemon["id"])
            state["made"] = state["made"] + batch.made
        left = _commit(request, state, batch, changes)
    finally:
        batch.discard()
    restarted = _restart(request, state) if request.get("restart") else None
    if not request.get("keep_record"):
        _finish(request, state, restarted)
    return {
        "restarted": bool(restarted),
        "seconds": restarted and restarted["seconds"],
        "left": left,
        "backups": backups,
    }


def _finish(request, state, restarted):
    """Note which daemon is proven with which registry settings, and close the state of a run that needs no more."""
    record = request["record"]
    if record is not None and restarted and restarted.get("digest") and restarted["daemon"]:
        proven = {"daemon": restarted["daemon"]["id"], "registry": restarted["digest"]}
        _history.write_record(dict(record, proven=proven))
    if restarted or not state or state["daemon"] is None:
        if request.get("forget"):
            _history.forget()
        elif state:
            _history.close(state)
    _history.tidy()


def restart(request):
    """Restart and prove; on failure put ``restore`` (``[{path, backup}]``) back and restart again."""
    with Lock():
        try:
            return _service.restart(request)
        except _service.ServiceError as exc:
            restore = request.get("restore") or []
            if not restore:
                raise
            kept = {each["path"]: _history.current(each["backup"]) for each in restore}
            missing = [each["backup"] for each in restore if kept[each["path"]] is None]
            if missing:
                raise TransactionError("%s. Nothing was restored: there is no %s" % (exc, ", ".join(missing))) from exc
            restored = _put_back(kept, [], None)
            raise TransactionError("%s. %s" % (exc, _restart_with(request, restored))) from exc
