#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_harbor
short_description: Check that Harbor has the projects that the mirrors need
version_added: 1.0.0
description:
  - Asks Harbor whether each project exists, whether it is a proxy cache of the right upstream if it is one at all, and
    whether the account may pull from it.
  - Runs where the task runs. One node is enough, or the controller with C(delegate_to).
  - Harbor tells only those who may see a project whether it is a proxy cache, and only administrators of what. What the
    account may not know is null in the result, and no failure.
  - A robot account that expires within 14 days is a warning, if the account that Harbor's API is asked with may see it.
  - Fails with all that is wrong and what to change.
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
      - Harbor project for each upstream, V(*) for every other one, as in C(containerd_registry_projects), with a login
        of its own too. Required with O(url).
    type: dict
  from_variables:
    description:
      - Prefix of the role's variables, V(containerd_registry_). All projects in them are asked about, those in
        C(containerd_registry_mirrors) and at other endpoints too, each with its own login and the CA for its endpoint.
      - Excludes all other options but O(reader_username) and O(reader_password), which go to C(containerd_registry_url)
        alone.
    type: str
  username:
    description: Username of the account that pulls.
    type: str
  password:
    description: Password of the account that pulls.
    type: str
  reader_username:
    description: Username of an account that may see more of Harbor. By default Harbor's API is asked as O(username).
    type: str
  reader_password:
    description: Password of the account that may see more.
    type: str
  ca:
    description: File, where the task runs, with the certificate of the authority that signed Harbor's.
    type: path
seealso:
  - module: airgap.containerd.containerd_pull
"""

EXAMPLES = r"""
- name: Check Harbor's projects from the controller
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
  description: All that is wrong and what to change, or that nothing is.
  type: str
  returned: always
projects:
  description: What is known for each upstream.
  type: list
  elements: dict
  returned: when Harbor was asked
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
      description: URL of the registry that it is a proxy cache of, empty if it is none.
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
    - Each robot account (C(robot$NAME)) that pulls. Harbor tells an administrator of it, and of a project's robots the
      administrators of the project; what the account that asks may not see is null.
  type: list
  elements: dict
  returned: when Harbor was asked
  contains:
    name:
      description: Its name.
      type: str
    harbor:
      description: URL of its Harbor.
      type: str
    expires_at:
      description: When it expires, as V(2026-12-05T10:00:00Z). Null too if it never does.
      type: str
    never_expires:
      description: Whether it never does.
      type: bool
    disabled:
      description: Whether it is switched off.
      type: bool
"""
