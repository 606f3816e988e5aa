#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_images
short_description: Check whether a node will pull the images that manifests need, and pull nothing
version_added: 1.0.0
description:
  - Reads rendered manifests on the control node, works out which registries this node would contact for each image, and
    lets the node request only the manifests from them (C(HEAD)), with its own credentials.
  - Fails if any image would not come from the intended registry, with the reason and the fix.
  - The public registry in an image's name is never contacted. An image without a mirror is a failure, unless its
    registry is the internal one itself or is listed in O(direct).
  - Needs one remote execution if the node is configured as the role's variables say (see O(from_variables)), otherwise
    one to read the node and a second one to check all images.
  - Only M(airgap.containerd.containerd_pull) shows whether the layers of an image are complete.
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
  - airgap.containerd.node.program
  - airgap.containerd.node.places
attributes:
  check_mode:
    description: Does the same, because it changes nothing.
  diff_mode:
    support: none
options:
  images:
    description:
      - Names of images as in pods, or RV(names) of another task with this module.
      - Without these, O(manifests) and O(images_file), the images that the node has now are used, as CRI lists them,
        and those of Docker Engine where it is included according to O(docker) or an earlier run of the role.
    type: list
    elements: raw
    default: []
  manifests:
    description:
      - Files on the control node with rendered YAML or JSON, of one document or many, and folders of them. They are
        looked for like the files of other modules, and in the current directory.
      - Containers count wherever a pod spec is, including custom resources, and so do volumes of images, lists of the
        kind C(ImagesLock), and the annotations C(images) and C(helm.sh/images) of a C(Chart.yaml).
      - Texts that look like an image's name (arguments, environment variables, ConfigMaps, custom resources) count if a
        registry has them; the others are returned in RV(doubtful). Secrets are not read.
      - Charts and kustomizations that are not rendered are refused, with the command that renders them.
    type: list
    elements: str
    default: []
  images_file:
    description: File on the control node with one image name per line. Text after a C(#) is a comment.
    type: path
  direct:
    description: Registries in image names to pull from directly, as in C(containerd_registry_direct).
    type: list
    elements: str
    default: []
  ask:
    description:
      - If V(false), no registry is contacted, and RV(names) is returned. If names or files are given, the node is not
        connected to either.
    type: bool
    default: true
  once_per_group:
    description:
      - Let one node check for all nodes of this task with the same settings (same endpoints, credentials and platform).
        The others return its name in RV(asked_by).
    type: bool
    default: false
  from_variables:
    description:
      - Prefix of the role's variables. If they are set, the requests are worked out from them in advance, with their
        credentials, and the node makes them in the same remote execution that reads it. The answers count only if they
        are the requests that the node's own settings lead to.
      - Empty to read the node first.
    type: str
    default: containerd_registry_
seealso:
  - module: airgap.containerd.containerd_pull
  - module: airgap.containerd.containerd_report
"""

EXAMPLES = r"""
- name: Fail if a chart needs an image that the nodes would not get
  airgap.containerd.containerd_images:
    manifests: [rendered.yaml]

- name: See whether these will be pulled
  airgap.containerd.containerd_images:
    images:
      - docker.io/library/busybox:1.36
      - registry.k8s.io/pause:3.10

- name: See whether everything that a node has could be pulled again
  airgap.containerd.containerd_images:
"""

RETURN = r"""
msg:
  description: Whether all images will be pulled, or which will not and why.
  type: str
  returned: always
names:
  description: The images that were found, as C(image), C(certain) (false for a likely text) and C(used_by).
  type: list
  elements: dict
  returned: without O(ask)
version:
  description: The node's containerd release.
  type: str
  returned: with O(ask)
platform:
  description: What the node's containerd was built for, such as V(linux/amd64).
  type: str
  returned: with O(ask)
group:
  description: Equal on nodes that get equal answers.
  type: str
  returned: with O(ask)
asked_by:
  description: The node that checked for this one, with O(once_per_group). Null if this one checked itself.
  type: str
  returned: with O(ask)
images:
  description:
    - What will become of each image, with the same keys as those of
      RV(airgap.containerd.containerd_pull#module:images), and these.
  type: list
  elements: dict
  returned: with O(ask), where this node checked
  contains:
    image:
      description: The name as given.
      type: str
    state:
      description: V(served) where an endpoint has it, else V(failed).
      type: str
    diagnosis:
      description:
        - What is wrong, as C(kind), C(seen) and C(fix). Besides the kinds of M(airgap.containerd.containerd_pull),
          V(public) stands for an image that would come from the public registry, V(platform) for one that exists only
          for other platforms, and V(name) for a name that containerd does not accept.
      type: dict
    certain:
      description: Whether something needs it, and it is more than a text that looks like an image's name.
      type: bool
    used_by:
      description: The files and objects that name it, at most ten.
      type: list
      elements: str
    put:
      description:
        - Where the image has to be so that the node's first endpoint has it, C(name), with its C(registry),
          C(repository) and C(project), the C(source), and whether the registry speaks C(plain_http).
      type: dict
doubtful:
  description: Texts that look like an image's name and are in no registry, with the same keys.
  type: list
  elements: dict
  returned: with O(ask), where this node checked
"""
