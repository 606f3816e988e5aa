# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of one image on one node, from what was pulled, predicted and asked; plain data without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Pulled, PullError
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import diagnosis, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.diagnosis import Seen

GOOD = ("pulled", "present", "served")
"""States of an image that comes from the intended registry; the others are `bypassed` and `failed`."""

NOT_SERVED = PullError("NOT_SERVED", "no endpoint serves the manifest to the node")


class Served(NamedTuple):
    """Where an image came from, and how that is known."""

    endpoint: str | None = None
    known_by: str | None = None  # "only_endpoint" or "manifest"


def needs_answers(pull: Pulled | None, seen: Seen) -> bool:
    """Whether the endpoints must be asked: where containerd pulled from the only one, nothing is open."""
    pulled = pull and not pull.present and not pull.error
    return not pulled or len(requests.asked(seen.found)) != 1


def outcome(pull: Pulled | None, seen: Seen) -> dict[str, Any]:
    """Return what `containerd_pull` shows for an image; without a `pull` (check mode) only its manifest was asked for.

    `seen.error` is set here: it is containerd's, or NOT_SERVED where nothing was pulled and nobody has the manifest.
    """
    served_by, remark = _served_by(pull, seen)
    if pull and pull.error:
        seen = seen._replace(error=pull.error)
    elif (pull is None or pull.present) and not served_by.endpoint:
        seen = seen._replace(error=NOT_SERVED)
    wrong = diagnosis.diagnose(seen)
    state = "served" if pull is None else "present" if pull.present else "pulled"
    if seen.error:
        state = "failed"
    elif wrong:
        state = "bypassed"
    found = seen.found
    notes = [*(note.text for note in found.notes), *([remark] if remark else [])]
    endpoints = list(_endpoints(seen))
    shown = {
        "image": found.image,
        "upstream": found.reference.host if found.reference else None,
        "state": state,
        **{key: getattr(pull, key, None) for key in ("digest", "bytes", "seconds", "removed", "kept")},
        "error": pull.error._asdict() if pull and pull.error else None,
        "served_by": served_by._asdict() if state in (*GOOD, "bypassed") else None,
        "diagnosis": wrong._asdict() if wrong else None,
        "mode": found.mode,
        "directory": found.directory,
        "why": found.error or found.why,
        "endpoints": endpoints,
        "log": list(found.log),
        "notes": notes,
    }
    masked: dict[str, Any] = _secrets.mask_data(shown)
    for each, endpoint in zip(masked["endpoints"], endpoints, strict=True):
        each["credentials"] = endpoint["credentials"]  # whether there are any; no secret gets as far as this
    return masked


def _served_by(pull: Pulled | None, seen: Seen) -> tuple[Served, str | None]:
    """Return where the image came from, and a remark where the registry has another image by now."""
    asked = requests.asked(seen.found)
    if pull and not pull.present and not seen.answers:
        return (Served(requests.endpoint(asked[0]), "only_endpoint") if len(asked) == 1 else Served()), None
    serving = [
        (requests.endpoint(each), answer)
        for each, answer in zip(asked, seen.answers, strict=False)
        if verdicts.serves(answer.status, answer.kind)
    ]
    for place, answer in serving:
        if not pull or not pull.digest or not answer.digest or answer.digest == pull.digest:
            return Served(place, "manifest"), None
    if serving:
        place, answer = serving[0]
        return Served(place, "manifest"), f"{place} now has a different image under this name ({answer.digest})"
    return Served(), None


def _endpoints(seen: Seen) -> Iterator[dict[str, Any]]:
    """Yield every endpoint in the order in which they are tried, with what it answered if it was queried."""
    answers = dict(zip(requests.asked(seen.found), seen.answers, strict=False))
    endpoints = plain.as_data(seen.found, seen.node.release)["endpoints"]
    for each, data in zip(seen.found.asked, endpoints, strict=True):
        request = next((f"{r.method} {r.url}" for r in seen.found.requests if r.asked == each), None)
        answer = answers.get(each)
        yield {**data, "request": request, "answer": answer._asdict() if answer else None}


def sentence(images: Sequence[Mapping[str, Any]]) -> str:
    """Say in one line what became of a node's images, what failed in full."""
    bad = [each for each in images if each["state"] not in GOOD]
    if not bad:
        counts = {state: sum(each["state"] == state for each in images) for state in GOOD}
        return ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    reasons = [f"{each['image']}: {each['diagnosis']['seen']} {each['diagnosis']['fix']}" for each in bad]
    return f"{len(bad)} of {len(images)} images do not come from the intended registry. " + " | ".join(reasons)
