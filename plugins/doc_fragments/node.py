# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes that the modules share."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, with secrets masked.
    support: full
  async:
    description: Can be run in the background with the C(async) keyword.
    support: none
  platform:
    description: Target operating systems.
    support: full
    platforms: Linux
requirements:
  - jmespath >= 1.0 (on the control node)
  - tomlkit >= 0.15.1 (on the control node)
  - tomli >= 2.0.1 (on the control node, where its Python is older than 3.11)
author:
  - airgap.containerd contributors (@airgap)
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/airgap.containerd.containerd) in C(module_defaults) to set O(service) for all its modules.
    support: full
    membership:
      - airgap.containerd.containerd
"""

    PROGRAM = r"""
options:
  binary:
    description:
      - Path of the containerd program on the node.
      - By default the one that the unit starts, otherwise V(/usr/bin/containerd).
    type: path
  service:
    description: Name of the service that runs containerd.
    type: str
    default: containerd
"""

    PLACES = r"""
options:
  config_file:
    description:
      - Path of containerd's configuration file on the node.
      - By default the one that the service starts containerd with, according to its unit or the running process,
        otherwise V(/etc/containerd/config.toml).
    type: path
  hosts_dir:
    description:
      - Directory of the C(hosts.toml) files. One directory, because containerd 2.1 and later ignores a list of them.
      - By default the first one in the node's own C(config_path), otherwise V(/etc/containerd/certs.d).
    type: path
  socket:
    description:
      - Path of containerd's socket on the node.
      - By default the one in its command line or configuration, otherwise V(/run/containerd/containerd.sock).
    type: path
  distribution:
    description:
      - Which containerd is configured. V(k3s), V(rke2), V(k0s), V(microk8s) and V(k8s) (Canonical Kubernetes) include
        their own containerd, write its configuration and restart it themselves. Only C(hosts.toml) files are written
        there; for V(k0s) also a file that sets their directory, for which k0s restarts its containerd. V(none) is a
        containerd with a service of its own, and V(kind) is treated as one.
      - V(auto) detects it on the node if neither O(service) nor a path is set. A node with both is an error.
    type: str
    choices: [auto, none, k3s, rke2, k0s, microk8s, k8s, kind]
    default: auto
  docker:
    description:
      - Include Docker Engine, which reads C(hosts.toml) files in C(/etc/docker/certs.d) from release 28 on with the
        containerd image store.
      - By default it is used on nodes that have Docker but no Kubernetes, if O(service), O(distribution) and all paths
        have their defaults; then only Docker is used.
    type: bool
"""

    REQUEST = r"""
options:
  request:
    description:
      - What to do, as base64 of compressed JSON, so that secrets in it are not logged, and masking them does not damage
        the reply.
    type: str
    required: true
author:
  - airgap.containerd contributors (@airgap)
"""
