# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One configuration file: read with all that it belongs to, and replaced once containerd proved what it makes of it."""

import contextlib
import errno
import grp
import os
import pwd
import shlex
import stat
import tempfile
from collections import namedtuple

from ansible_collections.airgap.containerd.plugins.module_utils._change import expect, lock, transaction
from ansible_collections.airgap.containerd.plugins.module_utils._change.lock import Lock
from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    commands,
    complaints,
    effective,
    filesystem,
    imports,
    service,
    trust,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node.filesystem import Batch
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

_Attributes = namedtuple("_Attributes", "st_mode st_uid st_gid")
_IN_THE_WAY = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.ETXTBSY)


@contextlib.contextmanager
def _failing_as_ours(module, path):
    """Let AnsibleModule fail with our error, so that the lock and the staged file are released, and not by exiting."""
    own = module.fail_json

    def fail(msg=None, **dummy):
        raise wire.Failure("%s: %s" % (path, msg))

    module.fail_json = fail
    try:
        yield
    finally:
        module.fail_json = own


def _arguments(module, path, attributes):
    """Return what AnsibleModule needs to give a file its attributes."""
    return module.load_file_common_arguments(attributes, path=path)


def look(request, module):
    """Read one configuration file and what it belongs to. Nothing here changes the node.

    ``request``: ``{path, binary, service, imports, attributes}``; None means "as the node has it", ``imports`` are
    patterns of files that are to be imported, ``attributes`` the file arguments (mode, owner, seuser ...).
    Returns ``{binary, version, version_error, main, path, files, info, attributes}``: ``main`` is the file that
    containerd reads first, ``files`` are all of the configuration, ``info`` is what AnsibleModule reports of the file,
    ``attributes`` what would change of it (``{}`` if nothing would).
    """
    start = service.how_started(service.show(request["service"]), request["binary"])
    containerd = service.installed(request["binary"], start)
    main = start.config or places.DEFAULT_CONFIG
    path = places.absolute(request["path"] or main)
    trust.check(path)
    _check_attributes(module, os.path.realpath(path), request["attributes"])
    if os.path.isdir(path):
        raise OSError(errno.EISDIR, "is a directory, not a file", path)
    return {
        "binary": containerd.binary,
        "version": containerd.version,
        "version_error": containerd.error,
        "main": main,
        "path": path,
        "files": imports.configuration(main, path, request["imports"]),
        "info": _info(module, os.path.realpath(path)),
        "attributes": _attribute_changes(module, os.path.realpath(path), request["attributes"]),
    }


def _check_attributes(module, path, attributes):
    """Raise OSError where the file arguments would let others than root change the file."""
    asked = _arguments(module, path, attributes)
    about = os.stat(path) if os.path.exists(path) else None
    try:
        uid = _number(asked["owner"], pwd.getpwnam, about.st_uid if about else os.geteuid())
        gid = _number(asked["group"], grp.getgrnam, about.st_gid if about else os.getegid())
        mode = _mode(module, asked["mode"], about)
    except (KeyError, ValueError, AttributeError):
        return  # AnsibleModule describes what is wrong with it
    reasons = trust.why_not(_Attributes(stat.S_IFREG | mode, uid, gid), path)[0]
    if reasons:
        told = "with the requested owner, group and mode, %s, and this collection would no longer trust it"
        raise OSError(errno.EPERM, told % " and ".join(reasons) + ": leave it to root", path)


def _number(name, look_up, default):
    """Return the number of a user or group, which may be given as one."""
    if name is None:
        return default
    return int(name) if str(name).isdigit() else look_up(name)[2]


def _mode(module, asked, about):
    mode = stat.S_IMODE(about.st_mode) if about else 0o644
    if asked is None:
        return mode
    try:
        return asked if isinstance(asked, int) else int(asked, 8)
    except ValueError:
        return module._symbolic_mode_to_octal(about or os.stat_result([mode] + [0] * 9), asked)


def _attribute_changes(module, path, attributes):
    """Return ``{before, after}`` of what would change of a file's attributes, {} where nothing would."""
    if not os.path.exists(path):
        return {}
    diff = {}
    check_mode, module.check_mode = module.check_mode, True
    try:
        with _failing_as_ours(module, path):
            changes = module.set_fs_attributes_if_different(_arguments(module, path, attributes), False, diff)
    finally:
        module.check_mode = check_mode
    return {side: _plain(diff.get(side)) for side in ("before", "after")} if changes else {}


def _plain(values):
    return {str(key): str(value) for key, value in (values or {}).items() if key != "path"}


def _info(module, path):
    """Return owner, group, mode and the like as the core modules do; {} for a file that is not there."""
    about = module.add_path_info({"path": path}) if os.path.exists(path) else {}
    return {key: about[key] for key in ("uid", "gid", "owner", "group", "mode", "size", "secontext") if key in about}


