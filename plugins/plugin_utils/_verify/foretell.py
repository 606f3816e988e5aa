# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node that was not read yet will be asked to query, so that it can be read and query in one execution.

A forecast from the role's variables: it counts only where the node, once read, leads to the same requests.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Version
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Surveyed
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Foretold, Survey
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Node
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import images, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.images import Questions
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.pull import Ask


class Variables(NamedTuple):
    """What the role's variables ask for."""

    options: Mapping[str, Any]
    wanted: Desired
    settings: Settings


Answers = tuple[tuple[Manifest, ...], ...]


class Read(NamedTuple):
    """A node that was read."""

    asked: Questions
    answers: Answers | None  # None where it has not queried yet what it has to
    since: Version | None  # of what was foretold for its release


class _New(NamedTuple):
    """A node that the role would set up."""

    node: Node
    tables: Sequence[Mapping[str, Any]]

    @property
    def has(self) -> Any:
        """What requests follow from, but for the release."""
        return self.tables, self.node.registry, self.node.roots


def foretell(
    variables: Variables, names: Sequence[str], direct: Iterable[str], known: Container[Version] = ()
) -> list[Foretold]:
    """Return what new nodes would query for images, from each release on with which that may change, the oldest first.

    Nothing from releases on that are `known`, or that cannot do what the variables ask for. `direct` is as of
    `images.questions`.
    """
    found: list[Foretold] = []
    before = None
    for version in releases.LANDMARKS:
        new = _new(version, variables)
        if new and before and new.has == before.has:
            continue  # to resolve the images again is what would take the time
        before = new
        wanted = new if version not in known else None
        found.append(Foretold(version, images.requests_of(*wanted, names, direct) if wanted else []))
    return found


def _new(version: Version, variables: Variables) -> _New | None:
    try:
        new = filter.new_node(releases.dotted(version), variables.wanted, variables.options, variables.settings)
        return _New(new.node, requests.tables_of(new.config or ""))
    except Refusal:
        return None


def read(ask: Ask, wish: Survey, names: Sequence[str], direct: Iterable[str], foretold: list[Foretold]) -> Read:
    """Read a node and let it query what was foretold, unless that is too much for one request.

    What the node queried counts only if it is what it has to query.
    """
    try:
        surveyed = ask(wish._replace(foretold=foretold), Surveyed)
    except WireError:
        foretold = []
        surveyed = ask(wish, Surveyed)
    asked = images.questions(surveyed, names, direct)
    mine = next((each for number, each in enumerate(foretold) if number == surveyed.foretold), None)
    came_true = mine and mine.images == asked.requests
    return Read(asked, surveyed.answers if came_true else None, mine and mine.since)
