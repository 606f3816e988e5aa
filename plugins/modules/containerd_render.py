#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_render
short_description: Write the files for nodes that do not exist yet, for images, cloud-init and Cluster API
version_added: 1.0.0
description:
  - Writes what the role P(airgap.containerd.containerd_registry#role) would write with its variables on a new node with
    the release in C(containerd_registry_version) into a folder on the control node. No node and no registry is
    contacted.
  - The files themselves are below C(root/) in that folder, to copy into an image.
  - C(cloud-init.yml) and C(cloud-init-secrets.yml) are user data with C(write_files). Both are needed; only the second
    contains the files with credentials.
  - C(cluster-api.yml) is what belongs below C(spec) of a KubeadmConfig; the files with credentials come from the
    Kubernetes Secret in C(cluster-api-secret.yml).
  - Files with credentials have mode 0600. The first run of the role on a node with these files changes none of them.
extends_documentation_fragment:
  - airgap.containerd.node
attributes:
  check_mode:
    description: Reports whether anything would differ, and writes nothing.
  diff_mode:
    support: none
options:
  dest:
    description:
      - Folder on the control node. It is created if it does not exist. Below C(root/), files that an earlier run wrote
        into the directory of the C(hosts.toml) files and that are no longer needed are removed.
    type: path
    required: true
  config:
    description:
      - File on the control node that is the C(config.toml) of the image, into which the settings are merged. Looked for
        as M(ansible.builtin.copy) does.
      - Without it, C(config.toml) is rendered from scratch, if this release needs one at all, and replaces that of the
        image.
    type: path
  from_variables:
    description: Prefix of the variables.
    type: str
    default: containerd_registry_
seealso:
  - module: airgap.containerd.containerd_registry
"""

EXAMPLES = r"""
- name: Write the files of new nodes
  airgap.containerd.containerd_render:
    dest: "{{ playbook_dir }}/rendered/{{ inventory_hostname }}"
  vars:
    containerd_registry_url: http://registry.lan
    containerd_registry_version: 2.1.9
"""

RETURN = r"""
dest:
  description: The folder on the control node.
  type: str
  returned: success
files:
  description: Paths of the files, as they are on a node.
  type: list
  elements: str
  returned: success
secret_files:
  description: Those that contain credentials.
  type: list
  elements: str
  returned: success
mode:
  description: V(config_path) or V(legacy).
  type: str
  returned: success
version:
  description: The release that they are for.
  type: str
  returned: success
msg:
  description: What was written, in one line.
  type: str
  returned: always
"""
