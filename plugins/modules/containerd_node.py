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

from ansible_collections.airgap.containerd.plugins.module_utils import (
    _detached,
    _edit,
    _harbor,
    _observe,
    _probe,
    _pull,
    _service,
    _transaction,
    _wire,
)


def carry_out(request, module):
    """Return what was asked for in ``request["do"]``, plain data."""
    if request["do"] == "look":
        return _edit.look(request, module)
    if request["do"] == "edit":
        return _edit.edit(request, module)
    if request["do"] == "observe":
        return _observe.observe(request)
    if request["do"] == "probe":
        return _probe.probe(request)
    if request["do"] == "harbor":
        return _harbor.look(request)
    if request["do"] == "pull":
        return _pull.pull(request)
    if request["do"] == "restart":
        return _transaction.restart(request)
    return _transaction.apply(request)


def answer(request, module):
    """Return ``{"value": what was asked for}``, or ``{"failure": why it was not done}``."""
    try:
        return {"value": carry_out(request, module)}
    except (_transaction.TransactionError, _service.ServiceError) as exc:
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
    request = _wire.decode(module.params["request"])
    changes = request["do"] in ("apply", "edit", "restart")
    if module.check_mode and request["do"] not in ("harbor", "look", "observe", "probe"):
        module.fail_json(msg="in check mode nothing but reading is allowed")
    try:
        result = _detached.call(lambda each: answer(each, module), request) if changes else answer(request, module)
    except _detached.Killed:
        result = {"failure": "the process that changed this node was killed: the next run completes what it began"}
    if "failure" in result:
        module.fail_json(msg=result["failure"])
    module.exit_json(changed=changes, reply=_wire.encode(result["value"]))


if __name__ == "__main__":
    main()
