#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_restart
short_description: Restart containerd and verify that CRI answers
version_added: 1.0.0
description:
  - Restarts the service and waits until CRI itself answers, because the unit is active and C(ctr) works even if the CRI
    plugin was not loaded.
  - Refuses a restart that would kill the node's pods.
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
attributes:
  diff_mode:
    support: none
options:
  service:
    description: Name of the service that runs containerd.
    type: str
    default: containerd
  socket:
    description: Path of containerd's socket on the node.
    type: path
    default: /run/containerd/containerd.sock
  command:
    description:
      - Command that restarts containerd where systemd does not, as a list of words or a string that is split like in a
        shell. It is run without a shell.
    type: raw
  timeout:
    description: Seconds that the restart may take until CRI answers.
    type: int
    default: 60
  force:
    description:
      - Restart containerd even if the unit's C(KillMode) would terminate running pods, and without first testing the
        new configuration in a second containerd.
    type: bool
    default: false
  only_if_due:
    description:
      - Restart only if the running containerd may not use the current settings in its files, as after
        M(airgap.containerd.containerd_config) changed something, in this run or in an earlier one that was interrupted.
        The node is read once more for that.
    type: bool
    default: false
  restore:
    description: Files to restore, and to restart with, if CRI does not answer.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The file to restore.
        type: path
        required: true
      backup:
        description: The copy to restore it from, such as RV(airgap.containerd.containerd_config#module:backup_file).
        type: path
        required: true
seealso:
  - module: airgap.containerd.containerd_config
"""

EXAMPLES = r"""
- name: Change the configuration
  airgap.containerd.containerd_config:
    merge:
      oom_score: -999
    backup: true
  register: config

- name: Restart with it, go back to the old one if CRI does not come up
  airgap.containerd.containerd_restart:
    restore:
      - path: "{{ config.path }}"
        backup: "{{ config.backup_file | default(config.path) }}" # check mode makes no copy
  when: config is changed

- name: Restart only the nodes whose containerd does not know its files yet, one after the other
  airgap.containerd.containerd_restart:
    only_if_due: true
  throttle: 1
"""

RETURN = r"""
msg:
  description: What was done.
  type: str
  returned: success
seconds:
  description: Seconds from the restart until CRI answered.
  type: float
  returned: success, not in check mode
"""
