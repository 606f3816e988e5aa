# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node will pull images: what to ask for them, and what the answers mean; nothing is pulled.

The public registry is never contacted. What containerd would request from it after all mirrors is not where an
image should come from.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces, platforms
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.platforms import Platform
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Surveyed
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as resolve_node
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import plain, resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Asked, Node, Resolution
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import diagnosis, outcome, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.diagnosis import Diagnosis, Seen
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.requests import ProbeRequest

_COPY = (
    "Copy it there, or correct its name. Images cannot be pushed to a proxy cache: check in Harbor that it reaches its "
    "upstream."
)


class Question(NamedTuple):
    """One image on one node: what it resolves to, and which of its endpoints are asked."""

    found: Resolution
    asked: tuple[Asked, ...]
    requests: tuple[ProbeRequest, ...]
    next: Asked | None  # the public registry, which containerd would ask then


class Questions(NamedTuple):
    """All images on one node."""

    node: Node
    platform: Platform
    images: tuple[Question, ...]
    group: str  # the same on all nodes that get the same answers

    @property
    def requests(self) -> list[list[ProbeRequest]]:
        """What to query for each image."""
        return [list(each.requests) for each in self.images]


def questions(surveyed: Surveyed, images: Iterable[str], direct: Iterable[str] = ()) -> Questions:
    """Return what to ask for images, with the node's own credentials; `direct` are registries to pull from directly.

    Raises Refusal where there is no containerd.
    """
    observed = surveyed.observed
    observed.require_containerd()
    there = resolve_node.from_observation(observed)
    program = surveyed.program
    platform = platforms.of_node(surveyed.machine, program and program.machine, bool(program and program.little))
    found = _questions(there, requests.tables(observed), images, direct)
    return Questions(there, platform, found, _group(there, platform, found))


def requests_of(
    there: Node, tables: Sequence[Mapping[str, Any]], images: Iterable[str], direct: Iterable[str] = ()
) -> list[list[ProbeRequest]]:
    """Return the requests for each image on a node with these registry settings (see `requests.tables`)."""
    return [list(each.requests) for each in _questions(there, tables, images, direct)]


def _questions(
    there: Node, tables: Sequence[Mapping[str, Any]], images: Iterable[str], direct: Iterable[str]
) -> tuple[Question, ...]:
    own = {*_own_hosts(there), *direct}
    return tuple(_question(resolve.resolve(image, there), there, tables, own) for image in images)


def _question(found: Resolution, there: Node, tables: Sequence[Mapping[str, Any]], own: set[str]) -> Question:
    everybody = requests.asked(found)
    asked = tuple(itertools.takewhile(lambda each: not _is_public(found, each, own), everybody))
    wanted = tuple(requests.requests(tables, there, found)[: len(asked)])
    return Question(found, asked, wanted, everybody[len(asked)] if len(everybody) > len(asked) else None)


def _is_public(found: Resolution, each: Asked, own: set[str]) -> bool:
    """Whether this is the registry in the image's name, and nothing says that it is one of the user's own."""
    namespace = found.reference.host if found.reference else ""
    if each.host != namespaces.upstream_host(namespace):
        return False
    return not (namespaces.is_on_the_node(namespace) or namespace in own or each.host in own)


def _own_hosts(there: Node) -> set[str]:
    """Return the hosts that the node's settings name as mirrors."""
    names = [name for tree in there.roots.values() for name in tree or {}]
    spaces = {*(space for dummy, space in namespaces.looked_up(names)), *there.registry.mirrors}
    found = set()
    for space in spaces:
        upstream = namespaces.upstream_host(space)
        for each in resolve.resolve(f"{'any.invalid' if space == '*' else space}/x", there).asked:
            if each.origin != "upstream" and each.host != upstream:
                found.add(each.host)
    return found


def _group(there: Node, platform: Platform, found: Iterable[Question]) -> str:
    rel = there.release
    exactly = rel.transfer_service and not there.registry.local_pull
    told: list[Any] = [str(platform), exactly, rel.lesser_platforms, rel.amd64_v1, rel.header_reaches_token_service]
    for each in found:
        answer = plain.as_data(each.found, rel)
        told.append([{key: value for key, value in answer.items() if key != "version"}, each.requests])
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def outcomes(asked: Questions, answers: Sequence[Sequence[Manifest]]) -> list[dict[str, Any]]:
    """Return for each image what containerd_pull returns in check mode, and `put`: where the image has to be."""
    return [_outcome(asked, each, told) for each, told in zip(asked.images, answers, strict=True)]


def _outcome(asked: Questions, question: Question, answers: Sequence[Manifest]) -> dict[str, Any]:
    found = question.found
    said = [_without_name(each, found, where) for each, where in _pairs(answers, question)]
    seen = Seen(asked.node, found, None, said)
    shown = outcome.outcome(None, seen)
    if shown["diagnosis"] and shown["diagnosis"]["kind"] == "not_found":
        shown["diagnosis"]["fix"] = _COPY
    wrong = _wrong(asked, question, seen)
    if wrong:
        masked = _secrets.mask_data(wrong._asdict())
        shown.update(state="failed", served_by=None, diagnosis=masked)
    if question.next and question.asked and shown["state"] not in outcome.GOOD:
        shown["notes"].append(f"containerd tries {question.next.host} then, which was not contacted here")
    return {**shown, "put": _put(question)}


