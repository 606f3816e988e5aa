# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to say of where an image comes from: people read the text, the diagnosis the kind."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["config_path_list", "config_path_unknown", "wrong_table", "discarded", "shadowed", "other"]
"""Of a note: settings that containerd does not read, and why; `other` for what is not a reason for a failure."""


class Note(NamedTuple):
    """A sentence without a full stop at its end."""

    text: str
    kind: Kind = "other"
