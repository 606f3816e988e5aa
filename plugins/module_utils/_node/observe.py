# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the controller needs to know of a node, read in one execution. Nothing here changes the node."""

import errno
import glob
import os

from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    commands,
    effective,
    filesystem,
    history,
    process,
    service,
)
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

MAX_IMPORTS = 100  # files
_CERTIFICATES = (".crt", ".cert", ".key", ".pem")


def import_files(main, patterns):
    """Return ``[{path, ctime, content}]`` of the files that ``imports`` names; raises OSError for too many."""
    found = []
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(os.path.dirname(main), pattern))):
            if os.path.realpath(path) != os.path.realpath(main):
                found.append(dict(filesystem.describe(path) or {}, path=path, content=wire.pack(filesystem.read(path))))
            if len(found) > MAX_IMPORTS:
                raise OSError(errno.E2BIG, "imports more than %d files" % MAX_IMPORTS, main)
    return found


def _hosts_file(path, root):
    """Return ``{sha256, content, mode, ...}`` of a hosts.toml, ``{}`` where that is no file, None where there is none.

    Behind a symbolic link there is ``link``, where it leads to, too, and nothing else if that is outside of ``root``.
    """
    real = os.path.realpath(path)
    linked = {"link": real} if os.path.islink(path) or os.path.islink(os.path.dirname(path)) else {}
    if linked and not real.startswith(os.path.realpath(root) + "/"):
        return linked
    if not os.path.isfile(path):
        return linked if linked or os.path.lexists(path) else None
    data = filesystem.read(path)
    return dict(filesystem.describe(path) or {}, sha256=places.digest(data), content=wire.pack(data), **linked)


def _tree(hosts_dir, recorded):
    """Return the files below ``hosts_dir`` as ``{relative path: about}``, each directory as ``{name: None}``.

    Of a hosts.toml, ``about`` is what _hosts_file tells, of a certificate or key whether that is PEM text. Those that
    are beside ``hosts_dir``, and files that earlier runs wrote elsewhere, come with absolute paths, told as hosts.toml.
    """
    found = {}
    for namespace in filesystem.names(hosts_dir):
        directory = os.path.join(hosts_dir, namespace)
        if namespace.startswith(filesystem.TEMPORARY):
            continue
        if not os.path.isdir(directory):
            if os.path.exists(directory):
                found[namespace] = {}
            continue
        found[namespace] = None
        for name in ["hosts.toml"] if os.path.islink(directory) else filesystem.names(directory):
            path = os.path.join(directory, name)
            if name == "hosts.toml" and (os.path.islink(directory) or os.path.lexists(path)):
                found["%s/%s" % (namespace, name)] = _hosts_file(path, hosts_dir)
            elif os.path.isfile(path) and not name.startswith(filesystem.TEMPORARY):
                found["%s/%s" % (namespace, name)] = _is_pem(path) if name.endswith(_CERTIFICATES) else {}
    for path in sorted(set(glob.glob(os.path.join(places.certificates(hosts_dir), "*"))).union(recorded)):
        if not path.startswith(hosts_dir + "/") and os.path.isfile(path):
            found[path] = _hosts_file(path, os.path.dirname(os.path.dirname(path)))
    return found


def _is_pem(path):
    return b"-----BEGIN " in (filesystem.read(path) or b"")


def _roots(config_path, hosts_dir):
    """Return the trees of the directories in ``config_path`` besides ``hosts_dir``; None where one is a file."""
    known = os.path.normpath(hosts_dir)
    roots = [os.path.normpath(root or "/") for root in (config_path or places.DEFAULT_ROOTS).split(":")]
    trees = {root: _tree(root, ()) for root in roots if root not in (known, "/")}
    trees.update((root, None) for root in roots if os.path.isfile(root))
    return trees


def _blocked_by(hosts_dir):
    """Return the file that stands where ``hosts_dir`` or a directory above it would have to be, or None."""
    path = hosts_dir
    while path != "/" and not os.path.lexists(path):
        path = os.path.dirname(path)
    return None if os.path.isdir(path) else path


