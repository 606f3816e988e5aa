# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the control node needs to know of a node, read in one execution. Nothing here changes the node."""

import glob
import os
import re

from ansible_collections.airgap.containerd.plugins.module_utils._node import (
    distribution,
    docker,
    effective,
    filesystem,
    history,
    imports,
    process,
    service,
    trust,
    unit_file,
    writable,
)
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective

_CERTIFICATES = (".crt", ".cert", ".key", ".pem")


def _tree_file(path, root):
    """Return what is reported of a file in a tree, None where there is none (see the control node's TreeFile).

    Behind a symbolic link that leads out of ``root`` nobody looks.
    """
    link = os.path.realpath(path) if os.path.islink(path) or os.path.islink(os.path.dirname(path)) else None
    if link and not link.startswith(os.path.realpath(root) + "/"):
        return {"link": link}
    if not os.path.isfile(path):
        return {"link": link} if link else None
    found = filesystem.look(path)
    return {"content": found.content, "sha256": found.sha256, "attributes": found.attributes, "link": link}


class _Tree(object):
    """A directory of host namespaces (see the control node's Tree)."""

    def __init__(self, root):
        self.root = root
        self.found = {"directories": [], "files": {}, "certificates": {}, "others": []}
        for name in filesystem.names(root):
            directory = os.path.join(root, name)
            if os.path.isdir(directory) and not name.startswith(filesystem.TEMPORARY):
                self.found["directories"].append(name)
                self._read(name, directory)
            elif os.path.exists(directory) and not name.startswith(filesystem.TEMPORARY):
                self.found["others"].append(name)

    def _read(self, namespace, directory):
        is_link = os.path.islink(directory)
        if not is_link:
            trust.check(directory)
        for name in ["hosts.toml"] if is_link else filesystem.names(directory):
            path, key = os.path.join(directory, name), "%s/%s" % (namespace, name)
            if name == "hosts.toml":
                if is_link or os.path.lexists(path):
                    self.add(key, path, self.root)
            elif os.path.isfile(path) and not name.startswith(filesystem.TEMPORARY):
                if name.endswith(_CERTIFICATES):
                    trust.check(path)
                    self.found["certificates"][key] = b"-----BEGIN " in (filesystem.read(path) or b"")
                else:
                    self.found["others"].append(key)

    def add(self, key, path, root):
        """Note a hosts.toml, or a file that an earlier run wrote."""
        about = _tree_file(path, root)
        if about:
            self.found["files"][key] = about
        elif os.path.lexists(path):
            self.found["others"].append(key)


def _hosts(hosts_dir, recorded):
    """Return the tree of ``hosts_dir``, with certificates beside it and files that earlier runs wrote elsewhere."""
    tree = _Tree(hosts_dir)
    for path in sorted(set(glob.glob(os.path.join(places.certificates(hosts_dir), "*"))).union(recorded)):
        if not path.startswith(hosts_dir + "/") and os.path.isfile(path):
            tree.add(path, path, os.path.dirname(os.path.dirname(path)))
    return tree.found


def _roots(config_path, hosts_dir):
    """Return the trees of the directories in ``config_path`` besides ``hosts_dir``; None where one is a file."""
    known = os.path.normpath(hosts_dir)
    roots = [os.path.normpath(root or "/") for root in (config_path or places.DEFAULT_ROOTS).split(":")]
    trees = {root: _Tree(root).found for root in roots if root not in (known, "/")}
    trees.update((root, None) for root in roots if os.path.isfile(root))
    return trees


def _blocked_by(hosts_dir):
    """Return the file that stands where ``hosts_dir`` or a directory above it would have to be, or None."""
    path = hosts_dir
    while path != "/" and not os.path.lexists(path):
        path = os.path.dirname(path)
    return None if os.path.isdir(path) else path


def _previous():
    """Return the state that ``state: previous`` restores, with its files as they are now, or None."""
    name = history.target()
    state = history.read(name) if name else None
    if not state or "damaged" in state:
        return state and {"damaged": True}
    told = {key: state[key] for key in ("time", "files", "after", "record")}
    return dict(told, name=name, now={path: history.current(path) for path in state["files"]})


def _runs(config, hosts_dir, daemon, previous):
    """Return what earlier runs left, for `observe`."""
    fingerprint = history.fingerprint()  # first: what another run changes after this is noticed when it is compared
    state = history.read(history.OPEN)
    record = history.read_record(state)
    folders = {os.path.dirname(os.path.dirname(path)) for path in (record or {}).get("files") or {}}
    sweep = sorted(folders | {os.path.dirname(path) for path in (config, os.path.realpath(config))} | {hosts_dir})
    interrupted = bool(filesystem.leftovers(sweep + [places.STATE_DIR]))
    if state and "damaged" not in state:
        waits = daemon and state["daemon"] == daemon.id
        interrupted = interrupted or not waits or not history.is_committed(state)
    return {
        "record": record,
        "fingerprint": fingerprint,
        "open_damaged": "damaged" in (state or {}),
        "unproven": (state or {}).get("daemon"),
        "interrupted": interrupted,
        "states": bool(state) or os.path.exists(places.state_file(history.LAST)) or history.has_copies(),
        "previous": _previous() if previous else None,
        "sweep": sweep,
    }


def _ask(questions):
    """Return the answers of the endpoints (see preflight.ask)."""
    if not questions:
        return []
    from ansible_collections.airgap.containerd.plugins.module_utils._registry import preflight  # with http and ssl

    return preflight.ask(questions)


