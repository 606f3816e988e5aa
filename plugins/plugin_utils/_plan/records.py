# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of earlier runs, which a node keeps."""

from __future__ import annotations

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import FORMAT, NOTHING, Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Unreadable, place


def of_role(observed: Observation) -> Record:
    """Return the node's record for a run of the role; raises Refusal where it is that of another configuration."""
    record = read(observed)
    other = record.config_file
    if other and not observed.engine and place(other) not in (observed.config.path, observed.config.real_path):
        raise Refusal(
            f"on this node the role has already configured the containerd that reads {other}, and it keeps one record "
            f"per node: changing {observed.config.path} would remove what it wrote there. Remove that first, with "
            f"state=absent and config_file={other}. Nothing was changed"
        )
    return record


def read(observed: Observation) -> Record:
    """Return the node's record of earlier runs, an empty one where there is none; raises Refusal."""
    record = observed.record or NOTHING
    if isinstance(record, Record) and record.format == FORMAT:
        return record
    if observed.open_damaged:
        path = places.state_file("open")
        raise Refusal(
            f"the state of an unfinished run on this node ({path}) is damaged, so it is unknown what that run left: "
            f"check config.toml and certs.d, then remove {path} and run again"
        )
    reason = record.reason if isinstance(record, Unreadable) else f"its format is {record.format}"
    raise Refusal(
        f"the record of earlier runs on this node ({places.state_file(places.RECORD)}) is damaged or was written by "
        f"another release of this collection ({reason}): check it, then remove it to start over"
    )
