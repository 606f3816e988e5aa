# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a node: parsed once, immutable, every path in it normalised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective, Unit
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import (
    distributions,
    imports,
    registry_table,
    releases,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer, Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place, Unreadable, place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load, not_utf8


class Attributes(NamedTuple):
    """Of a file that is there."""

    mode: int
    uid: int
    gid: int
    ctime: float  # seconds since the epoch

    @property
    def is_exposed(self) -> bool:
        """Whether others than root can read the file."""
        return bool(self.mode & 0o077 or self.uid)


class File(NamedTuple):
    """A configuration file, main or imported."""

    path: Place
    real_path: Place  # with links followed
    content: bytes | None  # None: there is no file
    sha256: str | None
    attributes: Attributes | None

    @property
    def text(self) -> str | None:
        """The text, None where there is no file; raises Refusal where it is not UTF-8."""
        try:
            return None if self.content is None else self.content.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise Refusal(
                f"{self.path}: {not_utf8(exc)}: some containerd releases read such a file, but this collection edits "
                "only UTF-8: correct that line, or convert the file (with its encoding for GB18030): iconv -f "
                f"GB18030 -t UTF-8 {self.path} > {self.path}~ && cp {self.path}~ {self.path}"
            ) from None

    @property
    def is_exposed(self) -> bool:
        """Whether it is there and others than root can read it."""
        return self.attributes is not None and self.attributes.is_exposed

    def data(self) -> dict[str, Any]:
        """Return what it says, with the types that containerd requires; raises Refusal."""
        return registry_table.parse(self.text or "", self.path)


class TreeFile(NamedTuple):
    """A hosts.toml, or a file that an earlier run wrote."""

    content: bytes | None = None  # None: nobody looked, as it is behind a link that leads elsewhere
    sha256: str | None = None
    attributes: Attributes | None = None
    link: str | None = None  # where it leads to, if it is reached through a symbolic link

    @property
    def is_exposed(self) -> bool:
        """Whether others than root can read it."""
        return self.attributes is not None and self.attributes.is_exposed


class Tree(NamedTuple):
    """A directory of host namespaces; paths are relative to it (`DIRECTORY/NAME`), of files elsewhere absolute."""

    directories: tuple[str, ...] = ()
    files: Mapping[str, TreeFile] = {}  # hosts.toml files, and what earlier runs wrote outside of the directory
    certificates: Mapping[str, bool] = {}  # certificates and keys in the directories: whether they are PEM text
    others: tuple[str, ...] = ()  # not a directory where one could be, or not a file of ours in one

    def holds(self, path: str) -> bool:
        """Whether there is anything at this path."""
        return any(path in names for names in (self.directories, self.files, self.certificates, self.others))


class Daemon(NamedTuple):
    """A running containerd."""

    id: str  # tells one daemon from its successor
    started: float  # seconds since the epoch, good to about 10 ms


class StartedWith(NamedTuple):
    """What the daemon was started with, and will be."""

    next_config: str | None  # the configuration file that it will read, where that is another one than ours
    running_config: str | None  # likewise, that it reads
    unknown: str | None  # the program that the unit starts, where it is unknown what containerd will read
    running: Proxies
    next: Proxies
    replaced: bool = False  # its program is another one by now


class Kept(NamedTuple):
    """A file as the state before a run contains it."""

    content: bytes
    mode: int
    uid: int
    gid: int


class State(NamedTuple):
    """What `state: previous` restores: the files before a run, and as they are now."""

    name: str
    time: str
    files: Mapping[str, Kept | None]
    now: Mapping[str, Kept | None]
    after: Mapping[str, str | None]  # sha256 of what the run made of them
    record: Record | Unreadable | None


class EngineRegistries(NamedTuple):
    """Docker Engine's settings of registries besides its hosts.toml files, as daemon.json spells them."""

    mirrors: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()


SNAPSHOTTER = "io.containerd.snapshotter.v1"
"""The kind of Docker's image store that is containerd's."""


class Engine(NamedTuple):
    """Docker Engine, where a containerd is that of one."""

    store: tuple[str, ...] = ()  # the kind of its image store: a snapshotter's is containerd's
    registries: EngineRegistries = EngineRegistries()
    file: bytes | None = None  # its daemon.json, None where there is none

    @property
    def reads_hosts(self) -> bool:
        """Whether it reads hosts.toml files: with the classic image store it uses the public registries directly."""
        return SNAPSHOTTER in self.store


class Damaged(NamedTuple):
    """A state that cannot be read."""

    damaged: bool


def require_containerd(version: str | None, error: str | None, prefix: str = "") -> None:
    """Refuse a node without containerd: no version is known, for this reason."""
    if not version and places.ITS_OWN in (error or ""):
        raise Refusal(
            f"the only containerd on this node is that of its Kubernetes distribution ({error}): start a supported "
            "distribution once, configure any other with its own means (docs/beside.md), and exclude this node until "
            "then"
        )
    if not version:
        raise Refusal(
            f"containerd is not installed on this node ({error}): install it first, or set {prefix}version to the "
            "release "
            f"that will be installed, or {prefix}binary to where it is"
        )


class Observation(NamedTuple):
    """All that the node half's `observe` tells."""

    binary: str
    version: str | None  # what `containerd --version` prints, None without containerd
    version_error: str | None
    unit: Unit
    is_image: bool  # neither containerd nor systemd runs: a chroot, an image that is being built
    config: File  # the main configuration file
    effective: Effective
    imports: tuple[File, ...]
    hosts_dir: Place
    blocked_by: Place | None  # the file that stands where hosts_dir or a directory above it would have to be
    config_held: str | None  # why the main configuration file cannot be replaced, and what to do about it
    hosts_held: str | None  # likewise, why nothing can be written in hosts_dir
    hosts: Tree
    roots: Mapping[str, Tree | None]  # other directories in config_path, by path; None: a file stands there
    record: Record | Unreadable | None  # of earlier runs
    fingerprint: str  # of the record and the states
    open_damaged: bool  # whether it is the state of an unfinished run that keeps the record from being read
    unproven: str | None  # the daemon that an earlier run changed files under and did not restart
    interrupted: bool  # a run was killed and left something to complete or to tidy up
    states: bool  # whether there are states from before runs
    previous: State | Damaged | None  # if it was requested
    sweep: tuple[Place, ...]  # directories where killed runs may have left temporary files
    socket: str
    daemon: Daemon | None
    started_with: StartedWith
    cri_error: str | None  # why CRI does not answer
    endpoints: tuple[Answer, ...]
    docker_host: bool = False  # whether Docker is here and nothing of Kubernetes
    distribution: str | None = None  # whose containerd it is
    registries: bytes | None = None  # its registries.yaml, None where there is none
    reads_registries: bool = False  # whether what runs was started since that was written
    fallback_is_off: bool = False  # whether its settings say that it uses no public registry
    engine: Engine | None = None  # Docker's, where its containerd is meant: nobody restarts it, it has no config.toml
    docker: Observation | None = None  # the node as Docker has it, where that is meant in addition to this containerd

    @property
    def manager(self) -> str | None:
        """The distribution, or Docker, that alone changes config.toml and restarts it; None where others may."""
        own = distributions.named(self.distribution)
        return None if own and own.mark else self.distribution

    def require_containerd(self, version: str | None = None, prefix: str = "") -> None:
        """Refuse a node without containerd, unless the release to configure for is given."""
        if self.engine and not self.version:
            raise Refusal(f"Docker is installed on this node, but {self.version_error}: start it")
        require_containerd(self.version or version, self.version_error, prefix)

    @property
    def restart_due(self) -> str | None:
        """Why the running daemon may not know the configuration that is on disk now, or None."""
        if not self.daemon:
            return "containerd does not run"
        if self.started_with.running_config:
            return f"containerd runs with {self.started_with.running_config}, not with {self.config.path}"
        if self.cri_error:
            return f"CRI does not answer ({self.cri_error})"
        if self.unproven == self.daemon.id:
            return f"an earlier run changed {self.config.path}, and containerd has not been restarted since"
        if self.started_with.replaced:
            return "another containerd was installed after this one was started"
        proven = self.record.proven if isinstance(self.record, Record) else None
        if proven and proven.daemon == self.daemon.id:
            return _difference(proven.files, self.said(self.config.content))
        for each in (self.config, *self.imports):
            if each.attributes and each.attributes.ctime > self.daemon.started:
                return f"{each.path} is newer than the running containerd"
        return None

    def said(self, config: bytes | None) -> dict[str, str]:
        """Return a digest of what each file of the configuration says, by path, with this text of config.toml.

        Comments and spelling do not count, as containerd does not restart for them.
        """
        main = str(self.config.path)
        files = {main: config, **{str(each.path): each.content for each in self.imports}}
        data = {path: _parsed(content) for path, content in files.items()}
        try:
            rel = releases.release(releases.parse(self.version or ""))
            read, dummy = imports.in_order(main, {path: Source(path, each or {}) for path, each in data.items()}, rel)
        except Refusal:
            read = [Source(path, {}) for path in files]
        there = {path: content for path, content in files.items() if content is not None}
        return {each.path: _digest(there[each.path], data[each.path]) for each in read if each.path in there}


def _parsed(content: bytes | None) -> dict[str, Any] | None:
    """Return a file as data; None where there is none, or it is not TOML."""
    try:
        return load((content or b"").decode("utf-8"))
    except (TomlError, UnicodeDecodeError):
        return None


def _digest(content: bytes, data: Mapping[str, Any] | None) -> str:
    text = content if data is None else json.dumps(data, sort_keys=True, default=str).encode()
    return hashlib.sha256(text).hexdigest()


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Return how the files differ from those that the running containerd read, or None."""
    for path in sorted({*before, *now}):
        if before.get(path) != now.get(path):
            what = "was added" if path not in before else "was removed" if path not in now else "was changed"
            return f"{path} {what} since containerd was started"
    return None


def without_containerd(
    config_file: str | None = None, hosts_dir: str | None = None, config: bytes | None = None
) -> Observation:
    """Return a node on which no containerd is yet, nor a file of it but perhaps the text of its config.toml."""
    path = place(config_file or places.DEFAULT_CONFIG)
    return Observation(
        binary="",
        version=None,
        version_error="there is none",
        unit=Unit(),
        is_image=True,
        config=File(path, path, config, None, None),
        effective=Effective(),
        imports=(),
        hosts_dir=place(hosts_dir or places.DEFAULT_HOSTS_DIR),
        blocked_by=None,
        config_held=None,
        hosts_held=None,
        hosts=Tree(),
        roots={},
        record=None,
        fingerprint="",
        open_damaged=False,
        unproven=None,
        interrupted=False,
        states=False,
        previous=None,
        sweep=(),
        socket=places.DEFAULT_SOCKET,
        daemon=None,
        started_with=StartedWith(None, None, None, Proxies(), Proxies()),
        cri_error=None,
        endpoints=(),
    )


def before_installation(version: str, config_file: str | None, hosts_dir: str | None) -> Observation:
    """Return a node on which this release is to be; that of a Docker Engine stands for a node with Docker alone.

    Raises ReleaseError.
    """
    new = without_containerd(config_file, hosts_dir)
    if not releases.release(releases.parse(version)).engine:
        return new
    folder = place(places.DOCKER_HOSTS_DIR)
    effective, engine = Effective(config_path=folder), Engine((SNAPSHOTTER,))
    return new._replace(version=version, hosts_dir=folder, effective=effective, engine=engine)


_shape.prepare(Observation)
