#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_report
short_description: Show the results of many nodes, each distinct result once
version_added: 1.0.0
description:
  - Prints what other modules returned for many nodes, nodes with the same result together, so that a fleet of hundreds
    fits on one screen. Runs only on the control node; C(run_once) is enough.
  - With O(pulls) and O(images) it also writes files on the control node, an HTML report and a JSON file unless
    O(formats) says otherwise, and then fails if any node does not pull an image from the intended registry. With
    O(plans) and O(outcomes) it writes the files that O(formats) lists.
extends_documentation_fragment:
  - airgap.containerd.node
attributes:
  check_mode:
    description: Prints the same and writes no files, except with O(plans), where the files are about the check itself.
  diff_mode:
    support: none
options:
  plans:
    description:
      - What M(airgap.containerd.containerd_registry) returned with
        O(airgap.containerd.containerd_registry#module:fleet=plan), keyed by node. Each distinct plan, each reason why a
        node cannot be changed or was not reached, and each warning is shown once, with all its nodes.
      - One of O(plans), O(outcomes), O(resolutions), O(pulls), O(images) and O(rendered) is needed, and only one can be
        given.
    type: dict
  named:
    description:
      - Whether the nodes of O(plans) were named explicitly. If not, as in a play over all hosts of an inventory, hosts
        that run Docker but no Kubernetes are not changed.
    type: bool
    default: true
  proceed:
    description: Change the other nodes even if there are nodes in O(plans) that cannot be changed.
    type: bool
    default: false
  outcomes:
    description:
      - What M(airgap.containerd.containerd_registry) returned with
        O(airgap.containerd.containerd_registry#module:fleet=change) so far, keyed by node. Nothing is shown as long as
        there are nodes to change and none has failed. Needs O(fleet).
    type: dict
  planned:
    description: What was given as O(plans), for the files about all nodes. Used with O(outcomes).
    type: dict
  fleet:
    description: RV(fleet) of O(plans), or of the previous step. Used with O(outcomes).
    type: dict
  resolutions:
    description:
      - What M(airgap.containerd.containerd_info) returned with O(airgap.containerd.containerd_info#module:resolve), or
        what P(airgap.containerd.resolve#filter) did, keyed by node. Nodes that gave no answer are shown last.
    type: dict
  pulls:
    description: What M(airgap.containerd.containerd_pull) returned, keyed by node. Needs O(dest).
    type: dict
  images:
    description:
      - What M(airgap.containerd.containerd_images) returned, keyed by node. Missing images are shown first, with the
        name that each must have. Needs O(dest).
    type: dict
  rendered:
    description: What M(airgap.containerd.containerd_render) returned, keyed by node.
    type: dict
  harbor:
    description: What M(airgap.containerd.containerd_harbor) returned, if Harbor was checked too. Used with O(pulls).
    type: dict
  dest:
    description:
      - Directory on the control node for the files, which are called C(verify) for O(pulls), C(images) for O(images),
        and C(site) for O(plans) and O(outcomes), with the ending of their format. With O(images) there is also
        C(images.sh). The directory is created if it does not exist. Used with all of these.
    type: path
  mode:
    description:
      - Mode of these files, as in M(ansible.builtin.copy). They contain no secrets. Files with metrics always have mode
        C(0644).
    type: raw
    default: "0644"
  formats:
    description:
      - What to write, C(html) and C(json) by default with O(pulls) and O(images), and nothing with O(plans).
      - C(html) is the HTML report, which needs no other file, C(json) has everything and follows
        C(docs/report.schema.json), C(junit) has a suite for each node and a case for each upstream on it, C(markdown)
        is for a merge request or the summary of a job, and C(prometheus) has metrics for the textfile collector of
        node_exporter.
    type: list
    elements: str
    choices: [html, json, junit, markdown, prometheus]
  metrics_dest:
    description:
      - Directory on the control node for C(airgap_containerd_verify.prom), C(airgap_containerd_images.prom) or
        C(airgap_containerd_site.prom), which is given to node_exporter with C(--collector.textfile.directory). By
        default the metrics are in O(dest), as C(verify.prom) and the like.
    type: path
  metrics_by_node:
    description: Return RV(metrics). O(metrics_dest) is not used then.
    type: bool
    default: false
  started:
    description: When the run began, in seconds since the epoch; used for the duration in the files.
    type: float
  fail_on_drift:
    description:
      - Let RV(fleet) include nodes that a run would change among those that are not configured as the variables say.
        Only in check mode, with O(plans).
    type: bool
    default: false
seealso:
  - module: airgap.containerd.containerd_registry
  - module: airgap.containerd.containerd_info
  - module: airgap.containerd.containerd_pull
  - module: airgap.containerd.containerd_render
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
    pulls: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'pulled'))) }}"
    dest: "{{ playbook_dir }}/report"
  run_once: true

- name: Show where busybox would come from, before and after an upgrade
  airgap.containerd.containerd_report:
    resolutions:
      old: "{{ 'busybox' | airgap.containerd.resolve('1.6.20', variables=hostvars[inventory_hostname]) }}"
      new: "{{ 'busybox' | airgap.containerd.resolve('2.1.9', variables=hostvars[inventory_hostname]) }}"
  run_once: true
"""

RETURN = r"""
lines:
  description: What was printed.
  type: list
  elements: str
  returned: success
fleet:
  description:
    - What will be done with the nodes. C(steps) are the nodes to change, in three lists, one, a tenth, and the rest;
      they are empty in check mode, if a node stops the change, and when it is over. C(problems) has for each node why
      it is not configured as the variables say, and C(failing) the same for a playbook that fails then, many nodes in
      one.
  type: dict
  returned: with O(plans) and O(outcomes)
over:
  description: Whether no more nodes will be changed, because all were or one failed.
  type: bool
  returned: with O(outcomes)
msg:
  description: How many nodes are healthy.
  type: str
  returned: with O(pulls) and O(images)
ok:
  description: Whether all of them are.
  type: bool
  returned: with O(pulls) and O(images)
page:
  description: Path of the HTML report on the control node. It needs no network and no other file.
  type: str
  returned: with C(html) in O(formats)
json:
  description: Path of the JSON file on the control node.
  type: str
  returned: with C(json) in O(formats)
junit:
  description: Path of the file with JUnit XML on the control node.
  type: str
  returned: with C(junit) in O(formats)
markdown:
  description: Path of the file with Markdown on the control node.
  type: str
  returned: with C(markdown) in O(formats)
prometheus:
  description: Path of the file with metrics on the control node.
  type: str
  returned: with C(prometheus) in O(formats)
metrics:
  description: The metrics of each node, by node.
  type: dict
  returned: with O(metrics_by_node)
copy:
  description: Path of a script on the control node that copies the missing images with skopeo.
  type: str
  returned: with O(images)
"""
