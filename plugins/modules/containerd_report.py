#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_report
short_description: Show where the images of all nodes come from
version_added: 1.0.0
description:
  - Takes the results of M(airgap.containerd.containerd_pull) of many nodes, prints one table, and writes a page and a
    JSON file on the controller. Runs on the controller alone; C(run_once) is enough.
  - Fails if any node does not get an image from where it should, after everything is printed and written.
extends_documentation_fragment:
  - airgap.containerd.node
attributes:
  check_mode:
    description: Prints the table and writes no file.
  diff_mode:
    support: none
options:
  results:
    description: What M(airgap.containerd.containerd_pull) returned, keyed by node.
    type: dict
    required: true
  harbor:
    description: What M(airgap.containerd.containerd_harbor) returned, if Harbor was asked too.
    type: dict
  dest:
    description: Directory on the controller for C(verify.html) and C(verify.json). It is made if it is not there.
    type: path
    required: true
seealso:
  - module: airgap.containerd.containerd_pull
"""

EXAMPLES = r"""
- name: Pull an image on every node
  airgap.containerd.containerd_pull:
    images: [registry.k8s.io/pause:3.10]
  register: pulled
  failed_when: false
  ignore_unreachable: true

- name: Show where it came from
  airgap.containerd.containerd_report:
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'pulled'))) }}"
    dest: "{{ playbook_dir }}/report"
  run_once: true
"""

RETURN = r"""
msg:
  description: How many nodes are well.
  type: str
  returned: always
page:
  description: Path of the page on the controller. It needs no network and no other file.
  type: str
  returned: always
json:
  description: Path of the JSON file on the controller.
  type: str
  returned: always
"""
