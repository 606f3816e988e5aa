# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import fleet

DOCUMENTATION = r"""
name: plans
short_description: Show the results of containerd_registry for many nodes, each distinct one once
version_added: 1.0.0
description:
  - Sums up the results of M(airgap.containerd.containerd_registry) on many nodes. Nodes with the
    same result share an entry, so that a fleet of hundreds fits on a screen.
  - Those that change come first, those that failed or were not reached last.
options:
  _input:
    description: Results, keyed by host.
    type: dict
    required: true
author:
  - airgap.containerd contributors (@airgap)
seealso:
  - module: airgap.containerd.containerd_registry
"""

EXAMPLES = r"""
- name: Show what would change on all nodes
  ansible.builtin.debug:
    msg: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all
             | map('extract', hostvars, 'containerd_registry_result'))) | airgap.containerd.plans }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - One entry for each distinct result, with C(nodes), that have it, and C(plan), a list of lines for people.
  type: list
  elements: dict
"""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"plans": fleet.plans}
