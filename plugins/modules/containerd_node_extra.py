#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_node_extra
short_description: Pull on a node, and query registries from it, for the other modules of this collection
version_added: 1.0.0
description:
  - What M(airgap.containerd.containerd_pull), M(airgap.containerd.containerd_images) and
    M(airgap.containerd.containerd_harbor) run on the node - pulls through CRI, and requests to registries.
  - Playbooks use those modules, never this one. Its options and return values may change with any release.
extends_documentation_fragment:
  - airgap.containerd.node.request
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed.
    support: none
  platform:
    description: Target operating systems.
    support: full
    platforms: Linux
seealso:
  - module: airgap.containerd.containerd_pull
"""

EXAMPLES = r"""
- name: Pull an image (the modules of this collection call containerd_node_extra themselves)
  airgap.containerd.containerd_pull:
    images: [registry.k8s.io/pause:3.10]
"""

RETURN = r"""
reply:
  description: The result, as base64 of compressed JSON.
  type: str
  returned: success
"""

from ansible_collections.airgap.containerd.plugins.module_utils._change import carry_out


def part(do):
    """Return the function that carries out this kind of request (see carry_out.main).

    Only what it needs is imported: the node compiles all of it in each run.
    """
    if do == "probe":
        from ansible_collections.airgap.containerd.plugins.module_utils._registry import probe

        return lambda request, module: probe.probe(request)
    if do == "harbor":
        from ansible_collections.airgap.containerd.plugins.module_utils._registry import harbor

        return lambda request, module: harbor.look(request)
    if do == "survey":
        from ansible_collections.airgap.containerd.plugins.module_utils._node import survey

        return lambda request, module: survey.survey(request)
    from ansible_collections.airgap.containerd.plugins.module_utils._cri import pull
    from ansible_collections.airgap.containerd.plugins.module_utils._node import observe

    def docker_pulls(request):
        from ansible_collections.airgap.containerd.plugins.module_utils._docker import pull

        return pull.pull(request)

    def read_and_pull(request, module):
        observed = observe.observe(request["node"])
        if observed.get("engine"):
            return {"observed": observed, "pulls": docker_pulls(request)}
        pause = observed["effective"].pause if request["pause"] else None
        beside = docker_pulls(request) if observed["docker"] else []
        return {"observed": observed, "pulls": pull.pull(observed["socket"], request, pause), "docker": beside}

    return read_and_pull


if __name__ == "__main__":
    carry_out.main(part)
