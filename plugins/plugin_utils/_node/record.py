# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of earlier runs, which a node keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Text

FORMAT = 1


class Written(NamedTuple):
    """A file that a run wrote."""

    sha256: str  # of what it wrote
    original: Text | None  # what the first of them replaced, None: nothing
    shared: Shared | None = None  # how others could read that


class Undo(NamedTuple):
    """All that runs changed in config.toml, and what undoes it, as TOML has it."""

    ours: Mapping[str, Any]
    merge: Mapping[str, Any]
    remove: list[list[str]]


class Shared(NamedTuple):
    """How others could read config.toml, before credentials in it made it root's alone."""

    mode: int
    gid: int


class WrittenConfig(NamedTuple):
    """config.toml, which a run edited."""

    sha256: str  # of what it left
    original: Text | None  # what was there before the first of them, None: nothing
    exact: bool  # nothing else has edited it since, so that `original` can come back as it was
    undo: Undo | None = None
    shared: Shared | None = None  # None: it holds no credentials of ours, or was private before


class Answer(NamedTuple):
    """What an endpoint answered when it was asked whether it is there and takes the credentials."""

    url: str
    digest: str  # of the question
    auth: str | None  # "none", "public", "basic" or "bearer"
    error: str | None
    reachable: bool = True  # whether anybody answered


class CarriedTables(NamedTuple):
    """Parts of the registry table that come from existing hosts.toml files."""

    mirrors: Mapping[str, tuple[str, ...]] = {}  # endpoints by namespace
    configs: Mapping[str, Mapping[str, Any]] = {}  # by host[:port]


class ProvenWith(NamedTuple):
    """The daemon that is known to serve, and with what."""

    daemon: str | None = None  # its id
    files: Mapping[str, str] = {}  # what each file of its configuration said, as Observation.said has it


class Record(NamedTuple):
    """What runs did to a node."""

    format: int
    files: Mapping[str, Written]  # of the role, by path
    hosts: Mapping[str, Written] = {}  # of containerd_hosts, by path
    config: WrittenConfig | None = None
    config_file: str | None = None  # where that is; None while no run of the role was there
    endpoints: Mapping[str, Answer] = {}  # by the question's digest
    carried: Mapping[str, Text] = {}  # hosts.toml files that were in other directories, by path below hosts_dir
    carried_legacy: CarriedTables = CarriedTables()
    proven: ProvenWith | None = None
    made: tuple[str, ...] = ()  # directories that did not exist; the node adds to them
    release: str | None = None  # of containerd, when the record was written


NOTHING = Record(FORMAT, {})
