# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the controller needs to know of a node, read in one execution. Nothing here changes the node."""

import errno
import glob
import hashlib
import json
import os
import re

from ansible_collections.airgap.containerd.plugins.module_utils import (
    _common,
    _complaint,
    _dump,
    _files,
    _history,
    _process,
    _service,
    _wire,
)

LOCK = "/run/airgap-containerd.lock"

MAX_IMPORTS = 100  # files
_UNKNOWN_COMMAND = 3  # exit status of containerd

# What makes CRI pull by itself and not through the transfer service (`CheckLocalImagePullConfigs`).
_PULL_SETTINGS = (
    "use_local_image_pull",
    "disable_snapshot_annotations",
    "discard_unpacked_layers",
    "image_pull_with_sync_fs",
    "max_concurrent_downloads",
)
_CERTIFICATES = (".crt", ".cert", ".key", ".pem")
_PAUSE = "registry.k8s.io/pause:3.10"  # where containerd tells of none, as without a configuration that it accepts
_REGISTRY_OWNERS = ("io.containerd.cri.v1.images", "io.containerd.grpc.v1.cri")


def effective(binary, path, version):
    """Return what containerd makes of a configuration file, as far as registries go; ``version`` as for `dump`.

    ``{error, config_path, mirrors, configs, disabled_plugins, imports, address, digest}``: ``mirrors`` as ``{host:
    [endpoint]}``, ``configs`` as ``{host: {auth: digest | None, tls: bool}}``, ``tls_options`` as ``{host: [name]}``,
    ``auths`` and ``headers`` as names, ``images`` what decides how CRI pulls, ``pause`` the image that pods start with,
    ``digest`` of all registry settings. ``error`` is containerd's complaint where it does not accept the file (the rest
    is then empty).
    """
    return _summary(*dump(binary, path, version))


def dump(binary, path, version):
    """Return what containerd itself makes of a file, its defaults where there is none, and its complaint or None.

    ``config migrate`` (2.0 on) is asked first, because ``dump`` of 2.0.0-2.0.5 leaves plugin migrations out.
    ``version`` is what ``containerd --version`` prints: a 1.x is not asked for what it does not know.
    """
    if not path or not os.path.exists(path):
        rc, out, err = _service.run([binary, "config", "default"])
    else:
        for command in ["dump"] if re.match(r"\S+ \S+ v?1\.\d", version) else ["migrate", "dump"]:
            rc, out, err = _service.run([binary, "--config", path, "config", command])
            if rc != _UNKNOWN_COMMAND:
                break
    if rc != 0:
        lines = [line for line in (err or out).strip().splitlines() if "level=warning" not in line]
        return {}, _complaint.words(lines[-1], (path,)) if lines else "exit status %d" % rc
    return _dump.read(out), None


def _summary(document, error):
    plugins = document.get("plugins") or {}
    tables = [plugins[name]["registry"] for name in _REGISTRY_OWNERS if "registry" in (plugins.get(name) or {})]
    registry = tables[0] if tables else {}
    mirrors = {host: (each or {}).get("endpoint") or [] for host, each in (registry.get("mirrors") or {}).items()}
    configs = {
        host: {"auth": _common.auth_digest((each or {}).get("auth")), "tls": "tls" in (each or {})}
        for host, each in (registry.get("configs") or {}).items()
    }
    tls = {host: (each or {}).get("tls") or {} for host, each in (registry.get("configs") or {}).items()}
    images = plugins.get(_REGISTRY_OWNERS[0]) or {}
    server = plugins.get("io.containerd.server.v1.grpc") or document.get("grpc") or {}
    found = {
        "error": error,
        "config_path": registry.get("config_path") or "",
        "mirrors": mirrors,
        "configs": configs,
        "tls_options": {host: sorted(key for key in each if each[key]) for host, each in tls.items()},
        "auths": sorted(registry.get("auths") or {}),
        "headers": sorted(registry.get("headers") or {}),
        "images": {key: images[key] for key in _PULL_SETTINGS if isinstance(images.get(key), (bool, int))},
        "pause": _pause(plugins),
        "disabled_plugins": document.get("disabled_plugins") or [],
        "imports": document.get("imports") or [],
        "address": server.get("address"),
    }
    settings = [found[key] for key in ("config_path", "mirrors", "configs", "disabled_plugins")]
    found["digest"] = hashlib.sha256(json.dumps(settings, sort_keys=True).encode("utf-8")).hexdigest()
    return found


def _pause(plugins):
    """Return the name of the image that pods start with: ``pinned_images.sandbox``, ``sandbox_image`` before 2.0."""
    newer, older = (plugins.get(name) or {} for name in _REGISTRY_OWNERS)
    found = (newer.get("pinned_images") or {}).get("sandbox") or older.get("sandbox_image")
    return found if isinstance(found, str) else _PAUSE


def import_files(main, patterns):
    """Return ``[{path, ctime, content}]`` of the files that ``imports`` names; raises OSError for too many."""
    found = []
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(os.path.dirname(main), pattern))):
            if os.path.realpath(path) != os.path.realpath(main):
                found.append(dict(_files.describe(path) or {}, path=path, content=_wire.pack(_files.read(path))))
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
    data = _files.read(path)
    return dict(_files.describe(path) or {}, sha256=_common.digest(data), content=_wire.pack(data), **linked)