def _dress(module, name, path, attributes):
    """Give the staged file the attributes that the file will have: those asked for, else the old file's."""
    arguments = _arguments(module, path, dict(attributes, attributes=None))
    if module.selinux_enabled():
        known = module.selinux_context(path) if os.path.exists(path) else module.selinux_default_context(path)
        arguments["secontext"] = [asked or old for asked, old in zip(arguments["secontext"], known)]
    module.set_fs_attributes_if_different(dict(arguments, path=name), False)


def _validate(command, name):
    """Run the user's own check on the staged file. Its output stays here: it may quote the file."""
    if not command:
        return
    rc, dummy, err = commands.run(shlex.split(command.replace("%s", shlex.quote(name))))
    if rc != 0:
        said = [line for line in err.strip().splitlines() if "level=warning" not in line][-1:]
        # As of a complaint about TOML, only words that hold no secret are shown.
        words = ": %s" % complaints.words("toml: " + said[0]) if said else ""
        raise wire.Failure(
            "validate: the command failed on the new file (status %d%s). Nothing was changed on the node" % (rc, words)
        )


def _dump(check, path):
    """Return what containerd makes of a file (see effective.dump)."""
    return effective.dump(check.binary, path, check.version)


@contextlib.contextmanager
def _scratch():
    """Make a directory for files that root alone reads, in memory. Only under the lock, whose next holder sweeps it."""
    path = tempfile.mkdtemp(prefix=filesystem.TEMPORARY, dir=places.SCRATCH)
    try:
        yield path
    finally:
        filesystem.remove_temporary(path)


def prove_alone(check):
    """Prove as `prove` does what is not written, or not now."""
    with Lock():
        return prove(check)


def prove(check, staged=None):
    """Return ``{refused, unproven, dropped}``: what containerd makes of the new text that was not asked for, does not
    show, and drops of its own defaults.

    ``check`` is a edits.Proof, ``staged`` the staged main file, found where containerd looks for it. With copies of
    all files, in the order in which containerd merges them, those are read instead.
    """
    with contextlib.ExitStack() as stack:
        subject = staged or check.main
        if check.copies:
            scratch = stack.enter_context(_scratch())
            for number, content in enumerate(check.copies):
                filesystem.replace(os.path.join(scratch, str(number)), wire.unpack(content), 0o600)
            subject = os.path.join(scratch, "0")
        document, error = _dump(check, subject)
        if error:
            text = "containerd does not accept the configuration: %s. Nothing was changed on the node"
            raise wire.Failure(text % error)
        before = _dump(check, check.main)[0] if check.others is not None else None
        problems = expect.problems(document, before, lambda: _dump(check, None)[0], check)
        return {
            "refused": problems,
            "unproven": expect.unproven(document, check.settings),
            "dropped": expect.dropped(document, before, check),
        }


def _put_in_place(module, batch, request):
    """Rename the staged file; where something holds the old one in place (a bind mount), write into it if asked to."""
    path = request.path
    try:
        batch.commit()
    except OSError as exc:
        if exc.errno not in _IN_THE_WAY or not request.unsafe_writes:
            if exc.errno == errno.EBUSY:
                text = "%s: %s: set unsafe_writes if it is a mount point itself" % (path, exc.strerror)
                raise wire.Failure(text) from exc
            raise OSError(exc.errno, exc.strerror, path) from exc
        # In place it keeps the old attributes: they have to be right before it has the new text.
        module.set_fs_attributes_if_different(
            _arguments(module, path, dict(request.attributes, attributes=None)), False
        )
        module.atomic_move(batch.staged(path), path, unsafe_writes=True)


def edit(request, module):
    """Replace one configuration file, or only its attributes, as a edits.Edit says.

    Returns ``{refused, unproven, dropped, backup, info}``: if ``refused`` (see expect.problems) holds anything, nothing
    was changed.
    """
    path = request.path
    with Lock(), _failing_as_ours(module, path):
        lock.check_unchanged(request.expect)
        trust.check(path)
        proven, backup = {"refused": [], "unproven": [], "dropped": []}, None
        if request.content is not None:
            filesystem.sweep([os.path.dirname(path)])
            batch = Batch()
            try:
                batch.add(path, wire.unpack(request.content), request.mode, request.uid, request.gid)
                name = batch.staged(path)
                _dress(module, name, path, request.attributes)
                _validate(request.validate, name)
                if request.check and os.path.realpath(request.check.main) == path:
                    with filesystem.linked(name, os.path.dirname(request.check.main)) as staged:
                        proven = prove(request.check, staged)
                elif request.check:
                    proven = prove(request.check)
                if proven["refused"]:
                    return dict(proven, backup=None, info={})
                lock.check_unchanged(request.expect)  # containerd took its time, and an editor takes no lock
                if request.backup:
                    backup = transaction.back_up(path, os.path.dirname(path))
                _put_in_place(module, batch, request)
            finally:
                batch.discard()
        module.set_fs_attributes_if_different(_arguments(module, path, request.attributes), False)
        return dict(proven, backup=backup, info=_info(module, path))
