#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_info
short_description: Read what a node's containerd runs
version_added: 1.0.0
description:
  - Reads the release, the configuration files, the registry settings that are in effect after all imports and
    migrations, the C(hosts.toml) files, and whether CRI is loaded, in one execution. Changes nothing.
  - A Docker Engine beside that containerd is read as well, whoever has configured it, see RV(docker). O(docker=false)
    leaves it out.
  - Secrets are masked.
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
  - airgap.containerd.node.program
  - airgap.containerd.node.places
attributes:
  diff_mode:
    support: none
options:
  query:
    description: A JMESPath expression that selects from RV(containerd) into RV(query_result).
    type: str
  resolve:
    description:
      - Names of images, in any form that a pod may use. RV(resolved) shows where each would come from on this node,
        and RV(docker.resolved) where Docker would pull it from.
    type: list
    elements: str
seealso:
  - plugin: airgap.containerd.resolve
    plugin_type: filter
  - module: airgap.containerd.containerd_registry
"""

EXAMPLES = r"""
- name: Read what the node runs
  airgap.containerd.containerd_info:
  register: node

- name: Which directory do the hosts.toml files come from
  airgap.containerd.containerd_info:
    query: registry.config_path
  register: config_path

- name: Where would these images come from
  airgap.containerd.containerd_info:
    resolve:
      - busybox
      - quay.io/coreos/etcd:v3.5.9
  register: node
"""

RETURN = r"""
containerd:
  description: What the node runs.
  type: dict
  returned: success
  contains:
    version:
      description: Release of the installed containerd; null if it is not installed.
      type: str
      returned: success
    support:
      description:
        - How long the release is supported; null if containerd is not installed or older than 1.4.
        - C(end_of_life) is the day on which the support of containerd's project for this line of releases ends (null if
          it has named none), C(security_update) the release that fixes vulnerabilities of this one (null if none is
          known), and C(package) whether it is a distribution's package. Its maintainers fix vulnerabilities without a
          new release number, and define their own support period.
      type: dict
      returned: success
    binary:
      description: Path of the containerd program.
      type: str
      returned: success
    distribution:
      description:
        - The Kubernetes distribution that this containerd belongs to, such as V(k3s) or V(kind), or V(docker) for
          Docker Engine; null for none.
      type: str
      returned: success
    service:
      description: Whether systemd has the unit (C(found)), whether it is C(active), and its C(kill_mode).
      type: dict
      returned: success
    running:
      description: Whether a process listens on the socket.
      type: bool
      returned: success
    socket:
      description: Path of the socket.
      type: str
      returned: success
    cri:
      description: Whether CRI is C(loaded), and the C(reason) if it is not.
      type: dict
      returned: success
    restart_due:
      description:
        - Why the running containerd may not use the configuration on disk, no matter who changed it, as one sentence;
          null if it does. The settings in the configuration and its imports count, not comments, and not when a file
          was touched.
        - For a containerd that the role has not started itself, the times of the files are compared.
      type: str
      returned: success
    config_file:
      description: Path of the configuration file.
      type: str
      returned: success
    files:
      description:
        - The configuration file and those it imports, each with C(path), its C(origin) (V(main) or V(import)) and
          C(data), secrets masked.
      type: list
      elements: dict
      returned: success
    registry:
      description:
        - The registry settings in effect, as containerd itself reports them (C(config_path), C(mirrors), C(configs)),
          its error message if it does not accept the configuration (C(error)), and the files that contain them
          (C(set_by)).
        - C(settings) has for each value in effect the C(file) that sets it, with C(path), the keys that lead to it in
          containerd's own output, and C(value), masked if it is secret. C(without_effect) has the C(path), C(file) and
          C(reason) of every setting that has no effect.
      type: dict
      returned: success
    hosts_dir:
      description: Directory of the C(hosts.toml) files.
      type: str
      returned: success
    namespaces:
      description: Contents of the C(hosts.toml) in each directory below RV(containerd.hosts_dir), secrets masked.
      type: dict
      returned: success
    engine:
      description:
        - Of Docker Engine, C(reads_hosts), whether it reads C(hosts.toml) files (its image store is containerd's), and
          the C(registry_mirrors) and C(insecure_registries) that it runs with, from C(daemon.json) and elsewhere. Null
          for any other containerd.
      type: dict
      returned: success
    managed:
      description: Files that the role wrote.
      type: list
      elements: str
      returned: success
docker:
  description:
    - What the Docker Engine beside this containerd runs, with the same keys as RV(containerd); C(version) is the
      engine's. On a node with Docker alone that is RV(containerd) itself, see O(docker).
  type: dict
  returned: where both are on the node
  contains:
    resolved:
      description: As RV(resolved), for Docker.
      type: list
      elements: dict
      returned: when O(resolve) is given and Docker reads C(hosts.toml) files
    msg:
      description: Why there is no RV(docker.resolved). With O(docker=true), that is a failure of the task.
      type: str
      returned: when O(resolve) is given, and there is a reason
resolved:
  description:
    - For each image, the requests that this node would make for it, as of P(airgap.containerd.resolve#filter).
  type: list
  elements: dict
  returned: when O(resolve) is given
query_result:
  description: What O(query) selects.
  type: raw
  returned: when O(query) is given
"""
