# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images on a node in one execution; query the endpoints in a second one where something is left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import options
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Probed, Pulled, Pulls
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Probe, Pull, Request
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as resolve_node
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import outcome, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.diagnosis import Seen

MAX_IMAGES = 100

Reply = TypeVar("Reply")


class Ask(Protocol):
    """Lets the node carry out a request in one remote execution; returns its reply as an instance of `kind`."""

    def __call__(self, request: Request, kind: type[Reply]) -> Reply: ...


def check(wish: Pull, option: str = "images") -> None:
    """Refuse what no node can do; `option` is what the images are called."""
    if not wish.images and not wish.pause:
        raise Refusal(f"{option}: empty: list images, or set pause")
    if len(wish.images) > MAX_IMAGES:
        raise Refusal(f"{option}: {len(wish.images)} images are more than the {MAX_IMAGES} that one task pulls")
    for image in wish.images:
        if not image or len(image) > 512 or not image.isprintable() or " " in image:
            raise Refusal(
                f"{option}: {_secrets.quoted(image)} is not an image name: write it as in a pod, "
                "REGISTRY/REPOSITORY:TAG"
            )
    options.check_range("timeout", wish.timeout, 1, None)
    options.check_range("parallel", wish.parallel, 1, None)


def pull(ask: Ask, wish: Pull) -> dict[str, Any]:
    """Pull images, and return what containerd_pull does."""
    reply = ask(wish, Pulls)
    images = verdicts.images_to_pull(wish.images, reply.observed.effective.pause if wish.pause else None)
    if [each.image for each in reply.pulls] != images:
        raise Refusal("the node returned results for images that were not requested")
    found = _told(ask, reply.observed, images, reply.pulls, wish.login)
    return _with_docker(ask, found, reply.observed, wish, reply.docker)


def look(ask: Ask, wish: Pull) -> dict[str, Any]:
    """Pull nothing, and return what containerd_pull does in check mode: whether the endpoints have the manifests."""
    observed = ask(wish.node, Observation)
    images = verdicts.images_to_pull(wish.images, observed.effective.pause if wish.pause else None)
    found = _told(ask, observed, images, [None] * len(images), wish.login)
    return _with_docker(ask, found, observed, wish, [None] * len(wish.images))


def _with_docker(
    ask: Ask, found: dict[str, Any], observed: Observation, wish: Pull, pulls: Sequence[Pulled | None]
) -> dict[str, Any]:
    """Add what became of the images in the Docker in addition to the node's containerd; there is no pause image."""
    if not observed.docker or not wish.images:
        return found
    try:
        if len(pulls) != len(wish.images):
            raise Refusal("the node returned results for images that were not requested")
        beside = _told(ask, observed.docker, wish.images, pulls, wish.login)
    except Refusal as exc:
        beside = {"failed": True, "msg": str(exc), "version": None, "images": []}
    beside.pop("changed", None)
    failed = bool(found["failed"] or beside["failed"])
    return {**found, "failed": failed, "msg": f"{found['msg']}; Docker: {beside['msg']}", "docker": beside}


def _told(
    ask: Ask,
    observed: Observation,
    images: Sequence[str],
    pulls: Sequence[Pulled | None],
    login: tuple[str, str] | None,
) -> dict[str, Any]:
    observed.require_containerd()
    there = resolve_node.from_observation(observed)
    seen = _asked(ask, [Seen(there, resolve.resolve(image, there)) for image in images], pulls, observed, login)
    outcomes = [outcome.outcome(each, known) for each, known in zip(pulls, seen, strict=True)]
    return {
        "changed": False,
        "failed": any(each["state"] not in outcome.GOOD for each in outcomes),
        "msg": outcome.sentence(outcomes),
        "version": there.release.name,
        "images": outcomes,
    }


def _asked(
    ask: Ask,
    seen: list[Seen],
    pulls: Sequence[Pulled | None],
    observed: Observation,
    login: tuple[str, str] | None,
) -> list[Seen]:
    """Let the node query the endpoints of the images where that tells more, all in one execution."""
    still_open = [index for index, each in enumerate(seen) if outcome.needs_answers(pulls[index], each)]
    lists, tables = [], requests.tables(observed)
    for each in map(seen.__getitem__, still_open):
        lists.append(requests.requests(tables, each.node, each.found, login))
        lists.append(requests.requests(tables, each.node, each.found) if login else [])
    if not any(lists):
        return seen
    answers = ask(Probe(lists), Probed).images
    known = list(seen)
    for index, given, own in zip(still_open, answers[::2], answers[1::2], strict=True):
        known[index] = known[index]._replace(answers=given, own_answers=own)
    return known
