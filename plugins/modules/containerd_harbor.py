#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_harbor
short_description: Check that Harbor has the projects that the mirrors need
version_added: 1.0.0
description:
  - Checks in Harbor whether each project exists, whether it is a proxy cache of the correct upstream if it is a proxy
    cache, and whether the account may pull from it.
  - Runs where the task runs. One node is enough, or the control node with C(delegate_to).
  - Harbor shows whether a project is a proxy cache only to accounts that can see the project, and of which registry
    only to administrators. What the account cannot see is null in the result, and not a failure.
  - Warns about a robot account that expires within 14 days, if the account used for Harbor's API can see it.
  - Fails with all problems and their fixes.
extends_documentation_fragment:
  - airgap.containerd.node
attributes:
  diff_mode:
    support: none
options:
  url:
    description: Harbor's address, C(http://) or C(https://). Either this or O(from_variables) is required.
    type: str
  projects:
    description:
      - Harbor project for each upstream, V(*) for all others, as in C(containerd_registry_projects), including
        credentials of a project. Required with O(url).
    type: dict
  from_variables:
    description:
      - Prefix of the role's variables, V(containerd_registry_). All projects in them are checked, including those in
        C(containerd_registry_mirrors) and at other endpoints, each with its own credentials and the CA of its endpoint.
      - Excludes all other options except O(reader_username) and O(reader_password), which are sent only to
        C(containerd_registry_url).
    type: str
  username:
    description: Username of the account that pulls.
    type: str
  password:
    description: Password of the account that pulls.
    type: str
  reader_username:
    description: Username of an account that can see more of Harbor. By default O(username) is used for Harbor's API.
    type: str
  reader_password:
    description: Password of this account.
    type: str
  ca:
    description: File, where the task runs, with the certificate of the CA that signed Harbor's certificate.
    type: path
seealso:
  - module: airgap.containerd.containerd_pull
"""

EXAMPLES = r"""
- name: Check Harbor's projects from the control node
  airgap.containerd.containerd_harbor:
    url: "{{ containerd_registry_url }}"
    username: "{{ containerd_registry_username }}"
    password: "{{ containerd_registry_password }}"
    projects: "{{ containerd_registry_projects }}"
  delegate_to: localhost
  run_once: true

- name: Check all projects that the role's variables name
  airgap.containerd.containerd_harbor:
    from_variables: containerd_registry_
  run_once: true
"""

RETURN = r"""
msg:
  description: All problems and their fixes, or that there are none.
  type: str
  returned: always
projects:
  description: What is known for each upstream.
  type: list
  elements: dict
  returned: when Harbor was queried
  contains:
    upstream:
      description: The upstream.
      type: str
    project:
      description: Its project.
      type: str
    harbor:
      description: URL of its Harbor.
      type: str
    exists:
      description: Whether there is such a project.
      type: bool
    proxy_cache_of:
      description: URL of the registry that it is a proxy cache of, empty if it is not a proxy cache.
      type: str
    may_pull:
      description: Whether the account may pull from it.
      type: bool
    problems:
      description: What is wrong, with the fix.
      type: list
      elements: str
robots:
  description:
    - Each robot account (C(robot$NAME)) that pulls. Harbor shows it to administrators, and a project's robots also to
      the administrators of the project; what the account cannot see is null.
  type: list
  elements: dict
  returned: when Harbor was queried
  contains:
    name:
      description: Its name.
      type: str
    harbor:
      description: URL of its Harbor.
      type: str
    expires_at:
      description: When it expires, as V(2026-12-05T10:00:00Z). Also null if it never does.
      type: str
    never_expires:
      description: Whether it never does.
      type: bool
    disabled:
      description: Whether it is disabled.
      type: bool
"""
