# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nearly every run imports: the process that runs are forks of imports it once, see forked.py."""

from __future__ import annotations

import importlib
import warnings

from ansible.plugins.loader import init_plugin_loader

# Collections are found as in a run, which would warn that this is done already.
init_plugin_loader()
warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")

for name in (
    "ansible.cli.playbook",
    "ansible.executor.playbook_executor",
    "ansible.executor.task_executor",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.ssh",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.shell.sh",
    "ansible.plugins.strategy.linear",
    "ansible_collections.airgap.containerd.plugins.action.containerd_registry",
    "ansible_collections.airgap.containerd.plugins.action.containerd_report",
):
    importlib.import_module(name)