def observe(request):
    """Read the node; return what the control node parses as an Observation, plain data but for named tuples.

    ``request`` is the control node's Observe; None means "as the node has it". ``endpoints`` is what to ask (see
    preflight.probe), unless the record says that the same was asked before; ``previous`` asks for the state to go back
    to.
    """
    whose = distribution.find(request)
    own = whose if whose and distribution.manages(whose) else None
    shown = distribution.unit(own) if own else service.show(request["service"])
    start = service.how_started(shown, request.get("binary"), request.get("socket") or (own and own["socket"]))
    start = distribution.start(own, start) if own else start
    containerd = service.installed(request.get("binary"), start)
    asked = request.get("config_file") or _recorded(start)
    path = places.absolute(asked or start.config or places.DEFAULT_CONFIG)
    config = filesystem.look(path)
    known = Effective()
    if containerd.version:
        known = effective.effective(containerd.binary, path, containerd.version)
    usual = own and own["hosts_dir"] or places.DEFAULT_HOSTS_DIR
    first_root = known.config_path.split(":")[0]
    # A relative one is below the working directory of the daemon, which is / for a unit.
    hosts_dir = places.absolute(request.get("hosts_dir") or first_root or usual)
    trust.check(hosts_dir)
    socket = request.get("socket") or start.address or known.address or places.DEFAULT_SOCKET
    daemon = service.daemon(socket)
    runs = _runs(path, hosts_dir, daemon, request.get("previous"))
    record = runs["record"] or {}
    found = dict(
        runs,
        binary=containerd.binary,
        version=containerd.version,
        version_error=containerd.error,
        unit=service.unit(shown),
        is_image=service.is_image(daemon),
        config=config,
        effective=known,
        imports=imports.configuration(os.path.normpath(path), os.path.normpath(path))[1:],
        hosts_dir=hosts_dir,
        hosts=_hosts(hosts_dir, list(record.get("files") or {}) + _beside(own)),
        roots=_roots(known.config_path, hosts_dir),
        blocked_by=_blocked_by(hosts_dir),
        config_held=writable.why_not(path),
        hosts_held=writable.why_not(hosts_dir),
        socket=socket,
        daemon=daemon,
        started_with=_started_with(start, path, asked, daemon, shown),
        cri_error=service.serves_cri(socket),
        distribution=whose and whose["name"],
        registries=own and distribution.registries(own),
        reads_registries=bool(own) and distribution.reads_registries(own, daemon),
        fallback_is_off=bool(own) and distribution.fallback_is_off(own),
        endpoints=_answers(request.get("endpoints") or [], record.get("endpoints") or {}, containerd.version),
        docker_host=docker.is_host(),
        engine=None,
        docker=None,
    )
    if docker.is_alone(request, record):
        return _of_docker(found, record)
    beside = docker.is_wanted(request, record)
    return dict(found, docker=_of_docker(found, record)) if beside else found


def _beside(own):
    """Return the files that the role writes beside a distribution's own: what names the directory, registries.yaml."""
    return [own[key] for key, does in (("drop_in", "drop_in"), ("registries", "settings")) if own[does]] if own else []


def _of_docker(found, record):
    """Return what is found on a node with Docker's in place of its containerd's."""
    hosts_dir = places.DOCKER_HOSTS_DIR
    trust.check(hosts_dir)
    return dict(
        found,
        hosts_dir=hosts_dir,
        hosts=_hosts(hosts_dir, record.get("files") or {}),
        blocked_by=_blocked_by(hosts_dir),
        hosts_held=writable.why_not(hosts_dir),
        sweep=sorted({hosts_dir, *found["sweep"]}),
        **docker.changes(),
    )


def _recorded(start):
    """Return the configuration file that an earlier run was proven with, where nobody else can tell it, or None."""
    record = history.read(places.RECORD) if start.unknown else None
    return (record or {}).get("config_file")


def _started_with(start, path, asked, daemon, shown):
    """Return what the control node parses as a StartedWith; ``asked``: for ``path``, by the user or an earlier run."""

    def other(file):
        return file if file and os.path.realpath(file) != os.path.realpath(path) else None

    return {
        "next_config": other(start.config) if start.is_sure else None,
        "running_config": other(start.reads),
        "unknown": None if asked else start.unknown,
        "running": process.proxies(process.words(service.pid(daemon), "environ") if daemon else []),
        "next": process.proxies(unit_file.environment(shown)),
        "replaced": bool(daemon) and process.link(service.pid(daemon), "exe").endswith(" (deleted)"),
    }


def _answers(questions, known, version):
    """Return the answers of the endpoints: those that the record knows, and those of the others, asked now.

    A release that waits for a challenge is another question.
    """
    number = release(version or "- - 98.0.0")
    questions = [dict(each, by_challenge=number < (each.get("challenge_below") or [])) for each in questions]
    questions = [dict(each, digest=each["digest"] + "+challenge" * each["by_challenge"]) for each in questions]
    old = [each for each in questions if each["digest"] in known]
    return [known[each["digest"]] for each in old] + _ask([each for each in questions if each not in old])


def release(version):
    """Return the numbers of the release that ``containerd --version`` prints; none where it prints none."""
    number = re.match(r"\S+ \S+ v?(\d+)\.(\d+)\.(\d+)", version or "")
    return [int(each) for each in number.groups()] if number else []
