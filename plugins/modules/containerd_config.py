#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_config
short_description: Merge settings into containerd's config.toml
version_added: 1.0.0
description:
  - Changes single keys of C(config.toml). Comments, order, indentation and every byte that the change does not concern
    stay as they are.
  - The result is parsed again by a second parser and compared with what the merge means, and checked by containerd
    itself on the node, before it replaces the file. containerd is not restarted, see
    M(airgap.containerd.containerd_restart).
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.program
options:
  path:
    description:
      - Path of the file on the node. It is created if it does not exist, with the C(version) that fits the node's
        containerd.
      - By default the one that the unit names, or else V(/etc/containerd/config.toml).
    type: path
  merge:
    description:
      - Settings to merge, as nested mappings. Mappings merge with what is there, every other value replaces it.
      - Keys are TOML keys, a dot in a key is just a dot. Below C(plugins), V(cri_images) and V(cri_runtime) stand for
        the plugin that this containerd reads from a file of this version.
    type: dict
    default: {}
  remove:
    description: Key paths to remove, each a list of keys. A table that this leaves empty goes too.
    type: list
    elements: list
    default: []
  backup:
    description: Whether to keep a copy of the file as it was beside it.
    type: bool
    default: false
  version:
    description: The containerd release to write for, instead of the one that is installed.
    type: str
seealso:
  - module: airgap.containerd.containerd_restart
"""

EXAMPLES = r"""
- name: Use systemd's cgroups, on any containerd
  airgap.containerd.containerd_config:
    merge:
      plugins:
        cri_runtime:
          containerd:
            runtimes:
              runc:
                runtime_type: io.containerd.runc.v2
                options:
                  SystemdCgroup: true

- name: Remove the legacy mirrors, keep a copy of the file
  airgap.containerd.containerd_config:
    remove:
      - [plugins, cri_images, registry, mirrors]
    backup: true
"""

RETURN = r"""
path:
  description: Path of the file.
  type: str
  returned: success
changes:
  description: Changed keys, each with C(path) (list of keys) and its values C(before) and C(after), secrets masked.
  type: list
  elements: dict
  returned: success
config_version:
  description: The version of the file.
  type: int
  returned: success
backup_file:
  description: Path of the copy.
  type: str
  returned: changed and O(backup=true)
"""
