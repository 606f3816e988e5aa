# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of earlier runs, which a node keeps."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import ShapeError

FORMAT = 1

TEXT = (str, None)
WRITTEN = {str: {"sha256": str, "original": TEXT, str: object}}
RECORD = {
    "format": int,
    "files": WRITTEN,
    "hosts?": WRITTEN,
    "config?": (
        {
            "sha256": str,
            "original": TEXT,
            "exact": bool,
            "undo?": {"ours": {str: object}, "merge": {str: object}, "remove": [[str]]},
            str: object,
        },
        {},
        None,
    ),
    "endpoints?": {str: {"url": str, "digest": str, "auth": TEXT, "error": TEXT}},
    "carried?": {str: str},
    "carried_legacy?": {"mirrors": {str: [str]}, "configs": {str: {str: {str: object}}}},
    "proven?": {str: object},
    str: object,
}
"""The record of earlier runs, which a node keeps."""


def read(observed: Observation) -> dict[str, Any]:
    """Return the node's record of earlier runs, an empty one where there is none; raises Refusal."""
    record = dict(observed.record or {"format": FORMAT, "files": {}})
    try:
        _shape.checked(record, RECORD, "")
        if record["format"] == FORMAT:
            return record
        reason = f"its format is {record['format']}"
    except ShapeError as exc:
        reason = str(exc)
    raise Refusal(
        f"the record of earlier runs on this node ({places.state_file(places.RECORD)}) is damaged or of another "
        f"release of this collection ({reason}): look into it, then remove it to start anew"
    )
