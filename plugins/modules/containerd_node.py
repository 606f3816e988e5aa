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
    M(airgap.containerd.containerd_config), M(airgap.containerd.containerd_hosts),
    M(airgap.containerd.containerd_pull) and M(airgap.containerd.containerd_restart) that runs on the node. They send
    it what to do.
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.airgap.containerd.plugins.module_utils import (
    _observe,
    _probe,
    _pull,
    _service,
    _transaction,
    _wire,
)


def carry_out(request, check_mode):
    """Run ``request["do"]`` and return plain data."""
    if request["do"] == "observe":
        return _observe.observe(request)
    if request["do"] == "probe":
        return _probe.probe(request)
    if check_mode:
        raise _transaction.TransactionError("in check mode nothing but reading is allowed")
    if request["do"] == "pull":
        return _pull.pull(request)
    if request["do"] == "restart":
        return _transaction.restart(request)
    return _transaction.apply(request)


def main():
    module = AnsibleModule(
        argument_spec={"request": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    request = _wire.decode(module.params["request"])
    try:
        result = carry_out(request, module.check_mode)
    except (_transaction.TransactionError, _service.ServiceError) as exc:
        module.fail_json(msg=str(exc))
    except (OSError, IOError) as exc:
        module.fail_json(
            msg="%s: %s. Run as root: set become on the task or play" % (exc.filename, exc.strerror)
            if exc.errno in (1, 13)
            else "%s: %s" % (exc.filename, exc.strerror)
        )
    module.exit_json(changed=request["do"] in ("apply", "restart"), reply=_wire.encode(result))


if __name__ == "__main__":
    main()
