#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_hosts
short_description: Manage containerd's hosts.toml files
version_added: 1.0.0
description:
  - Writes one C(hosts.toml) for each host namespace, all in one execution. containerd reads them on every pull, no
    restart is needed.
  - Anything that containerd would silently ignore, and then go to the internet, is an error before anything is written.
  - The files are readable only by root.
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
  - airgap.containerd.node.program
  - airgap.containerd.node.places
options:
  namespaces:
    description:
      - Mapping of host namespaces, such as V(docker.io), V(registry.example.org:5000), or V(*) for all others. Each has
        C(hosts), a list of endpoints to try in this order, and C(server), the endpoint to try last. Without C(server)
        the registry itself is tried last.
      - An endpoint has C(url) and optionally C(capabilities), C(override_path), C(ca), C(client), C(skip_verify),
        C(dial_timeout) and C(header), as in C(hosts.toml). C(client) is a list; each of its entries is the path of a
        file on the node with certificate and key, or a list of two, the certificate's and the key's.
    type: dict
    required: true
  prune:
    description:
      - Remove files in this O(hosts_dir) that this module wrote earlier and that are no longer listed.
    type: bool
    default: true
seealso:
  - module: airgap.containerd.containerd_registry
"""

EXAMPLES = r"""
- name: Images of quay.io come from the internal registry, and from nowhere else
  airgap.containerd.containerd_hosts:
    namespaces:
      quay.io:
        server:
          url: http://registry.lan:5000
          capabilities: [pull, resolve]
"""

RETURN = r"""
written:
  description: Files that were written.
  type: list
  elements: str
  returned: success
removed:
  description: Files that were removed.
  type: list
  elements: str
  returned: success
"""
