#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_node
short_description: Read a node for the other modules of this collection
version_added: 1.0.0
description:
  - What M(airgap.containerd.containerd_registry), M(airgap.containerd.containerd_info),
    M(airgap.containerd.containerd_hosts) and others run on the node to read its state. It changes nothing.
    M(airgap.containerd.containerd_node_change) has what changes a node; this module is sent to the node in every run of
    the role, so it does not include that.
  - Playbooks use those modules, never this one. Its options and return values may change with any release.
extends_documentation_fragment:
  - airgap.containerd.node.request
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed.
    support: none
  platform:
    description: Target operating systems.
    support: full
    platforms: Linux
seealso:
  - module: airgap.containerd.containerd_node_change
"""

EXAMPLES = r"""
- name: Read what a node runs (the modules of this collection call containerd_node themselves)
  airgap.containerd.containerd_info:
  register: node
"""

RETURN = r"""
reply:
  description: The result, as base64 of compressed JSON.
  type: str
  returned: success
"""

from ansible_collections.airgap.containerd.plugins.module_utils._change import carry_out
from ansible_collections.airgap.containerd.plugins.module_utils._node import observe


def part(do):
    """Return the function that carries out this kind of request (see carry_out.main); there is one, `observe`."""
    return {"observe": lambda request, module: observe.observe(request)}[do]


if __name__ == "__main__":
    carry_out.main(part)
