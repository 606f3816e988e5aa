#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_pull
short_description: Pull images on a node through CRI, and report which endpoint served each or why it failed
version_added: 1.0.0
description:
  - Pulls images as the kubelet does, with the node's own settings, and removes them again. Needs no program on the node
    except containerd.
  - If a pull fails, the node contacts every endpoint that containerd would have tried, and the result describes in one
    or two sentences the cause and the fix.
  - Needs one remote execution, and a second one for images that existed before, that failed, or that may have come from
    more than one endpoint.
  - An image that the node has already is not pulled. Its manifest is requested from the endpoints instead.
  - Fails if any image does not come from the intended registry, even if it was pulled from the internet because
    containerd ignores a mirror.
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
  - airgap.containerd.node.program
  - airgap.containerd.node.places
attributes:
  check_mode:
    description: Pulls nothing, and requests only the manifests from the endpoints.
  diff_mode:
    support: none
options:
  images:
    description: Names of images as in pods. At most 100. Without O(pause) at least one is required.
    type: list
    elements: str
    default: []
  pause:
    description: Begin with the pause image that this node's containerd starts pods with.
    type: bool
    default: false
  timeout:
    description: Seconds that the pull of one image may take.
    type: int
    default: 120
  parallel:
    description: Maximum number of images that are pulled at the same time.
    type: int
    default: 3
  keep:
    description:
      - Keep images that were pulled.
      - Images that existed before are always kept, and so are pause images, pinned images and those of a container.
    type: bool
    default: false
  username:
    description:
      - Username of a pod's pull secret, to see what containerd does with it. The kubelet sends it along, and containerd
        uses it instead of the node's own credentials.
      - By default images are pulled as for a pod without pull secrets.
    type: str
  password:
    description: Password of the pull secret.
    type: str
seealso:
  - module: airgap.containerd.containerd_registry
"""

EXAMPLES = r"""
- name: See where images come from on this node
  airgap.containerd.containerd_pull:
    images:
      - docker.io/library/busybox:1.36
      - registry.k8s.io/pause:3.10

- name: See whether pods can start on this node
  airgap.containerd.containerd_pull:
    pause: true

- name: See what a pod's pull secret does
  airgap.containerd.containerd_pull:
    images: [quay.io/team/app:1]
    username: "{{ vault_quay_username }}"
    password: "{{ vault_quay_password }}"
"""

RETURN = r"""
msg:
  description: The result for all images, in one line.
  type: str
  returned: always
version:
  description: The node's containerd release.
  type: str
  returned: when containerd is installed
docker:
  description:
    - The same C(images), C(version), C(failed) and C(msg) of the Docker Engine beside the node's containerd, which
      pulls them too.
  type: dict
  returned: if Docker is included in addition to containerd, see O(docker)
images:
  description: The result for each image, in the order given.
  type: list
  elements: dict
  returned: when containerd is installed
  contains:
    image:
      description: The name as given.
      type: str
    upstream:
      description: The registry in the name, as containerd completes it.
      type: str
    state:
      description:
        - V(pulled), V(present) (existed before, and an endpoint has the manifest) and V(served) (the same in check
          mode) are as expected.
        - V(bypassed) was pulled, but from the registry in its name, because containerd ignores a mirror. V(failed) was
          not pulled, or no endpoint has its manifest.
      type: str
    digest:
      description: Digest of the image that the node has.
      type: str
    bytes:
      description: Size of what was pulled, compressed.
      type: int
    seconds:
      description: Seconds that the pull took.
      type: float
    removed:
      description: Whether the image was removed again.
      type: bool
    kept:
      description: Why an image that was pulled was not removed.
      type: str
    error:
      description: The error of containerd itself, as C(code) and C(message).
      type: dict
    served_by:
      description:
        - The endpoint that served the image, and how that is known, because containerd does not report it.
        - V(only_endpoint) means that according to the settings containerd tries no other endpoint. V(manifest) means
          that the node contacted the endpoints itself in containerd's order, with its own credentials, and this is the
          first that has the manifest with the same digest.
      type: dict
      contains:
        endpoint:
          description: Its URL, without C(/v2).
          type: str
        known_by:
          description: V(only_endpoint) or V(manifest).
          type: str
    diagnosis:
      description: What is wrong, as C(kind) (the class of failure), C(seen) and C(fix).
      type: dict
    mode:
      description: How the node is configured, V(config_path), V(legacy) or V(defaults) (not at all).
      type: str
    directory:
      description: The directory of C(hosts.toml) that is used for this image.
      type: str
    why:
      description: Why that one is used, or why no endpoint is tried.
      type: str
    endpoints:
      description:
        - All endpoints in the order in which they are tried, as the filter P(airgap.containerd.resolve#filter) shows
          them, with the first C(request), and in C(answer) the reply, if it was contacted.
      type: list
      elements: dict
    log:
      description: What containerd logs about a broken C(hosts.toml).
      type: list
      elements: str
    notes:
      description: Other remarks.
      type: list
      elements: str
"""
