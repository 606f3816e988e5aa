# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a plan on the node: check, stage, commit, restart, prove, and put everything back when that fails.

containerd, restarted between any two steps, finds a configuration that works: files that config.toml needs come before
it, those that it needs no more go after it, logins in it that they need come first, and each comes or goes in one step.
What a step has begun stands in the open state (see _history), so the next run completes what a killed one left.
"""

import os
import time

from ansible_collections.airgap.containerd.plugins.module_utils._change import lock
from ansible_collections.airgap.containerd.plugins.module_utils._change.lock import Lock
from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    effective,
    filesystem,
    history,
    observe,
    process,
    service,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node.filesystem import Batch
from ansible_collections.airgap.containerd.plugins.module_utils._node.service import ServiceError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, verdicts, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import Failure


def _check_staged(request, batch):
    """Let containerd read the staged configuration before it becomes the live one."""
    check = request.get("check")
    if not check:
        return
    found = effective.effective(check["binary"], batch.staged(check["path"]), check["version"])
    reason = verdicts.why_not_effective(found, check, observe.import_files(check["path"], found["imports"]))
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
    """Return ``(writes, removes)`` that make files what they were (see _history.current), in the order of a plan.

    ``between`` is that of the state: the config.toml that works with the files of before and with those of now.
    """
    different = {path: each for path, each in files.items() if history.current(path) != each}
    writes = [dict(each, path=path) for path, each in different.items() if each is not None]
    removes = [path for path, each in different.items() if each is None]
    writes.sort(key=lambda each: each["path"] == config)
    if between and len(different) > 1 and writes and writes[-1]["path"] == config:
        first = between["write"]
        if first["content"] == writes[-1]["content"]:
            writes.insert(0, writes.pop())
        elif history.digest_of(first) != places.digest(filesystem.read(config)):
            writes.insert(0, first)
    return writes, sorted(removes, key=lambda path: path != config)


def _stage(writes):
    batch = Batch()
    try:
        for write in writes:
            batch.add(write["path"], wire.unpack(write["content"]), write["mode"], write.get("uid"), write.get("gid"))
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
        filesystem.remove_empty_directory(directory)
    return sorted({each["path"] for each in writes}) + removes


def _names(paths):
    """Name the files of a message: all of a few, the first of many."""
    shown = ", ".join(sorted(paths, key=lambda path: (os.path.basename(path) != "config.toml", path))[:3])
    return shown + (" and %d more" % (len(paths) - 3) if len(paths) > 3 else "")


def _commit(request, state, batch, changes):
    """Put the files and the record in place; return the directories that hold files of others."""
    prior, record = history.read(history.OPEN), history.read(places.RECORD)
    now = {path: history.current(path) for path in changes}
    try:
        if state:
            history.write_open(state)
        left = _put_in_place(batch, request)
        for directory in reversed(request.get("made") or []):
            filesystem.remove_empty_directory(directory)
        if not request.get("keep_record"):
            history.write_record(request["record"])
        return left
    except (OSError, IOError) as exc:
        text = "%s: %s" % (exc.filename or "writing the files", exc.strerror)
        batch.discard()
        try:
            _put_back(now, batch.made, request.get("config"), request.get("between"))
            history.write_record(record)
            if state and history.read(history.OPEN) != prior:
                history.write_open(prior)
        except (OSError, IOError) as second:
            raise Failure(
                "%s. Putting back what was written failed too (%s). Each file is whole, the old one or the new one, "
                "and containerd works with them; the next run completes this one" % (text, second.strerror)
            ) from exc
        raise Failure("%s. What was written is put back; nothing was changed on the node" % text) from exc


def _restart(request, state):
    """Restart and prove; on failure undo everything since containerd was proven last, and tell both outcomes."""
    asked = request["restart"]
    try:
        return _prove(request, service.restart(asked))
    except ServiceError as exc:
        if not state or not state["files"]:
            raise Failure("%s. No file was changed since it worked, so none was put back" % exc) from exc
        try:
            restored = _put_back(state["files"], state["made"], state["config"], state["between"])
            history.write_record(state["record"])
            history.write_open(None)
            history.tidy()
        except (OSError, IOError) as second:
            raise Failure(
                "%s. Putting the files of before back failed too: %s: %s" % (exc, second.filename, second.strerror)
            ) from exc
        raise Failure("%s. %s" % (exc, _restart_with(asked, restored))) from exc


def _restart_with(asked, restored):
    """Restart with the files that were put back, and tell the outcome in a sentence."""
    try:
        service.restart(dict(asked, force=True))
    except ServiceError as exc:
        text = "The files of before were put back (%s), but they fail too, so the cause was there before this run: %s"
        return text % (_names(restored), exc)
    return "The files of before were put back (%s) and containerd serves CRI with them again" % _names(restored)


def _prove(request, restarted):
    """Check that the daemon that was started reads the file that was written, and that it says what was asked."""
    check = request.get("check")
    if not check:
        return restarted
    used = process.config_of(restarted["daemon"]) or places.DEFAULT_CONFIG
    if restarted["daemon"] and used.startswith("/") and os.path.realpath(used) != os.path.realpath(check["path"]):
        raise ServiceError("containerd reads %s instead of %s" % (used, check["path"]))
    found = effective.effective(check["binary"], check["path"], check["version"])
    reason = verdicts.why_not_effective(found, check, [])
    if reason:
        raise ServiceError("after the restart, " + reason)
    return dict(restarted, digest=found["digest"])


def _is_proven(socket):
    def proven(old):
        daemon = service.daemon(socket)
        return bool(daemon) and daemon["id"] != old and not service.serves_cri(socket)

    return proven


def _restored_request(request):
    """Return a request with the writes and removes that lead back to the state that it names."""
    if request["restore"] == history.OPEN:
        state = history.read(history.OPEN)
        if state:
            history.write_record(history.read_record(state))
            history.close(state)
    state = history.read(history.LAST)
    if not state:  # a killed run that went back was complete, as is noticed only now
        return dict(request, restore=None, writes=[], removes=[])
    between = state.get("between")
    writes, removes = _changes_to(state["files"], state["config"], between)
    for each in writes:
        each["backup"] = places.STATE_DIR if each["path"] in request["edited"] else None
    for path in set(removes).intersection(request["edited"]):
        back_up(path, places.STATE_DIR)
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
        lock.check_unchanged(request)
        if request.get("restart"):
            service.check(request["restart"])
        filesystem.sweep((request.get("sweep") or []) + [places.STATE_DIR])
        if request.get("socket"):
            history.settle(_is_proven(request["socket"]))
        if request.get("restore"):
            request = _restored_request(request)
        return _apply(dict(request, removes=request.get("removes") or []))


def _apply(request):
    changes = [each["path"] for each in request["writes"]] + request["removes"]
    for path in [places.state_file(places.RECORD)] + changes:
        filesystem.trust_place(path)
    batch = _stage(request["writes"])
    try:
        _check_staged(request, batch)
        backups = {
            each["path"]: back_up(each["path"], each["backup"]) for each in request["writes"] if each.get("backup")
        }
        left, state = [], None
        if not request.get("keep_record") and (changes or history.read(history.OPEN)):
            files = {path: history.current(path) for path in changes}
            daemon = service.daemon(request["socket"]) if request.get("socket") else None
            state = history.begin(request, files, daemon and daemon["id"])
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
        history.write_record(dict(record, proven=proven))
    if restarted or not state or state["daemon"] is None:
        if request.get("forget"):
            history.forget()
        elif state:
            history.close(state)
    history.tidy()


def restart(request):
    """Restart and prove; on failure put ``restore`` (``[{path, backup}]``) back and restart again."""
    with Lock():
        try:
            return service.restart(request)
        except ServiceError as exc:
            restore = request.get("restore") or []
            if not restore:
                raise
            kept = {each["path"]: history.current(each["backup"]) for each in restore}
            missing = [each["backup"] for each in restore if kept[each["path"]] is None]
            if missing:
                raise Failure("%s. Nothing was restored: there is no %s" % (exc, ", ".join(missing))) from exc
            restored = _put_back(kept, [], None)
            raise Failure("%s. %s" % (exc, _restart_with(request, restored))) from exc
