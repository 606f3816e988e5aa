#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_node_change
short_description: Change a node for the other modules of this collection
version_added: 1.0.0
description:
  - What M(airgap.containerd.containerd_registry), M(airgap.containerd.containerd_hosts),
    M(airgap.containerd.containerd_config) and M(airgap.containerd.containerd_restart) run on the node to change it, as
    one transaction that either completes or is rolled back.
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
  - module: airgap.containerd.containerd_registry
"""

EXAMPLES = r"""
- name: Restart containerd (the modules of this collection call containerd_node_change themselves)
  airgap.containerd.containerd_restart:
"""

RETURN = r"""
reply:
  description: The result, as base64 of compressed JSON.
  type: str
  returned: success
"""

from ansible_collections.airgap.containerd.plugins.module_utils._change import carry_out
from ansible_collections.airgap.containerd.plugins.module_utils._shared import edits, messages


def part(do):
    """Return the function that carries out this kind of request (see carry_out.main).

    Only what it needs is imported: the node compiles all of it in each run.
    """
    if do in ("apply", "rehearse", "restart"):
        from ansible_collections.airgap.containerd.plugins.module_utils._change import transaction

        return {
            "apply": lambda request, module: transaction.apply(messages.apply(request)),
            "rehearse": lambda request, module: transaction.rehearse(messages.apply(request["plan"])),
            "restart": lambda request, module: transaction.restart(
                messages.restart(request["restart"]), request["restore"]
            ),
        }[do]
    from ansible_collections.airgap.containerd.plugins.module_utils._change import edit

    return {
        "look": edit.look,
        "prove": lambda request, module: edit.prove_alone(edits.Proof(**request)),
        "edit": lambda request, module: edit.edit(edits.edit(request), module),
    }[do]


if __name__ == "__main__":
    carry_out.main(part)
