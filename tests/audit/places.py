# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run may leave a secret: output, files, the nodes' files and journals, process lists, temporary files."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import needles
from airgap_lab import Lab
from airgap_lab import nodes as lab_nodes

MAX_FILE = 1 << 24
# Where a node may keep a secret, for root alone.
KEPT = ("etc/containerd/", "var/lib/airgap-containerd/")
LOOKED_AT = ("etc", "home", "opt", "root", "run", "srv", "tmp", "usr/local", "var/lib/airgap-containerd", "var/log")
LOOKED_AT += ("var/tmp", "var/spool", "var/cache/ldconfig")
PAUSE = 0.02
"""Seconds between two looks of the sampler."""
YOUNG = 20
"""Looks for which a process is watched closely: its command line changes when it starts another program."""


def files(root: Path, below: Sequence[str] = ("",)) -> Iterator[Path]:
    """Yield the regular files below a folder; what vanishes meanwhile is left out."""
    for start in below:
        for path in (Path(top, name) for top, _folders, names in os.walk(root / start) for name in names):
            try:
                about = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(about.st_mode) and about.st_size <= MAX_FILE:
                yield path


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def is_private(path: Path, root: Path) -> bool:
    """Whether root alone can read a file."""
    try:
        about = path.stat()
        above = [folder.stat() for folder in path.parents if folder != root and folder.is_relative_to(root)]
    except OSError:
        return True
    closed = any(each.st_uid == 0 and not each.st_mode & 0o077 for each in above)
    return about.st_uid == 0 and (closed or not about.st_mode & 0o077)


def _packed(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files in a tarball."""
    if not path.name.endswith((".tar", ".tar.gz", ".tgz")):
        return
    with tarfile.open(path) as archive:
        for each in archive.getmembers():
            file = archive.extractfile(each)
            if file:
                yield f"{name}, {each.name}", file.read()


_seen: dict[bytes, list[str]] = {}


def _find(data: bytes) -> list[str]:
    """Return the forms in which data contains the canary; most of a node's files are the same run after run."""
    digest = hashlib.sha256(data).digest()
    if digest not in _seen:
        _seen[digest] = sorted(needles.find(data))
    return _seen[digest]


class Sampler(threading.Thread):
    """Watches the process lists of the control node and of all nodes, and the folders of temporary files.

    The nodes' processes are the machine's too, so one look sees them all.
    """

    def __init__(self, folders: Sequence[Path]):
        super().__init__(daemon=True)
        self.folders = folders
        self.commands: set[bytes] = set()
        self._ages: dict[str, int] = {}
        self.readable: dict[str, bytes] = {}
        self.looks = 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(PAUSE):
            self.look()

    def look(self) -> None:
        """Record every command line, and every file that others can read."""
        self.looks += 1
        ages = {name: self._ages.get(name, 0) + 1 for name in os.listdir("/proc") if name.isdigit()}
        for name, age in ages.items():
            if age <= YOUNG or age % YOUNG == 0:
                self.commands.add(read(Path("/proc", name, "cmdline")))
        self._ages = ages
        for folder in self.folders:
            for path in files(folder):
                if not is_private(path, folder):
                    self.readable[str(path)] = read(path)

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(self, *dummy) -> None:
        self._done.set()
        self.join()


class Audit:
    """What a run has left, in every place where one may look."""

    def __init__(self, lab: Lab, folder: Path):
        self.lab = lab
        self.folder = folder  # everything that the run writes on the control node is below it
        self.inputs: set[Path] = set()  # files that the run was given
        for name in ("home", "tmp", "facts", "junit"):
            (folder / name).mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that keep a run's files together, and make it write more of them."""
        return {
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(Path.home() / ".ansible" / "cp"),  # the name of a socket must be short
            "HOME": str(self.folder / "home"),
            "AIRGAP_LAB_STATE": str(self.lab.config.state),  # the inventory would look for it in that home
            "TMPDIR": str(self.folder / "tmp"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_LOG_PATH": str(self.folder / "ansible.log"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.folder / "facts"),
            "ANSIBLE_CALLBACKS_ENABLED": "record,ansible.builtin.junit",
            "JUNIT_OUTPUT_DIR": str(self.folder / "junit"),
            "ANSIBLE_RETRY_FILES_ENABLED": "true",
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(self.folder),
        }

    def sampler(self, nodes: Sequence[str]) -> Sampler:
        """Return a sampler of process lists and of the temporary files of the control node and these nodes."""
        temporary = [self.folder / "tmp", self.folder / "home"]
        return Sampler(temporary + [self._root(node) / each for node in nodes for each in ("tmp", "root/.ansible")])

    def leaks(self, output: str, sampler: Sampler, nodes: Sequence[str], kept: Sequence[str] = KEPT) -> list[str]:
        """Return one line for every place where the canary is and must not be.

        `kept` is where the nodes may keep it for root alone: nowhere, once everything is taken back.
        """
        found = []
        for place, data in self._places(output, sampler, nodes, tuple(kept)):
            found += [f"{place}: {how}" for how in _find(data)]
        return found

    def _places(
        self, output: str, sampler: Sampler, nodes: Sequence[str], kept: tuple[str, ...]
    ) -> Iterator[tuple[str, bytes]]:
        yield "output", output.encode()
        for path in files(self.folder):
            if path not in self.inputs:
                yield f"controller's file {path.relative_to(self.folder)}", read(path)
                yield from _packed(path, f"controller's file {path.relative_to(self.folder)}")
        for command in sampler.commands:
            yield f"process list, {command.partition(bytes(1))[0].decode(errors='replace')}", command
        for name, data in sampler.readable.items():
            yield f"temporary file {name}", data
        for node in nodes:
            journal = self.lab.run(node, ["journalctl", "--no-pager", "--all", "--output=export"]).stdout
            yield f"{node}'s journal", journal.encode()
            root = self._root(node)
            for path in files(root, LOOKED_AT):
                name = str(path.relative_to(root))
                if not (name.startswith(kept) and is_private(path, root)):
                    yield f"{node}'s file /{name}", read(path)

    def _root(self, node: str) -> Path:
        leader = lab_nodes.leader(self.lab.config.nodes[node])
        return Path(f"/proc/{leader}/root")