def _pairs(answers: Sequence[Manifest], question: Question) -> list[tuple[Manifest, Asked]]:
    return list(zip(answers, question.asked, strict=False))


def _wrong(asked: Questions, question: Question, seen: Seen) -> Diagnosis | None:
    """Return what keeps a node from an image and is not in its endpoints' answers, or None."""
    found = question.found
    if found.reference is None:
        return diagnosis.diagnosis("name", f"{found.error}.", found)
    if found.error or diagnosis.diagnose(seen):  # settings that are broken, or that containerd ignores
        return None
    if not question.asked and question.next:
        text = f"No mirror is configured for it here: containerd pulls from {question.next.host} directly."
        return diagnosis.diagnosis("public", text, found, question.next)
    for answer, where in _pairs(seen.answers, question):
        if diagnosis.serves(answer):
            return diagnosis.of_answer(seen, where, answer) or _platform(asked, where, answer, found)
    return None


def _platform(asked: Questions, where: Asked, answer: Manifest, found: Resolution) -> Diagnosis | None:
    offered, mine, there = answer.platforms, asked.platform, asked.node
    exactly = there.release.transfer_service and not there.registry.local_pull
    if not offered or any(platforms.takes(mine, each, there.release, exactly) for each in offered):
        return None
    known = sorted({each for each in offered if not each.startswith("unknown")})
    text = f"{requests.endpoint(where)} has it only for {', '.join(known) or 'no platform'}, not for {mine}."
    return diagnosis.diagnosis("platform", text, found, where)


def _without_name(answer: Manifest, found: Resolution, where: Asked) -> Manifest:
    """Return an answer without the image's own name in its words, so that equal answers are equal."""
    if not answer.message or not found.reference:
        return answer
    name = found.reference
    place = "/".join(filter(None, [_prefix(where), name.repository]))
    message = answer.message
    for text in (f"{place}:{name.object}", f"{place}@{name.object}", place, name.repository):
        message = message.replace(text, "…")
    return answer._replace(message=message)


def _prefix(where: Asked) -> str | None:
    """Return what stands before the repository in a registry, such as a project; None where nobody can push there."""
    path = where.path.strip("/")
    return path[2:].strip("/") if path == "v2" or path.startswith("v2/") else None


def _put(question: Question) -> dict[str, Any] | None:
    """Return the name under which the image has to be for the first endpoint to have it."""
    name = question.found.reference
    where = question.asked[0] if question.asked else None
    prefix = _prefix(where) if where else None
    if not name or not where or prefix is None:
        return None
    repository = "/".join(filter(None, [prefix, name.repository]))
    tag = name.tag or _tag(question.found.image)
    return {
        "registry": where.host,
        "repository": repository,
        "project": prefix.partition("/")[0] or None,
        "name": f"{where.host}/{repository}{f':{tag}' if tag else f'@{name.digest}'}",
        "source": str(name),
        "plain_http": where.scheme == "http" or where.http_after_tls,
        "verified": not where.skip_verify,
    }


def _tag(image: str) -> str | None:
    """Return the tag of a name with a digest too, of which containerd takes the digest alone."""
    before = image.partition("@")[0].rpartition("/")[2]
    return before.partition(":")[2] or None


class Named(Protocol):
    """What is known of a name before any query."""

    @property
    def certain(self) -> bool: ...

    @property
    def used_by(self) -> Sequence[str]: ...

    @property
    def image(self) -> str: ...


def judged(names: Sequence[Named], found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the result: candidates count where a registry has them, and are reported apart where not."""
    images, doubtful = [], []
    for name, each in zip(names, found, strict=True):
        has_it = each["state"] in outcome.GOOD or each["diagnosis"]["kind"] == "platform"
        if name.certain or has_it:
            images.append({**each, "certain": name.certain, "used_by": list(name.used_by)})
        else:
            doubtful.append({**each, "certain": False, "used_by": list(name.used_by)})
    bad = any(each["state"] not in outcome.GOOD for each in images)
    return {"failed": bad, "msg": sentence(images), "images": images, "doubtful": doubtful}


def sentence(images: Sequence[Mapping[str, Any]]) -> str:
    """Say in one line whether all will be pulled, and name the first that will not."""
    bad = [each for each in images if each["state"] not in outcome.GOOD]
    if not bad:
        return f"all {len(images)} images will be pulled from the intended registry"
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in bad:
        told = each["diagnosis"]
        reasons.setdefault((told["seen"], told["fix"]), []).append(each["image"])
    shown = [f"{_several(names)}: {seen} {fix}" for (seen, fix), names in reasons.items()]
    return f"{len(bad)} of {len(images)} images will not be pulled from the intended registry. " + " | ".join(shown)


def _several(names: list[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")
