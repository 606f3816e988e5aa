# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what runs wrote on a node, and the state of its files from before a run.

A state is written before the first file changes and is open until containerd is proven to serve with the new files, so
it is at once the journal of an interrupted run, what a failed proof puts back, and what ``state: previous`` goes back
to, for which the last one is kept::

    {"time": "2026-01-31T12:00:00Z",
     "files": {path: None | {"content": base64, "mode", "uid", "gid"}},  # before, in the order of writing
     "after": {path: sha256 | None},                                     # what the run makes of them
     "made": [directories that it creates],
     "config": path of config.toml,
     "between": None | {"write": config.toml with previous credentials and those of the run, "record": its "config"},
     "record": previous record, "next": record of the run,
     "daemon": id of the containerd that does not know the new files, None where none has to,
     "undoes": whether the run restores the last state,
     "forgotten": whether the previous files are left out, which a run removed for good}
"""

import json
import os
import re
import time

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, trust
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, places, wire

MAX_STATE = 16 * 1024 * 1024  # bytes of the record or a state, which hold many files
MAX_COPIES = 10  # of one file that was edited by hand
_KEPT = {"content", "mode", "uid", "gid"}
OPEN, LAST = "open", "previous"
_COPY = re.compile(r"\.2\d{3}-[^/]*~$")


def read(name):
    """Return the record or a state as it stands on the disk, or None."""
    data = _data(name)
    try:
        found = json.loads(data.decode("utf-8")) if data is not None else None
    except (ValueError, RecursionError):
        return {"damaged": True}
    is_whole = _is_record if name == places.RECORD else _is_state
    return found if data is None or is_whole(found) else {"damaged": True}


def _is_record(data):
    """Whether this can be a record as far as this half reads it; the control node looks at the rest."""
    parts = [data.get(key, {}) for key in ("files", "endpoints")] if isinstance(data, dict) else [None]
    return all(isinstance(each, dict) for each in parts) and all(isinstance(each, dict) for each in parts[1].values())


def _is_state(data):
    """Whether this is a state, and not what something else wrote there."""
    if not isinstance(data, dict) or not all(isinstance(data.get(key), dict) for key in ("files", "after")):
        return False
    held = list(data["files"].values())
    return (
        set(data["files"]) == set(data["after"])
        and all(each is None or isinstance(each, dict) and _KEPT <= set(each) for each in held)
        and all(isinstance(data.get(key, 0), (dict, type(None))) for key in ("record", "next"))
        and all(key in data for key in ("time", "made", "config", "daemon", "undoes"))
    )


def _data(name):
    path = places.state_file(name)
    trust.check(path)
    return filesystem.read(path, MAX_STATE)


def _store(name, content):
    data = json.dumps(content, indent=1).encode("utf-8")
    filesystem.make_directories(places.STATE_DIR, 0o700)
    filesystem.replace(places.state_file(name), data, 0o600)


def write_open(state):
    """Replace the open state; None removes it."""
    if state is None:
        filesystem.remove(places.state_file(OPEN))
    else:
        _store(OPEN, state)


def write_record(record):
    """Replace the record; None removes it."""
    if record is None:
        filesystem.remove(places.state_file(places.RECORD))
    elif record != read(places.RECORD):
        _store(places.RECORD, record)


def current(path):
    """Return a file as a state holds it; None where there is none."""
    about, data = filesystem.attributes(path), filesystem.read(path)
    if data is None:
        return None
    return {"content": wire.pack(data), "mode": about.mode, "uid": about.uid, "gid": about.gid}


def _digests(state):
    """Return ``{path: (digest before, digest after, digest now)}``."""
    return {
        path: (
            digest_of(before["content"]) if before else None,
            state["after"][path],
            places.digest(filesystem.read(path)),
        )
        for path, before in state["files"].items()
    }


def is_committed(state):
    """Whether all files and the record are as the run wanted them."""
    done = all(now == after for dummy, after, now in _digests(state).values())
    return done and _is_record_of(state, read(places.RECORD))


def _is_record_of(state, record):
    """Whether a record is that of the state's run, the proof that comes last left out."""
    wanted = state["next"]
    if record is None or wanted is None:
        return record is wanted
    return dict(record, proven=None) == dict(wanted, proven=None)


def read_record(state=None):
    """Return the record that is true of the files as they are, or None.

    While the open ``state`` is there, each file belongs either to the previous record or to that of the run.
    """
    if not state or "damaged" in state:
        return state or read(places.RECORD)
    digests = _digests(state)
    record = _record_of_digests(state, digests)
    return dict(record, config=state["between"]["record"]) if record and _is_between(state, digests) else record


def _is_between(state, digests):
    """Whether config.toml is neither the previous one nor that of the run, but the one that works with both."""
    between = state.get("between")
    before, after, now = digests.get(state.get("config"), (None, None, None))
    return bool(between) and now not in (before, after) and now == digest_of(between["write"]["content"])