def _tree(hosts_dir, recorded):
    """Return the files below ``hosts_dir`` as ``{relative path: about}``, each directory as ``{name: None}``.

    Of a hosts.toml, ``about`` is what _hosts_file tells, of a certificate or key whether that is PEM text. Those that
    are beside ``hosts_dir``, and files that earlier runs wrote elsewhere, come with absolute paths, told as hosts.toml.
    """
    found = {}
    for namespace in _files.names(hosts_dir):
        directory = os.path.join(hosts_dir, namespace)
        if namespace.startswith(_files.TEMPORARY):
            continue
        if not os.path.isdir(directory):
            if os.path.exists(directory):
                found[namespace] = {}
            continue
        found[namespace] = None
        for name in ["hosts.toml"] if os.path.islink(directory) else _files.names(directory):
            path = os.path.join(directory, name)
            if name == "hosts.toml" and (os.path.islink(directory) or os.path.lexists(path)):
                found["%s/%s" % (namespace, name)] = _hosts_file(path, hosts_dir)
            elif os.path.isfile(path) and not name.startswith(_files.TEMPORARY):
                found["%s/%s" % (namespace, name)] = _is_pem(path) if name.endswith(_CERTIFICATES) else {}
    for path in sorted(set(glob.glob(os.path.join(_common.certificates(hosts_dir), "*"))).union(recorded)):
        if not path.startswith(hosts_dir + "/") and os.path.isfile(path):
            found[path] = _hosts_file(path, os.path.dirname(os.path.dirname(path)))
    return found


def _is_pem(path):
    return b"-----BEGIN " in (_files.read(path) or b"")


def _roots(config_path, hosts_dir):
    """Return the trees of the directories in ``config_path`` besides ``hosts_dir``; None where one is a file."""
    known = os.path.normpath(hosts_dir)
    roots = [os.path.normpath(root or "/") for root in (config_path or _common.DEFAULT_ROOTS).split(":")]
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
    name = _history.target()
    state = _history.read(name) if name else None
    if not state or "damaged" in state:
        return state
    return dict(state, name=name, now={path: _history.current(path) for path in state["files"]})


def _runs(config, hosts_dir, daemon, previous):
    """Return what earlier runs left, for `observe`."""
    fingerprint = _history.fingerprint()  # first: what another run changes after this is noticed when it is compared
    state = _history.read(_history.OPEN)
    record = _history.read_record(state)
    folders = {os.path.dirname(os.path.dirname(path)) for path in (record or {}).get("files") or {}}
    sweep = sorted(folders | {os.path.dirname(os.path.realpath(config)), hosts_dir})
    interrupted = bool(_files.leftovers(sweep + [_common.STATE_DIR]))
    if state and "damaged" not in state:
        waits = daemon and state["daemon"] == daemon["id"]
        interrupted = interrupted or not waits or not _history.is_committed(state)
    return {
        "record": record,
        "fingerprint": fingerprint,
        "unproven": (state or {}).get("daemon"),
        "interrupted": interrupted,
        "states": bool(state) or os.path.exists(_common.state_file(_history.LAST)),
        "previous": _previous() if previous else None,
        "sweep": sweep,
    }


def _ask(questions):
    """Return the answers of the endpoints (see _preflight.ask)."""
    if not questions:
        return []
    from ansible_collections.airgap.containerd.plugins.module_utils import _preflight  # with http, ssl and email

    return _preflight.ask(questions)


def observe(request):
    """Read the node.

    ``request``: ``{config_file, hosts_dir, binary, service, socket, endpoints, previous}``; None means "as the node has
    it". ``endpoints`` is what to ask (see _preflight.probe), unless the record says that the same was asked before;
    ``previous`` asks for the state to go back to. The result is plain data; contents of files are base64.
    ``interrupted`` tells that a run was killed and left something to complete or to tidy up, ``unproven`` is the
    daemon that an earlier run did not restart, and ``states`` whether there are any.
    """
    shown = _service.show(request["service"])
    unit = _service.unit(shown)
    binary = request.get("binary") or unit["binary"] or "/usr/bin/containerd"
    config = request.get("config_file") or unit["config"] or _common.DEFAULT_CONFIG
    rc, version, error = _service.run([binary, "--version"])
    _files.trust(config)
    about, data = _files.describe(config), _files.read(config)
    known = {"error": None}
    if rc == 0:
        known = effective(binary, config, version)
    first_root = (known.get("config_path") or "").split(":")[0]
    hosts_dir = request.get("hosts_dir") or first_root or _common.DEFAULT_HOSTS_DIR
    _files.trust(hosts_dir)
    socket = request.get("socket") or known.get("address") or _common.DEFAULT_SOCKET
    daemon = _service.daemon(socket)
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
            content=_wire.pack(data),
            sha256=_common.digest(data),
        ),
        "effective": known,
        "imports": import_files(config, known.get("imports") or []) if data is not None else [],
        "hosts_dir": hosts_dir,
        "hosts": _tree(hosts_dir, (record or {}).get("files") or {}),
        "roots": _roots(known.get("config_path"), hosts_dir),
        "blocked_by": _blocked_by(hosts_dir),
        "socket": socket,
        "daemon": daemon,
        "started_with": _process.started_with(daemon, shown),
        "cri_error": _service.serves_cri(socket),
        "endpoints": [asked[each["url"]] for each in known_answers] + _ask(questions),
    }
