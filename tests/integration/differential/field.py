# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's nodes, pulling what was generated, and what differs from the prediction."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap_lab import Lab, tls
from airgap_lab.recorder import PRIVATE, SYSTEM, Recorder

from ansible_collections.airgap.containerd.plugins.module_utils._cri import client as client_module
from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as node_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Node, Resolution
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit
from differential.cases import IPV6, NAMES, ROOTS, Batch, Case, generate
from differential.simulate import Seen, expected

ADDRESS = "10.77.0.40"
CONFIG = "/etc/containerd/config.toml"
PULL_SECONDS = 30.0
READY_SECONDS = 30.0


@dataclass
class Pull:
    """One pull, foretold and done."""

    node: str
    version: str
    batch: str
    case: Case
    resolution: Resolution
    expected: list[Seen]
    error: str | None = None
    seen: list[Seen] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether all requests, their order, and the error of a pull without requests were as predicted."""
        return self.seen == self.expected and _right_error(self)


@dataclass
class Report:
    """What came out."""

    pulls: list[Pull] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    logged: int = 0  # lines about broken files that were compared

    def agreed(self) -> dict[str, tuple[int, int]]:
        """How many pulls of each release were as foretold, and how many there were."""
        versions = sorted({each.version for each in self.pulls})
        ours = {version: [each.agrees for each in self.pulls if each.version == version] for version in versions}
        return {version: (sum(each), len(each)) for version, each in ours.items()}

    @property
    def requests(self) -> int:
        """How many requests were compared."""
        return sum(len(each.seen) for each in self.pulls)


class Field:
    """Nodes on which every name resolves to the recorder; use as a context manager."""

    def __init__(self, lab: Lab, nodes: tuple[str, ...], folder: Path):
        self.lab = lab
        self.nodes = nodes
        self.folder = folder
        self.recorder = Recorder(lab.config, folder, ADDRESS)

    def __enter__(self) -> Field:
        names = [*NAMES, IPV6.strip("[]"), "localhost", "127.0.0.1"]
        tls.make(self.folder / SYSTEM, {"recorder": names})
        tls.make(self.folder / PRIVATE, {"recorder": names, "client": ["client"]})
        client = self._pem(PRIVATE, "client.crt") + self._pem(PRIVATE, "client.key")
        self.contents = {b"CA": self._pem(PRIVATE, "ca.crt"), b"CLIENT": client}
        self.lab.reset(*self.nodes)
        self.recorder.start()
        for name in self.nodes:
            lines = "".join(f"{ADDRESS} {host}\n" for host in NAMES)
            self.lab.write(name, "/etc/hosts", self.lab.read(name, "/etc/hosts") + lines)
            trusted = "/etc/ssl/certs/ca-certificates.crt"
            self.lab.write(name, trusted, self.lab.read(name, trusted) + self._pem(SYSTEM, "ca.crt").decode())
            for kind, content in (("private-ca", b"CA"), ("client", b"CLIENT")):
                self.lab.write(name, f"/etc/recorder/{kind}.pem", self.contents[content].decode())
        return self

    def __exit__(self, *dummy: object) -> None:
        self.recorder.stop()
        self.lab.reset(*self.nodes)

    def _pem(self, kind: str, name: str) -> bytes:
        return (self.folder / kind / name).read_bytes()

    def run(self, seed: int, count: int, spelled: float = 0.0) -> Report:
        """Let every node pull `count` generated images; the nodes work side by side. For `spelled` see `generate`."""
        wanted = {}
        for name in self.nodes:
            rel = releases.release(releases.parse(self.lab.config.nodes[name].containerd))
            wanted[name] = rel, generate(f"{seed}-{name}", count, rel, 1000 * int(name[1:]), spelled)
        answers = {c.name: c.answers for dummy, batches in wanted.values() for b in batches for c in b.cases}
        self.recorder.script(answers)
        report = Report()
        with ThreadPoolExecutor() as pool:
            for part in pool.map(lambda item: self._run_node(item[0], *item[1]), wanted.items()):
                report.pulls += part.pulls
                report.disagreements += part.disagreements
                report.logged += part.logged
        self._compare(report)
        return report

    def _run_node(self, name: str, rel: Release, batches: list[Batch]) -> Report:
        report = Report()
        for batch in batches:
            before = self._decode_errors(name)
            base = self._configure(name, rel, batch)
            done = [self._pull(name, base, batch, case) for case in batch.cases]
            report.pulls += done
            found = self._decode_errors(name)[len(before) :]
            report.logged += len(found)
            report.disagreements += _unlike_log(name, rel, batch, done, found)
        return report

    def _configure(self, name: str, rel: Release, batch: Batch) -> Node:
        """Write config.toml, restart, and return what resolve makes of the file and of containerd's own view of it."""
        plugin = releases.images_plugin(rel, batch.version)
        settings = {"version": batch.version, "plugins": {plugin: {"registry": batch.registry}}}
        text = edit.edit("", settings, [])
        self.lab.write(name, CONFIG, text)
        self.lab.run(name, ["systemctl", "reset-failed", "containerd"])
        restarted = self.lab.run(name, ["systemctl", "restart", "containerd"])
        assert restarted.returncode == 0, restarted.stderr
        client_module.wait_ready(str(self.lab.socket(name)), READY_SECONDS)
        node = node_module.from_files(str(rel), text)
        command = "migrate" if rel.hosts_by_header else "dump"
        dump = self.lab.run(name, ["containerd", "--config", CONFIG, "config", command]).stdout
        dumped = node_module.from_files(str(rel), dump)
        known = node.registry if rel.config_path else node.registry._replace(config_path="")
        assert dumped.registry == known, (dumped.registry, known)
        return node

    def _pull(self, name: str, base: Node, batch: Batch, case: Case) -> Pull:
        tree = {path: self.contents.get(content, content) for path, content in case.tree.items()}
        node = base._replace(roots=_roots(tree))
        resolution = resolve.resolve(case.image, node)
        self._write(name, tree)
        pull = Pull(name, str(node.release), batch.name, case, resolution, expected(case, node, resolution))
        try:
            Client(str(self.lab.socket(name)), timeout=PULL_SECONDS).pull(case.image)
        except CriError as exc:
            pull.error = str(exc)
        return pull

    def _write(self, name: str, tree: dict[str, bytes]) -> None:
        root = self.lab.root(name)
        for each in ROOTS:
            shutil.rmtree(root / each[1:], ignore_errors=True)
        for path, content in tree.items():
            target = root / path[1:]
            if path.endswith("/"):
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

    def _decode_errors(self, name: str) -> list[str]:
        """Lines of containerd's log about hosts.toml files that it discards."""
        lines = self.lab.run(name, ["journalctl", "--unit=containerd", "--output=cat", "--no-pager"]).stdout
        return [line for line in lines.splitlines() if 'msg="failed to decode' in line]

    def _compare(self, report: Report) -> None:
        recorded = self.recorder.requests()
        for pull in report.pulls:
            entries = recorded.pop((pull.node, pull.case.name), [])
            pull.seen = [_seen(each) for each in entries]
            if not pull.agrees:
                report.disagreements.append(_describe(pull))
        report.disagreements += [f"nobody expected {key}: {entries}" for key, entries in recorded.items()]


