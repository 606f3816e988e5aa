#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_node
short_description: Carry out one request of the other modules of this collection on a node
version_added: 1.0.0
description:
  - The half of M(airgap.containerd.containerd_registry), M(airgap.containerd.containerd_info),
    M(airgap.containerd.containerd_config), M(airgap.containerd.containerd_harbor),
    M(airgap.containerd.containerd_hosts), M(airgap.containerd.containerd_pull) and
    M(airgap.containerd.containerd_restart) that runs on the node. They send it what to do.
  - Playbooks use those modules, never this one. What it takes and returns may change with any release.
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
options:
  request:
    description:
      - What to do, as base64 of compressed JSON, so that secrets in it are neither logged nor mangle the reply when
        they are masked.
    type: str
    required: true
author:
  - airgap.containerd contributors (@airgap)
seealso:
  - module: airgap.containerd.containerd_registry
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

import traceback

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.airgap.containerd.plugins.module_utils._change import detached
from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire


def part(do):
    """Return the function that carries out this kind of request.

    Only what it needs is imported: the node compiles all that is, each time anew.
    """
    if do == "observe":
        from ansible_collections.airgap.containerd.plugins.module_utils._node import observe

        return observe.observe
    if do in ("look", "edit"):
        from ansible_collections.airgap.containerd.plugins.module_utils._change import edit

        return edit.look if do == "look" else edit.edit
    if do == "probe":
        from ansible_collections.airgap.containerd.plugins.module_utils._registry import probe

        return probe.probe
    if do == "harbor":
        from ansible_collections.airgap.containerd.plugins.module_utils._registry import harbor

        return harbor.look
    if do == "pull":
        from ansible_collections.airgap.containerd.plugins.module_utils._cri import pull

        return pull.pull
    from ansible_collections.airgap.containerd.plugins.module_utils._change import transaction

    return transaction.restart if do == "restart" else transaction.apply


def answer(carry_out, arguments):
    """Return ``{"value": what was asked for}``, or ``{"failure": why it was not done}``."""
    try:
        return {"value": carry_out(*arguments)}
    except wire.Failure as exc:
        return {"failure": str(exc)}
    except (OSError, IOError) as exc:
        hint = ". Run as root: set become on the task or play" if exc.errno in (1, 13) else ""
        return {"failure": "%s: %s%s" % (exc.filename or "the node", exc.strerror, hint)}
    except Exception:
        return {"failure": traceback.format_exc().strip().splitlines()[-1]}


def main():
    module = AnsibleModule(
        argument_spec={"request": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    request = wire.decode(module.params["request"])
    changes = request["do"] in ("apply", "edit", "restart")
    if module.check_mode and request["do"] not in ("harbor", "look", "observe", "probe"):
        module.fail_json(msg="in check mode nothing but reading is allowed")
    carry_out = part(request["do"])  # before anything is detached: what is imported from goes when this process ends
    arguments = (request, module) if request["do"] in ("look", "edit") else (request,)
    try:
        result = detached.call(answer, carry_out, arguments) if changes else answer(carry_out, arguments)
    except detached.Killed:
        result = {"failure": "the process that changed this node was killed: the next run completes what it began"}
    if "failure" in result:
        module.fail_json(msg=result["failure"])
    module.exit_json(changed=changes, reply=wire.encode(result["value"]))


if __name__ == "__main__":
    main()
