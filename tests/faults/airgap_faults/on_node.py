# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the node instead of AnsiballZ: the code of the nodes, with a request on stdin and its reply on stdout."""

import importlib
import json
import sys
import types

sys.path.insert(0, sys.argv[1])
for name in ("ansible", "ansible.module_utils", "ansible.module_utils.basic"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["ansible.module_utils.basic"].AnsibleModule = None

from ansible_collections.airgap.containerd.plugins.module_utils._change import carry_out, detached  # noqa: E402 - as above

request = json.load(sys.stdin)
module = importlib.import_module("ansible_collections.airgap.containerd.plugins.modules." + request.pop("module"))
do = request.pop("do")
work = (module.part(do), request, None)
try:
    result = detached.call(carry_out.answer, *work) if do in carry_out.CHANGING else carry_out.answer(*work)
except detached.Killed:
    result = {"failure": "killed"}
json.dump(result, sys.stdout)