def _previous():
    """Return the state that ``state: previous`` goes back to, with its files as they are now, or None."""
    name = history.target()
    state = history.read(name) if name else None
    if not state or "damaged" in state:
        return state
    return dict(state, name=name, now={path: history.current(path) for path in state["files"]})


def _runs(config, hosts_dir, daemon, previous):
    """Return what earlier runs left, for `observe`."""
    fingerprint = history.fingerprint()  # first: what another run changes after this is noticed when it is compared
    state = history.read(history.OPEN)
    record = history.read_record(state)
    folders = {os.path.dirname(os.path.dirname(path)) for path in (record or {}).get("files") or {}}
    sweep = sorted(folders | {os.path.dirname(os.path.realpath(config)), hosts_dir})
    interrupted = bool(filesystem.leftovers(sweep + [places.STATE_DIR]))
    if state and "damaged" not in state:
        waits = daemon and state["daemon"] == daemon["id"]
        interrupted = interrupted or not waits or not history.is_committed(state)
    return {
        "record": record,
        "fingerprint": fingerprint,
        "unproven": (state or {}).get("daemon"),
        "interrupted": interrupted,
        "states": bool(state) or os.path.exists(places.state_file(history.LAST)),
        "previous": _previous() if previous else None,
        "sweep": sweep,
    }


def _ask(questions):
    """Return the answers of the endpoints (see _preflight.ask)."""
    if not questions:
        return []
    from ansible_collections.airgap.containerd.plugins.module_utils._registry import preflight  # with http and ssl

    return preflight.ask(questions)


def observe(request):
    """Read the node.

    ``request``: ``{config_file, hosts_dir, binary, service, socket, endpoints, previous}``; None means "as the node has
    it". ``endpoints`` is what to ask (see _preflight.probe), unless the record says that the same was asked before;
    ``previous`` asks for the state to go back to. The result is plain data; contents of files are base64.
    ``interrupted`` tells that a run was killed and left something to complete or to tidy up, ``unproven`` is the
    daemon that an earlier run did not restart, and ``states`` whether there are any.
    """
    shown = service.show(request["service"])
    unit = service.unit(shown)
    binary = request.get("binary") or unit["binary"] or "/usr/bin/containerd"
    config = request.get("config_file") or unit["config"] or places.DEFAULT_CONFIG
    rc, version, error = commands.run([binary, "--version"])
    filesystem.trust(config)
    about, data = filesystem.describe(config), filesystem.read(config)
    known = {"error": None}
    if rc == 0:
        known = effective.effective(binary, config, version)
    first_root = (known.get("config_path") or "").split(":")[0]
    hosts_dir = request.get("hosts_dir") or first_root or places.DEFAULT_HOSTS_DIR
    filesystem.trust(hosts_dir)
    socket = request.get("socket") or known.get("address") or places.DEFAULT_SOCKET
    daemon = service.daemon(socket)
    runs = _runs(config, hosts_dir, daemon, request.get("previous"))
    record = runs["record"]
    asked = (record or {}).get("endpoints") or {}
    wanted = request.get("endpoints") or []
    known_answers = [each for each in wanted if (asked.get(each["url"]) or {}).get("digest") == each["digest"]]
    questions = [each for each in wanted if each not in known_answers]
    return {
        **runs,
        "binary": binary,
        "version": version.strip() if rc == 0 else None,
        "version_error": None if rc == 0 else error.strip() or "exit status %d" % rc,
        "unit": unit,
        "config": dict(
            about or {},
            path=config,
            real_path=os.path.realpath(config),
            content=wire.pack(data),
            sha256=places.digest(data),
        ),
        "effective": known,
        "imports": import_files(config, known.get("imports") or []) if data is not None else [],
        "hosts_dir": hosts_dir,
        "hosts": _tree(hosts_dir, (record or {}).get("files") or {}),
        "roots": _roots(known.get("config_path"), hosts_dir),
        "blocked_by": _blocked_by(hosts_dir),
        "socket": socket,
        "daemon": daemon,
        "started_with": process.started_with(daemon, shown),
        "cri_error": service.serves_cri(socket),
        "endpoints": [asked[each["url"]] for each in known_answers] + _ask(questions),
    }
