# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolutions as data. No secret gets this far: of credentials, only whether there are any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.namespaces import upstream_host
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Asked, Node, Resolution, resolve

_CREDENTIALS = {None: "no", "header": "yes", "login": "yes, after a 401"}


def answers(images: Iterable[Any], node: Node) -> list[dict[str, Any]]:
    """Return where each image comes from on a node, as plain data."""
    return [as_data(resolve(image, node), node.release) for image in images]


def as_data(answer: Resolution, rel: Release) -> dict[str, Any]:
    """Return one answer as plain data (see the documentation of the filter `resolve`)."""
    reference = answer.reference
    return {
        "image": answer.image,
        "version": rel.name,
        "reference": str(reference) if reference else None,
        "registry": reference.host if reference else None,
        "repository": reference.repository if reference else None,
        "tag": reference.tag if reference else None,
        "digest": reference.digest if reference else None,
        "mode": answer.mode,
        "directory": answer.directory,
        "candidates": [{"path": each.path, "state": each.state} for each in answer.candidates],
        "why": answer.why,
        "endpoints": [_endpoint(each) for each in answer.asked],
        "requests": [
            {
                "step": each.step,
                "method": each.method,
                "url": each.url,
                "tls": _tls(each.asked),
                "credentials": _CREDENTIALS[each.asked.credentials],
            }
            for each in answer.requests
        ],
        "last": _last(answer),
        "upstream": any(_is_upstream(each) for each in answer.asked),
        "error": answer.error,
        "log": list(answer.log),
        "notes": [each.text for each in answer.notes],
    }


def _endpoint(asked: Asked) -> dict[str, Any]:
    return {
        "origin": asked.origin,
        "url": f"{asked.scheme}://{asked.host}{asked.path}",
        "capabilities": list(asked.capabilities),
        "resolve": asked.resolve,
        "pull": asked.pull,
        "ns": asked.ns,
        "tls": _tls(asked),
        "credentials": _CREDENTIALS[asked.credentials],
        "skipped": asked.skipped,
    }


def _is_upstream(asked: Asked) -> bool:
    return asked.origin == "upstream" and not asked.skipped


def _tls(asked: Asked) -> str:
    if asked.scheme != "https":
        return "no"
    words = ["not verified" if asked.skip_verify else "own CA" if asked.ca else "yes"]
    if asked.client:
        words.append("client certificate")
    if asked.http_after_tls:
        words.append("plain HTTP if that fails")
    return ", ".join(words)


def _last(answer: Resolution) -> str:
    """Say what happens when everything before has failed."""
    if answer.error:
        return "none"
    if answer.reference and any(_is_upstream(each) for each in answer.asked):
        return f"the registry itself, {upstream_host(answer.reference.host)}"
    return "none"
