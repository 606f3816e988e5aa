# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node may answer to each kind of request besides `observe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Daemon, File, Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place


class Restarted(NamedTuple):
    """Of `restart`."""

    daemon: Daemon | None
    seconds: float  # until CRI answered


class Applied(NamedTuple):
    """Of `apply`."""

    restarted: bool
    seconds: float | None
    left: tuple[str, ...]  # directories that were to go and hold files of others
    backups: Mapping[str, str | None]  # the copy of each file that was to be copied


class Tried(NamedTuple):
    """Of `rehearse`, which fails otherwise."""

    tried: bool


class PullError(NamedTuple):
    """containerd's own words, with the name of the gRPC status."""

    code: str
    message: str


class Pulled(NamedTuple):
    """What became of one image."""

    image: str
    present: bool  # it was there before, and was not pulled
    digest: str | None
    bytes: int | None
    seconds: float | None
    error: PullError | None
    removed: bool
    kept: str | None  # why it was not removed


class Pulls(NamedTuple):
    """Of `pull`."""

    observed: Observation
    pulls: tuple[Pulled, ...]
    docker: tuple[Pulled, ...] = ()  # the same images, where Docker is meant in addition to this containerd


class Manifest(NamedTuple):
    """What one endpoint answered when it was asked for a manifest (see the node half's `probe`)."""

    failure: str | None = None
    message: str | None = None
    status: int | None = None
    kind: str | None = None  # the media type
    digest: str | None = None
    challenge: str | None = None
    realm: str | None = None  # of its token service, scheme and host alone
    location: str | None = None  # where it redirects to, likewise
    anonymous: int | None = None  # the status without credentials, where those that were sent were refused
    login: bool | None = None  # whether those that were refused are right as such, None: not known
    platforms: tuple[str, ...] | None = None  # in an index, if that was asked for; "" for one that is not known


class Probed(NamedTuple):
    """Of `probe`: the answers of the endpoints of each image, up to the first that serves."""

    images: tuple[tuple[Manifest, ...], ...]


class Program(NamedTuple):
    """What the head of an executable says of the machine that it is for (ELF)."""

    machine: int
    little: bool  # its byte order


class There(NamedTuple):
    """An image that the node has, by a name with which it can be pulled."""

    name: str
    used: bool  # by a container


class Surveyed(NamedTuple):
    """Of `survey`."""

    observed: Observation
    machine: str  # of the kernel
    program: Program | None  # None: containerd is started by something else than an executable
    images: tuple[There, ...] | None  # None: they were not asked for, or CRI or Docker does not list them
    images_error: str | None
    foretold: int | None = None  # the number of what was foretold for its release
    answers: tuple[tuple[Manifest, ...], ...] = ()  # to that, see Probed


class PathInfo(NamedTuple):
    """Of a file, as the core modules return it."""

    uid: int | None = None
    gid: int | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    size: int | None = None
    secontext: str | None = None


class Look(NamedTuple):
    """Of `look`: one file and all of the configuration that it belongs to."""

    binary: str
    version: str | None
    version_error: str | None
    main: Place  # the file that containerd reads first
    path: Place
    files: tuple[File, ...]
    info: PathInfo
    attributes: Mapping[str, Mapping[str, str]]  # "before" and "after" of what would change; empty if nothing would


class Problem(NamedTuple):
    """What containerd makes of a staged file that was not asked for; without `found`, it has no such setting."""

    kind: str  # "setting", "default" or "other"
    path: tuple[str, ...]
    found: Any = ...


class Dropped(NamedTuple):
    """A default of containerd's own that it drops, as the files have the table around it now."""

    path: tuple[str, ...]
    was: Any


class Proven(NamedTuple):
    """Of `prove`."""

    refused: tuple[Problem, ...]
    unproven: tuple[str, ...]  # plugins that containerd does not print
    dropped: tuple[Dropped, ...]


class Edited(NamedTuple):
    """Of `edit`; if anything was refused, nothing was changed."""

    refused: tuple[Problem, ...]
    unproven: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    backup: str | None
    info: PathInfo


class Project(NamedTuple):
    """What Harbor says of one project."""

    name: str
    status: int | None  # of the API's answer, None: it gave none
    registry_id: int | None  # of a proxy cache
    upstream: str | None  # the URL that it is a cache of, if the account may see that
    answer: Manifest  # what the account that pulls gets for an image that does not exist


class Robot(NamedTuple):
    """What Harbor says of a robot account."""

    expires_at: int | None  # seconds since the epoch, -1: never
    disabled: bool


class Projects(NamedTuple):
    """Of `harbor`."""

    harbors: tuple[tuple[Project, ...], ...]
    robots: tuple[Robot | None, ...]  # the one that pulls from each; None: there is none, or it may not be seen
