# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what we say of generated configurations against what each real release prints of them."""

from __future__ import annotations

import json
import re
import shutil
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomllib
from airgap_lab import Lab

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import imports, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.imports import Combined, Source
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V1, V2, V3_IMAGES
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.info import info
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.node import from_files, from_observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import plain
from reading import cases
from reading.cases import Case, generate

NODE_HALF = Path(_shape.__file__).parents[1] / "module_utils"
PACKAGE = "ansible_collections/airgap/containerd/plugins/module_utils"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SAYS_REFUSED = re.compile("containerd [\\d.]+ does not start with|it does not start with")
"""What our own refusals say of containerd."""


@dataclass
class Read:
    """One configuration, as a release reads it and as we do."""

    node: str
    rel: Release
    case: Case
    observed: Observation
    command: str  # that containerd was called with
    rc: int
    printed: str
    complaint: str
    wrong: list[str] = field(default_factory=list)
    after_missing: bool = False
    unknown: str | None = None  # why we say nothing of the files

    @property
    def is_compared(self) -> bool:
        """Whether containerd reads it, and we say what it comes to."""
        return self.rc == 0 and self.unknown is None

    def describe(self) -> str:
        """Return the files and what is wrong."""
        lines = [
            f"{self.node} ({self.rel}), {self.case.name}: config {self.command}: {self.rc} {self.complaint[-300:]}"
        ]
        lines += [
            f"--- {path}\n{content.decode('utf-8', 'backslashreplace')}" for path, content in self.case.files.items()
        ]
        lines += [f"--- {path} -> {target}" for path, target in self.case.links.items()]
        return "\n".join([*lines, *(f"!!! {each}" for each in self.wrong)])


def run(lab: Lab, nodes: Sequence[str], seed: int, count: int) -> list[Read]:
    """Let each node read `count` configurations, side by side."""
    with ThreadPoolExecutor() as pool:
        parts = pool.map(lambda name: _run_node(lab, name, seed, count), nodes)
        return [each for part in parts for each in part]


def figures(found: Sequence[Read]) -> str:
    """Return how many of each release were read, refused, and left unknown."""
    lines = []
    for version in sorted({each.rel for each in found}):
        ours = [each for each in found if each.rel == version]
        counts = Counter("refused" if each.rc else "unknown" if each.unknown else "compared" for each in ours)
        lines.append(
            f"{version}: " + ", ".join(f"{counts[kind]} {kind}" for kind in ("compared", "unknown", "refused"))
        )
    return "; ".join(lines)


