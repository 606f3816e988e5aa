# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of earlier runs, which a node keeps."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import FORMAT, NOTHING, Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Unreadable


def read(observed: Observation) -> Record:
    """Return the node's record of earlier runs, an empty one where there is none; raises Refusal."""
    record = observed.record or NOTHING
    if isinstance(record, Record) and record.format == FORMAT:
        return record
    reason = record.reason if isinstance(record, Unreadable) else f"its format is {record.format}"
    raise Refusal(
        f"the record of earlier runs on this node ({places.state_file(places.RECORD)}) is damaged or of another "
        f"release of this collection ({reason}): look into it, then remove it to start anew"
    )
