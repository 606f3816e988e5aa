# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directory below `config_path` containerd takes for a registry, and what it finds there.

Source: `hostPaths` in config_unix.go, `HostDirFromRoot`, `loadHostDir` and `loadCertFiles` in hosts.go of containerd's
remotes/docker/config.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_file import HostEntry
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.notes import Note
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release

HOSTS_FILE = "hosts.toml"

UNLISTED = ""
"""A name in a directory that may hold more files than are known."""

Content = bytes | bool | str | None
"""Of a file: its bytes, whether there is PEM text in it, why nobody looked, or None where it cannot be read."""

Directory = Mapping[str, Content]
"""The files in one directory."""

Root = Mapping[str, Directory | None]
"""The directories in a root of config_path; None: there is something that is not a directory."""


class Candidate(NamedTuple):
    """One directory that containerd looks for, in its order."""

    path: str
    state: str  # "used", "absent", or "shadowed": it is there, but another one comes first


class Found(NamedTuple):
    """What is configured for a registry."""

    directory: str | None = None
    candidates: tuple[Candidate, ...] = ()
    why: str = ""
    hosts: tuple[HostEntry, ...] = ()
    server: HostEntry = HostEntry("", "", "", "", ())
    log: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


class LookupFailure(ValueError):
    """containerd fails before it contacts any registry; the message is the reason, its own words at the end."""

    def __init__(self, reason: str, directory: str | None = None, candidates: tuple[Candidate, ...] = ()):
        super().__init__(reason)
        self.directory = directory
        self.candidates = candidates


def names(namespace: str, rel: Release) -> list[str]:
    """Return the names of directories that containerd looks for in each root, in this order."""
    at = namespace.rfind(":")
    ported = [f"{namespace[:at]}_{namespace[at + 1 :]}_"] if at > 0 else []
    return [*ported, namespace, *([namespaces.CATCH_ALL] if rel.catch_all else [])]


def find(namespace: str, rel: Release, roots: list[str], trees: Mapping[str, Root | None]) -> Found:
    """Return what is configured for a host namespace; raises LookupFailure.

    `trees` are the contents of the roots, keyed by their paths without a slash at the end; a root that is not there
    has none.
    """
    if not roots:
        return Found(why="no config_path is set: the registry itself is used")
    candidates = list(_candidates(namespace, rel, [hosts_file.clean(root or "/") for root in roots], trees))
    chosen = next((each for each in candidates if each[1].state == "used"), None)
    shown = tuple(each for dummy, each in candidates)
    if chosen is None:
        return Found(candidates=shown, why=f"no directory for {namespace}: the registry itself is used")
    (root, name), used = chosen
    tree = trees[root]
    directory = tree[name] if tree is not None else None
    if directory is None:
        where = root if tree is None else used.path
        raise LookupFailure(
            f"every pull fails: {where} is not a directory (containerd: not a directory)", used.path, shown
        )
    why = (
        f"{used.path} exists"
        if name != namespaces.CATCH_ALL
        else f"no directory for {namespace}, so {used.path} is used"
    )
    found = _load(used.path, directory, rel)
    _check_certificates(found, used.path, directory, shown)
    hidden = any(each.path.endswith(f"/{namespaces.CATCH_ALL}") and each.state == "shadowed" for each in shown)
    notes = found.notes
    if hidden and not found.hosts and not found.server.host:
        notes += (
            Note(
                f"{used.path} hides {namespaces.CATCH_ALL}, which would be used if this directory did not exist",
                "shadowed",
            ),
        )
    return found._replace(directory=used.path, candidates=shown, why=why, notes=notes)


def _candidates(
    namespace: str, rel: Release, roots: list[str], trees: Mapping[str, Root | None]
) -> Iterator[tuple[tuple[str, str], Candidate]]:
    taken = False
    for root in roots:
        tree = trees.get(root, {})
        for name in names(namespace, rel):
            there = tree is None or name in tree
            state = "absent" if not there else "shadowed" if taken else "used"
            taken = taken or there
            yield (root, name), Candidate(posixpath.join(root, name), state)


def _load(path: str, directory: Directory, rel: Release) -> Found:
    content = directory.get(HOSTS_FILE, b"")
    if isinstance(content, str):
        raise LookupFailure(f"{path}/{HOSTS_FILE} was not read: {content}", path)
    if not isinstance(content, bytes):
        raise LookupFailure(f"every pull fails: {path}/{HOSTS_FILE} cannot be read", path)
    if not content:
        found = _certificates(path, directory)
        if HOSTS_FILE in directory:
            return found._replace(notes=(Note(f"{path}/{HOSTS_FILE} is empty, which counts as absent"),))
        return found._replace(notes=(Note(f"{path} has no {HOSTS_FILE}"),))
    read = hosts_file.read_bytes(content, rel, path)
    if read.crash:
        raise LookupFailure(f"containerd crashes: {read.discarded} in {path}/{HOSTS_FILE}", path)
    if read.server is None:
        reason = Note(f"{path}/{HOSTS_FILE} is discarded as a whole: {read.discarded}", "discarded")
        return _certificates(path, directory)._replace(log=(read.log or "",), notes=(reason,))
    notes = tuple(Note(f"{path}/{HOSTS_FILE}: {each}, so it has no effect") for each in read.ignored)
    return Found(hosts=read.hosts, server=read.server, notes=notes)


def _certificates(path: str, directory: Directory) -> Found:
    """Docker's layout: *.crt are CA certificates, *.cert and *.key pairs of a client."""
    ca = tuple(posixpath.join(path, name) for name in sorted(directory) if name.endswith(".crt"))
    pairs = []
    for name in sorted(directory):
        if name.endswith(".cert"):
            key = name[: -len("cert")] + "key"
            pairs.append((posixpath.join(path, name), posixpath.join(path, key) if key in directory else ""))
    server = HostEntry("", "", "", "", (), ca=ca or None, client=tuple(pairs) or None)
    return Found(server=server)


def _check_certificates(found: Found, path: str, directory: Directory, candidates: tuple[Candidate, ...]) -> None:
    """Raise LookupFailure where a file that a pull needs is known not to be there, or to be no certificate."""
    for entry in (*found.hosts, found.server):
        for name in entry.ca or ():
            if _is_missing(name, path, directory):
                words = f'unable to read CA cert "{name}"'
                raise LookupFailure(f"every pull fails: {name} does not exist (containerd: {words})", path, candidates)
            if _is_wrong(name, path, directory):
                words = f'unable to load CA cert "{name}"'
                raise LookupFailure(
                    f"every pull fails: {name} is not a certificate (containerd: {words})", path, candidates
                )
        for name in (each for pair in entry.client or () for each in pair if each):
            if _is_missing(name, path, directory) or _is_wrong(name, path, directory):
                raise LookupFailure(
                    f"every pull fails: {name} does not exist or is not a PEM file (containerd: unable to read CERT "
                    "file, or "
                    f"failed to load X509 key pair)",
                    path,
                    candidates,
                )


def _is_missing(name: str, path: str, directory: Directory) -> bool:
    here = posixpath.dirname(name) == path and UNLISTED not in directory
    return here and posixpath.basename(name) not in directory


def _is_wrong(name: str, path: str, directory: Directory) -> bool:
    if posixpath.dirname(name) != path:
        return False
    content = directory.get(posixpath.basename(name))
    return content is False or (isinstance(content, bytes) and b"-----BEGIN " not in content)