def _run_node(lab: Lab, name: str, seed: int, count: int) -> list[Read]:
    rel = releases.release(releases.parse(lab.config.nodes[name].containerd))
    made = generate(f"{seed}-{name}", count, rel)
    root = lab.root(name)
    try:
        _write(root, made)
        script = Path(__file__).with_name("on_node.py").read_text()
        program = f"{cases.FOLDER}-program"
        shutil.copytree(NODE_HALF, root / program[1:] / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        (root / program[1:] / "on_node.py").write_text(script)
        done = lab.run(name, ["python3", "-B", f"{program}/on_node.py", program], json.dumps([e.main for e in made]))
        assert done.returncode == 0, done.stderr
    finally:
        for folder in root.glob(f"{cases.FOLDER[1:]}*"):
            shutil.rmtree(folder)
    return [_read(name, rel, case, answer) for case, answer in zip(made, json.loads(done.stdout), strict=True)]


def _write(root: Path, made: Sequence[Case]) -> None:
    for case in made:
        for path, content in case.files.items():
            target = root / path[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for path, leads_to in case.links.items():
            (root / path[1:]).symlink_to(leads_to)


def _read(name: str, rel: Release, case: Case, answer: dict[str, Any]) -> Read:
    observed = _shape.parsed(answer["observed"], Observation)
    command, rc, out, err = answer["printed"][-1]
    read = Read(name, rel, case, observed, command, rc, out, err or out)
    try:
        read.wrong += _compare(read)
    except Exception as exc:  # whatever it is, it is wrong
        read.wrong.append("".join(traceback.format_exception(exc)[-3:]))
    return read


def _compare(read: Read) -> Iterator[str]:
    """Yield what we say and containerd does not."""
    observed = read.observed
    said = info(observed, "2026-01-01")["registry"]
    if (said["error"] is not None) != (read.rc != 0):
        yield f"error is {said['error']!r}, and containerd ended with {read.rc}"
    from_observation(observed)
    try:
        document = tomllib.loads(_CONTROL.sub("", read.printed)) if read.rc == 0 else None
    except tomllib.TOMLDecodeError:  # 1.4 prints a key with a line end as it is
        read.unknown = "what containerd prints is no TOML"
        return
    # It prints the tables of disabled plugins as they are written.
    if document is not None and not {V1, V2, V3_IMAGES}.isdisjoint(document.get("disabled_plugins") or ()):
        read.unknown = "CRI is disabled"
        return
    if document is not None:
        yield from _effective(read, document)
    try:
        order, combined = _combined(read)
    except Refusal as exc:
        read.unknown = str(exc)
        # Where 1.4 stops at a file that is missing, it does not look for short names either.
        if read.rc == 0 and SAYS_REFUSED.search(read.unknown) and not read.after_missing:
            yield f"refused: {read.unknown}"
        return
    if document is not None:
        yield from _files(read, order, document)
        yield from _settings(combined, document)
    if len(observed.imports) == 0 and "imports" not in order[0].data:
        yield from _alone(read, document)


def _registry(rel: Release, document: dict[str, Any]) -> dict[str, Any]:
    return plain.at(document, ["plugins", V2 if rel.newest_file == 2 else V3_IMAGES, "registry"]) or {}


def _effective(read: Read, document: dict[str, Any]) -> Iterator[str]:
    """Yield where the effective settings are not those that are printed."""
    said, rel = read.observed.effective, read.rel
    registry = _registry(rel, document)
    images = plain.at(document, ["plugins", V2 if rel.newest_file == 2 else V3_IMAGES]) or {}
    configs = registry.get("configs") or {}
    pinned = plain.at(images, ["pinned_images", "sandbox"]) if rel.newest_file > 2 else images.get("sandbox_image")
    right = {
        "config_path": registry.get("config_path", ""),
        "mirrors": {host: (each or {}).get("endpoint") or [] for host, each in (registry.get("mirrors") or {}).items()},
        "configs": {h: [bool(verdicts.auth_digest(e.get("auth"))), "tls" in e] for h, e in configs.items()},
        "auths": sorted(registry.get("auths") or {}),
        "headers": sorted(registry.get("headers") or {}),
        "pause": pinned,
        "disabled_plugins": document.get("disabled_plugins") or [],
        "imports": document.get("imports") or [],
        "address": document["grpc"]["address"],
    }
    for key, value in right.items():
        mine = getattr(said, key)
        if key == "configs":
            mine = {host: [bool(each.auth), each.tls] for host, each in mine.items()}
        if _plain(mine) != _plain(value):
            yield f"effective {key}: {mine!r}, printed {value!r}"


def _plain(data: Any) -> Any:
    """Return data as replies have it: lists, and texts without control characters."""
    if isinstance(data, dict):
        return {_plain(key): _plain(value) for key, value in data.items()}
    if isinstance(data, frozenset):
        data = sorted(data)
    if isinstance(data, (list, tuple)):
        return [_plain(each) for each in data]
    return _CONTROL.sub("", re.sub(r"[?\s]", "", _text.line(data))) if isinstance(data, str) else data


def _combined(read: Read) -> tuple[list[Source], Combined]:
    """Return the files in their order, and what they come to."""
    rel, observed = read.rel, read.observed
    files = {str(e.path): Source(str(e.path), e.data()) for e in (observed.config, *observed.imports)}
    order, missing = imports.in_order(str(observed.config.path), files, rel)
    if missing and not rel.missing_import_fatal:
        read.after_missing = True
    if missing and rel.missing_import_fatal:
        if read.rc == 0 and rel.newest_file == 2:  # later ones print, and die only when they start
            read.wrong.append(f"missing: {missing}")
        raise Refusal("files are missing")
    return order, imports.combine(order, rel)


def _files(read: Read, order: list[Source], document: dict[str, Any]) -> Iterator[str]:
    """Yield the files that we believe are read and are not, or the opposite, by the key of each."""
    paths = {f"read.{number}.{p.rpartition('/')[2]}": p for number, p in enumerate(read.case.files, 1)}
    tables = [table for table in (file.data.get("timeouts") for file in order) if isinstance(table, dict)]
    ours = {key for table in tables for key in table if key in paths}
    theirs = {key for key in document.get("timeouts", {}) if key in paths}
    for key in sorted(ours ^ theirs):
        yield f"{paths[key]} is read {'as we say alone' if key in ours else 'and we do not say so'}"


def _settings(combined: Combined, document: dict[str, Any]) -> Iterator[str]:
    """Yield the settings that are said to be in effect and are printed otherwise, and lost ones that are printed."""
    for path, each in combined.settings.items():
        printed = plain.at(document, path, default=plain.ABSENT)
        if printed is plain.ABSENT or isinstance(each.value, dict) or isinstance(printed, dict):
            continue
        if isinstance(each.value, list) and path[0] in ("imports", "disabled_plugins", "required_plugins"):
            continue
        if _plain(printed) not in (_plain(each.value), [_plain(each.value)]):
            yield f"{path} is {each.value!r} by {each.origin}, printed {printed!r}"


def _alone(read: Read, document: dict[str, Any] | None) -> Iterator[str]:
    """Yield where `resolve` reads the text of a config.toml otherwise."""
    rel = read.rel
    try:
        node = from_files(str(rel), read.observed.config.text)
    except Refusal as exc:
        if document is not None and SAYS_REFUSED.search(str(exc)):
            yield f"resolve: {exc}"
        return
    if document is None:
        read.unknown = "resolve takes what containerd does not"
        return
    registry = _registry(rel, document)
    right = {
        "config_path": registry.get("config_path", "") if rel.config_path else node.registry.config_path,
        "mirrors": {h: tuple((e or {}).get("endpoint") or ()) for h, e in (registry.get("mirrors") or {}).items()},
        "headers": frozenset(name.lower() for name in registry.get("headers") or {}),
        "logins": frozenset(
            host for host, e in (registry.get("configs") or {}).items() if verdicts.auth_digest(e.get("auth"))
        ),
    }
    for key, value in right.items():
        mine = getattr(node.registry, key)
        if key == "logins" and registry.get("auths"):
            continue
        if key != "logins" and _plain(mine) != _plain(value):
            yield f"resolve: {key} {mine!r}, printed {value!r}"
