# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a module that carries out one request of the control node."""

import traceback

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.airgap.containerd.plugins.module_utils._change import detached
from ansible_collections.airgap.containerd.plugins.module_utils._node import writable
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, wire

CHANGING = ("apply", "edit", "restart")
_NOT_IN_CHECK_MODE = CHANGING + ("pull",)


def answer(part, request, module):
    """Return ``{"value": what was asked for}``, or ``{"failure": why it was not done}``."""
    try:
        return {"value": messages.as_data(part(request, module))}
    except wire.Failure as exc:
        return {"failure": str(exc)}
    except (OSError, IOError) as exc:
        return {"failure": writable.explain(exc)}
    except Exception:
        return {"failure": traceback.format_exc().strip().splitlines()[-1]}


def main(part):
    """Run a module; ``part(do)`` returns the function for a kind of request, which takes it and the AnsibleModule."""
    module = AnsibleModule(
        argument_spec={"request": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    request = wire.decode(module.params["request"])
    do = request.pop("do")
    if module.check_mode and do in _NOT_IN_CHECK_MODE:
        module.fail_json(msg="in check mode only reading is allowed")
    work = (part(do), request, module)  # before it is detached: what is imported from goes when this process ends
    try:
        result = detached.call(answer, *work) if do in CHANGING else answer(*work)
    except detached.Killed:
        result = {"failure": "the process that changed this node was killed: the next run completes what it started"}
    if "failure" in result:
        module.fail_json(msg=result["failure"])
    try:
        reply = wire.encode(result["value"])
    except wire.WireError as exc:
        module.fail_json(msg="%s: this node has more data than fits into one reply" % exc)
    module.exit_json(changed=do in CHANGING, reply=reply)