def _record_of_digests(state, digests):
    """Return the record that is true of the files, config.toml counted as the run's unless it is the previous one."""
    old = {path for path, (before, after, now) in digests.items() if now == before != after}
    new = {path for path, (before, after, dummy) in digests.items() if before != after} - old
    if not old:
        record = read(places.RECORD)
        return record if _is_record_of(state, record) else state["next"]
    if not new:
        return state["record"]
    record, before = dict(state["next"] or state["record"]), state["record"] or {}
    for key in ("files", "hosts"):
        entries = {path: each for path, each in ((state["next"] or {}).get(key) or {}).items() if path not in old}
        entries.update({path: each for path, each in (before.get(key) or {}).items() if path in old})
        record[key] = entries
    if state["config"] in old:
        record["config"] = before.get("config")
    elif state["next"] is None:
        record["config"] = None
    return record


def begin(request, files, daemon):
    """Return the open state of a run that is about to change ``files`` (see `current`) while ``daemon`` (its id) runs.

    ``request`` is the messages.Apply. It continues an open state of an earlier run: what came before that
    run is what to go back to.
    """
    prior = read(OPEN) or {"files": {}, "after": {}, "made": [], "record": read(places.RECORD), "daemon": None}
    digests = _digests(prior)
    foreign = {path for path, (before, after, now) in digests.items() if now not in (before, after)}
    if _is_between(prior, digests):
        foreign.discard(prior["config"])
    after = dict(prior["after"], **{each.path: digest_of(each.content) for each in request.changes.writes})
    after.update(dict.fromkeys(request.changes.removes))
    kept = {path: each for path, each in prior["files"].items() if path not in foreign}
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": {path: kept[path] if path in kept else now for path, now in _ordered(files, prior["files"]).items()},
        "after": {path: each if path in files else digests[path][2] for path, each in after.items()},
        "made": prior["made"],
        "config": request.config or prior.get("config"),
        "between": messages.as_data(request.between) or prior.get("between"),
        "record": prior["record"],
        "next": request.record,
        "daemon": daemon if request.due or daemon == prior["daemon"] else None,
        "undoes": bool(request.restore),
        "forgotten": bool(prior.get("forgotten")) and not files,
    }


def _ordered(files, prior):
    """Return both, those of an earlier run first, as they are now."""
    return dict([(path, current(path)) for path in prior if path not in files] + list(files.items()))


def digest_of(content):
    """Return the digest of packed content."""
    return places.digest(wire.unpack(content))


def close(state):
    """Keep the open state as the one to go back to; that of a run that went back goes with the one it undid."""
    if state["undoes"] or state.get("forgotten"):
        filesystem.remove(places.state_file(LAST))
        write_open(None)
    else:
        filesystem.rename(places.STATE_DIR, OPEN + ".json", LAST + ".json")


def forget():
    """Remove the states, and the copies of files that were edited by hand: credentials are in them."""
    for name in _copies():
        filesystem.remove(os.path.join(places.STATE_DIR, name))
    filesystem.remove(places.state_file(LAST))
    write_open(None)


def forget_contents(state):
    """Remove the states but for what says that containerd has to be restarted."""
    forget()
    write_open(dict(state, files={}, after={}, made=[], between=None, record=state["next"], forgotten=True))


def _copies(name=""):
    return [
        each for each in filesystem.names(places.STATE_DIR) if each.startswith(name) and _COPY.search(each[len(name) :])
    ]


def forget_copies(name):
    """Keep the newest MAX_COPIES of a file that was edited by hand; their names end in the time."""
    for each in _copies(name)[:-MAX_COPIES]:
        filesystem.remove(os.path.join(places.STATE_DIR, each))


def tidy():
    """Remove the directory if nothing is in it."""
    filesystem.remove_empty_directory(places.STATE_DIR)


def settle(is_proven):
    """Close the open state if its run is complete, and needs no proof or ``is_proven(its daemon's id)``."""
    state = read(OPEN)
    if state and is_committed(state) and (state["daemon"] is None or is_proven(state["daemon"])):
        close(state)


def has_copies():
    """Whether copies of files that were edited by hand are kept."""
    return bool(_copies())


def target():
    """Return the name of the state that ``state: previous`` restores, or None."""
    state = read(OPEN)
    if state and not state.get("forgotten") and not state["undoes"]:
        return OPEN
    return LAST if os.path.exists(places.state_file(LAST)) else None


def fingerprint():
    """Return a digest of the record and the states, which tells whether another run was here meanwhile."""
    parts = [places.digest(_data(name)) for name in (places.RECORD, OPEN, LAST)]
    return places.digest(repr(parts).encode("ascii"))
