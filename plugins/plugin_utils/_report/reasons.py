# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of many nodes: those that differ in nothing but what is each node's own are one reason."""

from __future__ import annotations

import re
from collections.abc import Mapping

_OWN = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=connect to host )\S+(?= port)",
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?",
        r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])",
        r"(?<![\w:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){1,6}:[0-9a-fA-F]{1,4}(?!\w)",
        r"\b\d+(?:\.\d+)?(?= s\b)",
        r"(?<=\bpid )\d+|(?<=\bprocess )\d+",
    )
)
"""What differs from node to node though the reason is the same: ssh names the address, containerd the time."""


def plain(node: str, text: str) -> str:
    """Return a message without what is this node's own."""
    text = re.sub(rf"(?<![\w.-]){re.escape(node)}(?![\w-])", "…", text)
    for pattern in _OWN:
        text = pattern.sub("…", text)
    return text


def grouped(texts: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return each reason of `{node: message}` once, with its nodes; a message that they share is left as it is."""
    groups: dict[str, dict[str, str]] = {}
    for node, text in texts.items():
        groups.setdefault(plain(node, text), {})[node] = text
    return [
        (common if len(set(own.values())) > 1 else next(iter(own.values())), list(own))
        for common, own in groups.items()
    ]
