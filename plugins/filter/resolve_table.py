# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import table

DOCUMENTATION = r"""
name: resolve_table
short_description: Show where images come from on many nodes, each distinct answer once
version_added: 1.0.0
description:
  - Makes tables for people of what P(airgap.containerd.resolve#filter) and M(airgap.containerd.containerd_info) answer.
    Nodes with the same answer share a table.
options:
  _input:
    description:
      - Results of M(airgap.containerd.containerd_info) with O(airgap.containerd.containerd_info#module:resolve), or
        lists of answers of P(airgap.containerd.resolve#filter), keyed by host.
    type: dict
    required: true
author:
  - airgap.containerd contributors (@airgap)
seealso:
  - plugin: airgap.containerd.resolve
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show where busybox would come from, before and after an upgrade
  ansible.builtin.debug:
    msg: "{{ {'old': ['busybox'] | airgap.containerd.resolve('1.6.20', variables=hostvars[inventory_hostname]),
              'new': ['busybox'] | airgap.containerd.resolve('2.1.9', variables=hostvars[inventory_hostname])}
             | airgap.containerd.resolve_table }}"
"""

RETURN = r"""
_value:
  description: Lines of text.
  type: list
  elements: str
"""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"resolve_table": table.tables}
