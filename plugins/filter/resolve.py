# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter

DOCUMENTATION = r"""
name: resolve
short_description: Show where containerd would pull an image from
version_added: 1.0.0
description:
  - Returns the ordered requests that a containerd of a given release makes for an image, given its files or the
    variables of the role P(airgap.containerd.containerd_registry#role). No node is contacted.
  - Each request is made if all before it with the same step have failed. Credentials and other secrets are not
    returned.
  - To query a node, use O(airgap.containerd.containerd_info#module:resolve).
positional: version
options:
  _input:
    description: The name of an image in any form that a pod may use, or a list of them.
    type: raw
    required: true
  version:
    description: The release of containerd, such as V(1.7.24), or of Docker Engine, such as V(Docker 28.5.2).
    type: str
    required: true
  config:
    description: The text of its C(config.toml). Files that it imports are not read.
    type: str
  hosts:
    description: The texts of the files below O(hosts_dir), keyed by C(DIRECTORY/hosts.toml).
    type: dict
    default: {}
  hosts_dir:
    description:
      - The directory that the files of O(hosts) are in, by default C(/etc/containerd/certs.d), and for Docker Engine
        C(/etc/docker/certs.d).
    type: path
  variables:
    description:
      - Variables of the role, with their prefix C(containerd_registry_); all others are ignored, so C(hostvars) of a
        host can be used. The files are then those that the role would write on a new node.
      - Excludes O(config) and O(hosts).
    type: dict
author:
  - airgap.containerd contributors (@airgap)
seealso:
  - module: airgap.containerd.containerd_info
  - module: airgap.containerd.containerd_report
"""

EXAMPLES = r"""
- name: Where would busybox come from on a new node
  ansible.builtin.debug:
    msg: "{{ 'busybox' | airgap.containerd.resolve('2.1.9', variables=hostvars[inventory_hostname]) }}"

- name: What does this file do
  ansible.builtin.debug:
    msg: "{{ 'quay.io/coreos/etcd:v3.5.9' | airgap.containerd.resolve('1.7.24', config=config, hosts=files) }}"
  vars:
    config: |
      version = 2
      [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
    files:
      quay.io/hosts.toml: |
        server = "http://registry.lan"
        [host."http://registry.lan"]
        capabilities = ["pull", "resolve"]
"""

RETURN = r"""
_value:
  description:
    - A dictionary for an image, a list of them for a list. C(reference) is the name in full, C(registry) its host
      namespace; C(mode) V(config_path), V(legacy), or V(defaults) if neither is configured.
    - C(candidates) are the directories that containerd looks for (C(path) and C(state), which is V(used), V(absent) or
      V(shadowed)), C(directory) the one that it uses, and C(why) the reason.
    - C(endpoints) are the registries in the order in which they are tried, with C(origin) (V(host), V(server),
      V(mirror), or V(upstream) for the registry in the image's name), C(url), C(capabilities), C(resolve) and C(pull)
      (used for which step), C(ns), C(tls), C(credentials), and C(skipped) with the reason if it is never tried.
    - C(requests) are C(step) (V(resolve), V(pull)), C(method), C(url), C(tls), C(credentials). In URLs of the second
      step, C(<digest>) stands for the digest that the first has found out.
    - C(last) is what containerd falls back to when all endpoints before have failed, C(upstream) whether the registry
      in the image's name is tried.
    - C(error) is why no registry is tried at all, C(log) the lines of containerd's log about files that it cannot read,
      with C(…) for words of its TOML library, C(notes) other remarks.
  type: raw
"""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"resolve": filter.resolve}
