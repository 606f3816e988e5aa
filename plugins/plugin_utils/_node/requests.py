# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node can be asked for: a type each. Those that both ends take apart are in the node's `_shared`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared.edits import Edit, Proof
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import Apply, Rehearse, Restart
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import distributions
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.distributions import Distribution
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Version
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import options


class Observe(NamedTuple):
    """Read the node; None stands for "as the node has it"."""

    config_file: str | None = None
    hosts_dir: str | None = None
    binary: str | None = None
    service: str = options.PLACES["service"]["default"]
    socket: str | None = None
    distribution: str = options.PLACES["distribution"]["default"]
    distributions: Sequence[Distribution] = ()  # those that it may be of
    docker: bool | None = options.PLACES["docker"].get("default")  # whether Docker is meant too, None: if alone
    may_be_docker: bool = False  # whether Docker alone may be meant
    endpoints: Sequence[Any] = ()  # _plan.preflight.Question of each endpoint to query
    previous: bool = False  # whether to tell the state to go back to


class Pull(NamedTuple):
    """Read the node and pull images there."""

    node: Observe
    images: Sequence[str]
    pause: bool = False  # begin with the image that pods start with
    timeout: int = 120  # seconds for each image
    parallel: int = 3
    keep: bool = False  # whether those pulled stay
    login: tuple[str, str] | None = None  # a pull secret


class Foretold(NamedTuple):
    """What a node with containerd `since` or later will be asked to query, if it is as the role's variables say."""

    since: Version
    images: Sequence[Sequence[Any]]  # see Probe; none where this is not to be queried at once


class Survey(NamedTuple):
    """Read the node, what program containerd is, and if wanted the images that are there.

    Of what was foretold, the node queries at once what is for its own release.
    """

    node: Observe
    images: bool = False
    foretold: Sequence[Foretold] = ()  # the oldest release first


class Probe(NamedTuple):
    """Query endpoints for manifests: for each image those in its list in turn, until one has it."""

    images: Sequence[Sequence[Any]]
    platforms: bool = False  # whether to read which platforms an index has


class Harbor(NamedTuple):
    """A Harbor, and the projects in it that matter."""

    url: str
    projects: Sequence[str]
    login: str | None  # the value of an Authorization header, of the account that pulls
    reader: str | None  # the same, of the account that is used for its API
    tls: Mapping[str, Any]  # see Access.tls
    robot: str | None = None  # the name of the robot account that pulls, if it is one


class AskHarbors(NamedTuple):
    """Query each Harbor about its projects."""

    harbors: Sequence[Harbor]


class LookAt(NamedTuple):
    """Read one configuration file and what it belongs to; None stands for "as the node has it"."""

    path: str | None
    binary: str | None
    service: str
    imports: Sequence[str]  # patterns of files that are to be imported
    attributes: Mapping[str, Any]  # the file arguments of Ansible's modules


class RestartOrRestore(NamedTuple):
    """Restart containerd; where CRI does not answer then, put files back and restart with them."""

    restart: Restart
    restore: Sequence[Mapping[str, str]]  # `path` and `backup`


Request = Observe | Pull | Survey | Probe | AskHarbors | LookAt | RestartOrRestore | Apply | Rehearse | Edit | Proof

READING, CHANGING, EXTRA = "containerd_node", "containerd_node_change", "containerd_node_extra"

NAMES: Mapping[type[Any], tuple[str, str]] = {
    Observe: (READING, "observe"),
    Apply: (CHANGING, "apply"),
    Rehearse: (CHANGING, "rehearse"),
    RestartOrRestore: (CHANGING, "restart"),
    LookAt: (CHANGING, "look"),
    Proof: (CHANGING, "prove"),
    Edit: (CHANGING, "edit"),
    Pull: (EXTRA, "pull"),
    Survey: (EXTRA, "survey"),
    Probe: (EXTRA, "probe"),
    AskHarbors: (EXTRA, "harbor"),
}
"""The module of the node half that carries a request out, and what it calls it.

What reads travels to each node in each run of the role, so it goes without the rest.
"""


def observe(args: Mapping[str, Any]) -> Observe:
    """Return the request to read a node; `args` holds options.PLACES. Raises Refusal."""
    options.check_places(args)
    found = Observe(**{key: args.get(key, spec.get("default")) for key, spec in options.PLACES.items()})
    known: tuple[Distribution, ...] = distributions.ALL
    if found.distribution != distributions.AUTO:
        known = tuple(each for each in known if each.name == found.distribution)
    elif found.service != Observe().service or found.binary or found.socket or found.config_file:
        known = ()  # the user has said which containerd
    named = found.distribution != distributions.AUTO or not known or found.hosts_dir
    return found._replace(distributions=known, may_be_docker=not named)