def _roots(tree: dict[str, bytes]) -> dict[str, Any]:
    roots: dict[str, Any] = {}
    for path, content in tree.items():
        root = next(each for each in ROOTS if path.startswith(f"{each}/"))
        directory, slash, name = path[len(root) + 1 :].partition("/")
        if not slash:
            roots.setdefault(root, {})[directory] = None
            continue
        files = roots.setdefault(root, {}).setdefault(directory, {})
        if name:
            files[name] = content
    return roots


def _seen(entry: dict[str, Any]) -> Seen:
    path = entry["path"].partition("?")[0] if "/token" in entry["path"] else entry["path"]
    return Seen(entry["method"], entry["scheme"], entry["host"], path, entry["auth"], entry["certificate"])


def _right_error(pull: Pull) -> bool:
    """Whether a pull that should fail before any request does so, for the predicted reason."""
    error = pull.resolution.error
    if not error:
        return True
    words = re.search(r"\(containerd: (.*)\)", error)
    said = words.group(1).split(", or ") if words else ["invalid reference format", "no resolve hosts", "not found"]
    return pull.error is not None and any(each in pull.error for each in said)


def _unlike_log(name: str, rel: Release, batch: Batch, pulls: list[Pull], found: list[str]) -> Iterator[str]:
    """Yield where the log differs from the lines foretold, which come in the order of the pulls, some repeated."""
    wanted = [(pull, _pattern(line)) for pull in pulls for line in pull.resolution.log]
    position = -1
    for line in found:
        if position >= 0 and wanted[position][1].search(line) and not _next_matches(wanted, position, line):
            continue
        position += 1
        if position == len(wanted) or not wanted[position][1].search(line):
            told = wanted[position][1].pattern if position < len(wanted) else "nothing more"
            yield f"{name} ({rel}), {batch.name}: logged {line!r}, foretold {told!r}"
            return
    if position + 1 < len(wanted):
        yield f"{name} ({rel}), {batch.name}: never logged {wanted[position + 1][1].pattern!r}"


def _next_matches(wanted: list[tuple[Pull, re.Pattern[str]]], position: int, line: str) -> bool:
    return position + 1 < len(wanted) and bool(wanted[position + 1][1].search(line))


def _pattern(log: str) -> re.Pattern[str]:
    """Return what matches the line of the log with this message and error; logrus quotes both."""
    name, words = re.fullmatch(r"failed to decode (\S+): (.*)", log).groups()
    quoted = re.escape(words.replace("\\", "\\\\").replace('"', '\\"')).replace("…", ".*")
    return re.compile(rf'error="?{quoted}.*msg="failed to decode {re.escape(name)}"|'
                      rf'msg="failed to decode {re.escape(name)}" error="?{quoted}')  # fmt: skip


def _describe(pull: Pull) -> str:
    lines = [f"{pull.node} ({pull.version}), {pull.batch}, {pull.case.name}: {pull.case.image}"]
    for path, content in pull.case.tree.items():
        lines.append(f"  {path}: {content!r}")
    asked = {each.host for each in (*pull.seen, *pull.expected)}
    lines.append(f"  answers: { {host: answer for host, answer in pull.case.answers.items() if host in asked} }")
    lines.append(
        f"  resolve: error {pull.resolution.error!r}, used {pull.resolution.directory}; containerd: {pull.error!r}"
    )
    for index in range(max(len(pull.seen), len(pull.expected))):
        told = pull.expected[index] if index < len(pull.expected) else None
        made = pull.seen[index] if index < len(pull.seen) else None
        lines.append(f"  {'=' if told == made else '!'} foretold {told and tuple(told)}  made {made and tuple(made)}")
    return "\n".join(lines)
