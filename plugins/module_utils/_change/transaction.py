# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a plan on the node: check, stage, commit, restart, prove, and put everything back when that fails.

containerd, restarted between any two steps, finds a configuration that works: files that config.toml needs come before
it, those that it no longer needs are removed after it, credentials in it that they need come first, each in one step.
What a step has begun is in the open state (see history), so the next run completes what a killed one left.
"""

import os
import time

from ansible_collections.airgap.containerd.plugins.module_utils._change import rehearsal
from ansible_collections.airgap.containerd.plugins.module_utils._change.lock import (
    Lock,
    check_no_other_run,
    check_unchanged,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    effective,
    filesystem,
    history,
    imports,
    service,
    start,
    trust,
    writable,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node.filesystem import Batch
from ansible_collections.airgap.containerd.plugins.module_utils._node.service import ServiceError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, places, verdicts, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import Changes, Write
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import Failure


def _staged(batch, path, real_path):
    """Let the staged config.toml be found beside its ``path``, which may be a link, for a while.

    containerd takes relative imports from the directory of the path that it is given.
    """
    staged = batch.staged(real_path)
    return filesystem.linked(path if staged == real_path else staged, os.path.dirname(path))


def _check_staged(check, batch, real_path):
    """Let containerd read the staged configuration before it becomes the live one."""
    with _staged(batch, check.path, real_path) as path:
        found = effective.effective(check.binary, path, check.version)
    imported = [each.path for each in imports.configuration(check.path, check.path)[1:]]
    reason = verdicts.why_not_effective(found, check.wanted, imported)
    if reason:
        raise Failure("%s. Nothing was changed on the node" % reason)


def back_up(path, folder):
    """Copy a file into ``folder`` under a name that no `imports` glob loads; return the name, None for no file."""
    data = filesystem.read(path)
    if data is None:
        return None
    own_folder, name = os.path.split(path)
    if folder != own_folder:
        name = "%s-%s" % (os.path.basename(own_folder), name)
    copy = os.path.join(folder, name + time.strftime(".%Y-%m-%d@%H:%M:%S~"))
    filesystem.make_directories(folder, 0o700)
    filesystem.replace(copy, data, 0o600)
    if folder == places.STATE_DIR:
        history.forget_copies(name)
    return copy


def _changes_to(files, config, between=None):
    """Return the Changes that make files what they were (see history.current).

    ``between`` is that of the state: the config.toml that works with the previous files and with the current ones.
    """
    different = {path: each for path, each in files.items() if history.current(path) != each}
    writes = {path: Write(path=path, **each) for path, each in different.items() if each is not None}
    removes = sorted((path for path, each in different.items() if each is None), key=lambda path: path != config)
    final = writes.pop(config, None)
    changes = Changes(files=list(writes.values()), removes=removes)
    if not final or not between or len(different) == 1:
        return changes._replace(config=final)
    first = messages.write(between["write"])
    if first.content == final.content:
        return changes._replace(first=final)
    is_there = history.digest_of(first.content) == places.digest(filesystem.read(config))
    return changes._replace(first=None if is_there else first, last=final)


def _stage(changes):
    batch = Batch()
    try:
        for write in changes.writes:
            batch.add(write.path, wire.unpack(write.content), write.mode, write.uid, write.gid)
    except BaseException:
        batch.discard()
        raise
    return batch


def _remove_all(paths, directories):
    """Remove files, those of ``directories`` with them; return the directories that hold files of others."""
    for path in paths:
        if os.path.dirname(path) in directories:
            filesystem.remove_with_directory(path)
        else:
            filesystem.remove(path)
    for directory in directories:
        if not os.path.islink(directory):
            filesystem.remove_empty_directory(directory)
    return [path for path in directories if os.path.isdir(path)]


def _put_in_place(batch, changes):
    """Write and remove the files of staged Changes; return the directories that hold files of others.

    Removals come after config.toml, which may have needed the files, but before the credentials go that they rely on.
    """
    batch.commit(but=1 if changes.last else 0)
    left = _remove_all(changes.removes, changes.directories)
    batch.commit()
    return left


def _put_back(files, made, config, between=None):
    """Make files what they were, and take away the directories that were made for others."""
    changes = _changes_to(files, config, between)
    emptied = {os.path.dirname(each) for each in changes.removes}
    batch = _stage(changes)
    try:
        _put_in_place(batch, changes._replace(directories=[path for path in made if path in emptied]))
    finally:
        batch.discard()
    for directory in reversed(made):
        filesystem.remove_empty_directory(directory)
    return sorted({each.path for each in changes.writes}) + changes.removes


def _names(paths):
    """Name the files of a message: all of a few, the first of many."""
    shown = ", ".join(sorted(paths, key=lambda path: (os.path.basename(path) != "config.toml", path))[:3])
    return shown + (" and %d more" % (len(paths) - 3) if len(paths) > 3 else "")


def _commit(request, state, batch, made):
    """Put the files and the record in place; return the directories that hold files of others."""
    prior, record = history.read(history.OPEN), history.read(places.RECORD)
    now = {path: history.current(path) for path in _paths(request.changes)}
    try:
        if state:
            history.write_open(state)
        left = _put_in_place(batch, request.changes)
        for directory in reversed(made):
            filesystem.remove_empty_directory(directory)
        history.write_record(request.record)
        return left
    except (OSError, IOError) as exc:
        text = writable.explain(exc, "writing the files")
        batch.discard()
        try:
            _put_back(now, batch.made, request.config, messages.as_data(request.between))
            history.write_record(record)
            if state and history.read(history.OPEN) != prior:
                history.write_open(prior)
        except (OSError, IOError) as second:
            raise Failure(
                "%s. Restoring the previous files failed as well (%s). Each file is complete, old or new, and "
                "containerd works with them; the next run completes this one" % (text, second.strerror)
            ) from exc
        raise Failure("%s. The previous files were restored; nothing was changed on the node" % text) from exc


def _paths(changes):
    return [each.path for each in changes.writes] + changes.removes


def _restart(request, state):
    """Restart and prove; on failure undo everything since containerd was proven last, and tell both outcomes."""
    try:
        restarted = service.restart(request.restart)
        if request.check:
            _prove(request.check, restarted)
        return restarted
    except ServiceError as exc:
        if not state or not state["files"]:
            text = "No file was changed since it last worked, so none was restored"
            if state and state["forgotten"]:
                text = "The previous files were discarded with their credentials, so nothing was restored"
            raise Failure("%s. %s" % (exc, text)) from exc
        try:
            restored = _put_back(state["files"], state["made"], state["config"], state["between"])
            history.write_record(state["record"])
            history.write_open(None)
            history.tidy()
        except (OSError, IOError) as second:
            raise Failure(
                "%s. Restoring the previous files failed as well: %s: %s" % (exc, second.filename, second.strerror)
            ) from exc
        raise Failure("%s. %s" % (exc, _restart_with(request.restart, restored))) from exc


def _restart_with(asked, restored):
    """Restart with the files that were put back, and return the outcome in a sentence."""
    try:
        service.restart(asked._replace(force=True))
    except ServiceError as exc:
        text = (
            "The previous files were restored (%s), but containerd fails with them too, so the cause predates this "
            "run: %s"
        )
        return text % (_names(restored), exc)
    return "The previous files were restored (%s) and containerd serves CRI with them again" % _names(restored)


def _prove(check, restarted):
    """Check that the daemon that was started reads the file that was written, and that it says what was asked."""
    used = restarted.daemon and start.reads(service.pid(restarted.daemon))
    if used and os.path.realpath(used) != os.path.realpath(check.path):
        raise ServiceError("containerd reads %s instead of %s" % (used, check.path))
    found = effective.effective(check.binary, check.path, check.version)
    reason = verdicts.why_not_effective(found, check.wanted, [])
    if reason:
        raise ServiceError("after the restart, " + reason)


def _is_proven(socket):
    def proven(old):
        daemon = service.daemon(socket)
        return bool(daemon) and daemon.id != old and not service.serves_cri(socket)

    return proven


def _restored(request):
    """Return a request with the Changes that lead back to the state that it names, and the directories made since."""
    if request.restore == history.OPEN:
        state = history.read(history.OPEN)
        if state:
            history.write_record(history.read_record(state))
            history.close(state)
    state = history.read(history.LAST)
    if not state:  # a killed run that went back was complete, as is noticed only now
        return request._replace(restore=None, changes=Changes()), []
    between = state.get("between")
    changes = _changes_to(state["files"], state["config"], between)

    def kept(write):
        return write and write._replace(backup=places.STATE_DIR if write.path in request.edited else None)

    for path in set(changes.removes).intersection(request.edited):
        back_up(path, places.STATE_DIR)
    emptied = {os.path.dirname(each) for each in changes.removes}
    changes = changes._replace(
        first=kept(changes.first),
        files=[kept(each) for each in changes.files],
        config=kept(changes.config),
        directories=[path for path in state["made"] if path in emptied],
        last=kept(changes.last),
    )
    return request._replace(changes=changes, between=messages.between(between)), state["made"]


def apply(request):
    """Carry out the plan of a messages.Apply.

    Returns ``{restarted, seconds, left, backups}``; ``left`` names directories that still hold files of others,
    ``backups`` the copy of each file that was to be copied.
    """
    with Lock():
        check_unchanged(request.expect)
        check_no_other_run(request.fingerprint)
        if request.restart:
            service.check(request.restart)
        filesystem.sweep(request.sweep + [places.STATE_DIR])
        history.settle(_is_proven(request.socket))
        made = []
        if request.restore:
            request, made = _restored(request)
        return _apply(request, made)


def rehearse(request):
    """Check and try the config.toml of a messages.Apply, and change nothing; raises Failure as `apply` would."""
    with Lock():
        check_unchanged(request.expect)
        for path in _paths(request.changes):
            trust.check_place(path)
        batch = _stage(request.changes)
        try:
            _check(request, batch)
        finally:
            batch.discard()
    return {"tried": True}


def _with_made(record, made, changes):
    """Return the record with the directories above those of the files, which go with the files themselves."""
    known = (record or {}).get("made") or []
    new = set(made) - {os.path.dirname(each.path) for each in changes.writes} - set(known)
    return dict(record, made=known + sorted(new)) if record is not None and new else record


def _check(request, batch):
    """Raise Failure where containerd would not serve with the staged config.toml, or makes something else of it."""
    if request.check:
        _check_staged(request.check, batch, request.config or request.check.path)
    if request.trial:
        real = os.path.realpath(request.trial.path)
        if real not in request.changes.removes:
            with _staged(batch, request.trial.path, real) as path:
                rehearsal.check(request.trial, request.socket, path)


def _apply(request, made):
    changes = request.changes
    paths = _paths(changes)
    for path in [places.state_file(places.RECORD)] + paths:
        trust.check_place(path)
    batch = _stage(changes)
    try:
        _check(request, batch)
        request = request._replace(record=_with_made(request.record, batch.made, changes))
        backups = {each.path: back_up(each.path, each.backup) for each in changes.writes if each.backup}
        state = None
        if paths or history.read(history.OPEN):
            files = {path: history.current(path) for path in paths}
            daemon = service.daemon(request.socket)
            state = history.begin(request, files, daemon and daemon.id)
            state["made"] = state["made"] + batch.made
        left = _commit(request, state, batch, made)
    finally:
        batch.discard()
    restarted = _restart(request, state) if request.restart else None
    _finish(request, state, restarted)
    return {
        "restarted": bool(restarted),
        "seconds": restarted and restarted.seconds,
        "left": left,
        "backups": backups,
    }


def _finish(request, state, restarted):
    """Note which daemon is proven with which files, and close the state of a run that needs no more."""
    if request.record is not None and request.check and restarted and restarted.daemon:
        proven = {"daemon": restarted.daemon.id, "files": request.proves}
        history.write_record(dict(request.record, proven=proven))
    if restarted or not state or state["daemon"] is None:
        if request.forget:
            history.forget()
        elif state:
            history.close(state)
    elif request.forget:
        history.forget_contents(state)
    history.tidy()


def restart(request, restore):
    """Restart and prove; on failure put ``restore`` (``[{path, backup}]``) back and restart again.

    Where containerd would not serve with the files as they are, the one that does is left alone.
    """
    with Lock():
        for each in restore:
            trust.check(each["backup"])
        reason = rehearsal.why_not(request)
        if reason:
            text = "containerd would not serve CRI after a restart: %s. It was not restarted" % reason
            if restore:
                text += ", and the previous files were restored (%s)" % _names(_restore(restore, text))
            raise Failure(text)
        try:
            return service.restart(request)
        except ServiceError as exc:
            if not restore:
                raise
            raise Failure("%s. %s" % (exc, _restart_with(request, _restore(restore, str(exc))))) from exc


def _restore(restore, why):
    """Put ``[{path, backup}]`` back, and tell why if that cannot be; return the files that differed."""
    kept = {each["path"]: history.current(each["backup"]) for each in restore}
    missing = [each["backup"] for each in restore if kept[each["path"]] is None]
    if missing:
        raise Failure("%s. Nothing was restored: there is no %s" % (why, ", ".join(missing)))
    return _put_back(kept, [], None)
