#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_config
short_description: Merge settings into containerd's config.toml
version_added: 1.0.0
description:
  - Changes single keys of C(config.toml), or of a file that it imports. Comments, order, indentation and everything
    else that the change does not concern stay byte for byte as they are.
  - The result is parsed again by a second parser and compared with what the merge means. Before it replaces the file,
    the node's own containerd reads it, together with all imported files; the requested settings must then be in effect
    and nothing else may have changed.
  - It is an error if this containerd would ignore a setting in a file of this version, if another file overrides it, or
    if it would override settings in another file. The message names the place that is read, and nothing is written.
  - containerd is not restarted, see M(airgap.containerd.containerd_restart).
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
  - airgap.containerd.node.program
  - ansible.builtin.files
options:
  path:
    description:
      - Path of the file on the node. It may be a file that the main one imports, which is then checked together with
        the main file and all other imports.
      - By default the file in the unit, otherwise V(/etc/containerd/config.toml).
    type: path
    aliases: [dest]
  merge:
    description:
      - Settings to merge, as nested mappings. Mappings are merged with existing ones, lists according to O(lists); all
        other values replace the existing one.
      - Keys are TOML keys, a dot in a key is just a dot.
      - Up to 1.7, containerd drops its own defaults for a table such as C(runtimes.runc) once a file has that table. A
        warning lists the defaults that are lost, and removing the table restores them.
      - Below C(plugins), the names V(cri_images), V(cri_runtime), V(cri_server), V(cgroups_monitor) and
        V(restart_monitor) stand for the plugin tables that this containerd reads from a file of this version. Below
        the first three, keys may have their names of version 2 or of version 3, so V(sandbox_image) and
        V(pinned_images.sandbox) are the same.
      - Before ansible-core 2.19, an expression such as V("{{ number + 1 }}") within a mapping gives a string. Settings
        that containerd's own default configuration has get their type all the same. For any other, set
        C(jinja2_native), or write the whole mapping as one expression. With C(jinja2_native) the opposite happens, a
        string that looks like a number becomes one, and C(| string) keeps it a string.
    type: dict
    default: {}
  remove:
    description:
      - Key paths to remove, each a list of keys. A table that becomes empty is removed as well.
      - Keys are removed before O(merge) is applied.
    type: list
    elements: list
    default: []
  lists:
    description:
      - How to merge lists that are both in the file and in O(merge). V(replace) uses the new one, V(append) adds it to
        the old one, V(union) adds only the items that are missing in the old one.
    type: str
    choices: [replace, append, union]
    default: replace
  config_version:
    description:
      - Convert the file to this C(version) first, moving every setting to its new place; RV(moved) lists them. Comments
        stay with tables that move as a whole.
      - It is refused if a setting has no place in that version, if two settings would get the same place, or if
        containerd would read the converted file differently.
      - By default a file keeps its version.
    type: int
  create:
    description:
      - Create the file if it does not exist, with the C(version) that fits the node's containerd, or with that of the
        main file if it is imported.
    type: bool
    default: true
  backup:
    description:
      - Keep a copy of the previous file next to it, readable only by root. Its name does not end in C(.toml), so that
        no import loads it.
    type: bool
    default: false
  validate:
    description:
      - Command that checks the new file before it is put in place, run on the node without a shell. V(%s) in it is
        replaced by the path of the new file.
      - containerd's own check is always made; this one runs before it.
    type: str
  version:
    description: The containerd release to write for, instead of the one that is installed.
    type: str
attributes:
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
notes:
  - A symbolic link is followed, and stays. A hard link is broken, as by every module that replaces files.
  - A file that contains a secret and that users other than root can read gets mode 0600, with a warning, unless O(mode)
    is given. O(owner), O(group) and O(mode) that would let users other than root change it are refused.
  - Run it as root. It needs only Python and containerd on the node.
seealso:
  - module: airgap.containerd.containerd_restart
  - module: airgap.containerd.containerd_info
  - name: containerd's configuration
    description: What the keys mean.
    link: https://github.com/containerd/containerd/blob/main/docs/man/containerd-config.toml.5.md
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

- name: Add a runtime, keep a copy of the file, and check the new one with a command, too
  airgap.containerd.containerd_config:
    merge:
      plugins:
        cri_runtime:
          containerd:
            runtimes:
              nvidia:
                runtime_type: io.containerd.runc.v2
                options:
                  BinaryName: /usr/bin/nvidia-container-runtime
    backup: true
    mode: "0644"
    validate: containerd --config %s config dump

- name: Remove the legacy mirrors
  airgap.containerd.containerd_config:
    remove:
      - [plugins, cri_images, registry, mirrors]

- name: Import drop-ins, beside those that are imported already
  airgap.containerd.containerd_config:
    merge:
      imports: [/etc/containerd/conf.d/*.toml]
    lists: union

- name: Write a drop-in; it is checked together with the main file
  airgap.containerd.containerd_config:
    path: /etc/containerd/conf.d/50-debug.toml
    merge:
      debug:
        level: info

- name: Move a file to version 2, whatever it has now
  airgap.containerd.containerd_config:
    config_version: 2
  register: move

- name: Show what moved
  ansible.builtin.debug:
    var: move.moved
"""

RETURN = r"""
path:
  description: Path of the file.
  type: str
  returned: success
  sample: /etc/containerd/config.toml
changes:
  description: Changed keys under the names that they have in the file, secrets masked; an absent side is left out.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The keys that lead to the value.
      type: list
      elements: str
      returned: success
    before:
      description: The value before.
      type: raw
      returned: when there was one
    after:
      description: The value now.
      type: raw
      returned: when there is one
  sample:
    - path: [plugins, io.containerd.grpc.v1.cri, max_concurrent_downloads]
      before: 3
      after: 5
moved:
  description: With O(config_version), every setting that was moved.
  type: list
  elements: dict
  returned: success
  contains:
    from:
      description: The keys that led to it.
      type: list
      elements: str
      returned: success
    to:
      description: The keys that lead to it now; null for one that was empty and has no place in the new version.
      type: list
      elements: str
      returned: success
  sample:
    - from: [plugins, io.containerd.grpc.v1.cri, sandbox_image]
      to: [plugins, io.containerd.cri.v1.images, pinned_images, sandbox]
config_version:
  description: The version of the file.
  type: int
  returned: success
  sample: 3
backup_file:
  description: Path of the copy.
  type: str
  returned: changed and O(backup=true)
  sample: /etc/containerd/config.toml.2026-11-24@10:15:42~
mode:
  description: Permissions of the file; in check mode, this and all of the following are those before the change.
  type: str
  returned: when the file exists
  sample: "0644"
owner:
  description: Name of its owner.
  type: str
  returned: when the file exists
  sample: root
group:
  description: Name of its group.
  type: str
  returned: when the file exists
  sample: root
uid:
  description: Number of its owner.
  type: int
  returned: when the file exists
  sample: 0
gid:
  description: Number of its group.
  type: int
  returned: when the file exists
  sample: 0
size:
  description: Its size in bytes.
  type: int
  returned: when the file exists
  sample: 1220
secontext:
  description: Its SELinux context.
  type: str
  returned: when the file exists and SELinux is enabled
  sample: system_u:object_r:container_config_t:s0
"""
