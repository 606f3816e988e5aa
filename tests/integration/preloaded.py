# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nearly every run imports: the process that runs are forks of imports it once, see forked.py."""

from __future__ import annotations

import importlib
import warnings

from ansible.plugins import loader

# Collections are found as in a run, which would warn that this is done already.
loader.init_plugin_loader()
warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")

for name in (
    "ansible.cli.playbook",
    "ansible.executor.playbook_executor",
    "ansible.executor.task_executor",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
    "ansible_collections.airgap.containerd.plugins.action.containerd_registry",
    "ansible_collections.airgap.containerd.plugins.action.containerd_report",
):
    importlib.import_module(name)

# What every run looks through, however little of it is used.
for kind in ("become", "cache", "callback", "connection", "filter", "inventory", "shell", "test"):
    list(getattr(loader, f"{kind}_loader").all(class_only=True))
