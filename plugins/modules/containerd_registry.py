#!/usr/bin/python
# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: containerd_registry
short_description: Make a node's containerd pull every image from an internal registry
version_added: 1.0.0
description:
  - The transaction that the role P(airgap.containerd.containerd_registry#role) runs. It reads the node in one
    execution, decides on the control node what has to change for the node's containerd, and changes it in a second
    execution, in which the node checks the new configuration with containerd itself, puts it in place, restarts
    containerd if needed, verifies that CRI answers, and restores the previous files if it does not.
  - From containerd 1.5 on it writes one C(hosts.toml) for each upstream and points C(config_path) to them. For 1.4,
    and for 1.5 when O(projects) are used, it sets C(mirrors) and C(configs) in C(config.toml).
  - Everything else in C(config.toml) stays byte for byte as it is.
  - What it wrote is recorded on the node in C(/var/lib/airgap-containerd/record.json), readable only by root. It tells
    the module what it may remove, what to restore with O(state=absent), and whether a restart is needed.
extends_documentation_fragment:
  - airgap.containerd.node
  - airgap.containerd.node.action_group
  - airgap.containerd.node.program
  - airgap.containerd.node.places
options:
  url:
    description:
      - Address of the internal registry, C(http://) or C(https://), any port, with the path before C(/v2) if it has
        one.
      - Required with O(state=present), unless O(mirrors) covers all upstreams.
    type: str
  username:
    description: Username at the internal registry, such as Harbor's robot account.
    type: str
  password:
    description: Password at the internal registry.
    type: str
  upstreams:
    description:
      - Host namespaces to pull from the internal registry, as they are written in image names, such as V(docker.io) or
        V(registry.example.org:5000).
    type: list
    elements: str
    default: []
  extra_upstreams:
    description: Upstreams in addition to O(upstreams).
    type: list
    elements: str
    default: []
  projects:
    description:
      - Harbor project, or any path below the registry, for each upstream; V(*) is for all other upstreams. Upstreams
        listed here are mirrored too.
      - Instead of a name, a mapping with C(project) and with C(username) and C(password), C(auth) or C(headers) for
        this project only. They have the same meaning as in O(endpoints) and replace those.
      - Harbor refuses images without a project, so it needs at least V(*). Flat registries need none.
    type: dict
    default: {}
  mirrors:
    description:
      - Complete definition of where the images of an upstream come from. An entry replaces everything derived from
        O(url) for this upstream; V(*) is for all other upstreams. If these cover all upstreams, O(url) can be omitted.
      - Each entry is a list of endpoints in the order in which they are tried, or a mapping with C(endpoints), which is
        that list, and C(fallback), which is O(fallback) for this upstream only.
      - An endpoint is a URL, or a mapping with C(url) and any of C(project) (Harbor project or deeper path), C(path)
        (the complete path of the API, such as V(/v2/project), instead of C(project)), C(capabilities) (V(pull),
        V(resolve), V(push), V(referrers); by default the first two) and C(dial_timeout) (such as V(5s)). C(username)
        with C(password), C(auth) and C(headers) are for this endpoint of this upstream only. They have the same meaning
        as in O(endpoints) and replace those.
    type: dict
    default: {}
  endpoints:
    description:
      - Credentials and TLS settings per endpoint, keyed by its URL or host[:port], not by the name of an upstream.
      - Credentials are C(username) with C(password), or C(identity_token), or C(auth), which is a complete
        C(Authorization) header or the base64 of V(user:password).
      - C(headers) are sent with every request.
      - C(ca), C(client_cert) and C(client_key) are PEM text or files on the control node, or, with C(remote_src=true),
        paths on the node. C(skip_verify=true) trusts any certificate.
    type: dict
    default: {}
  catch_all:
    description:
      - Also pull from the internal registry what comes from registries that are not listed.
      - Enabled by default. With containerd 1.5.0 to 1.6.16 the default cannot apply and is dropped with a warning, and
        V(true) is an error.
    type: bool
  direct:
    description: Registries to pull from directly, bypassing the internal registry, regardless of O(catch_all).
    type: list
    elements: str
    default: []
  fallback:
    description:
      - V(none) uses only the internal registry. V(upstream) also tries the public registry when the internal one fails
        or does not have the image.
      - The default is V(none). Legacy mode always falls back to the public registry; there the default cannot apply and
        is dropped with a warning, and V(none) is an error.
    type: str
    choices: [none, upstream]
  state:
    description:
      - V(absent) removes what earlier runs wrote and restores what they replaced.
      - V(previous) undoes the last run that changed anything on the node. All files are restored to their state before
        it; a file that was changed since by someone else is copied first. Only the last run can be undone, so repeating
        it changes nothing. What V(absent) did cannot be undone, because it leaves no passwords on the node.
    type: str
    choices: [present, absent, previous]
    default: present
  mode:
    description: How containerd is configured. V(auto) uses C(config_path) wherever the node's containerd supports it.
    type: str
    choices: [auto, config_path, legacy]
    default: auto
  auth_method:
    description:
      - Where credentials are stored in C(config_path) mode. V(header) stores them in C(hosts.toml), where a change
        needs no restart; V(config) stores them in C(config.toml).
      - V(auto) uses V(header), and also V(config) if containerd is older than 2.1 and O(preflight) finds that the
        registry requires tokens.
    type: str
    choices: [auto, header, config]
    default: auto
  preflight:
    description:
      - Let the node contact the registry with the credentials before anything is written. The node fails if they are
        refused.
      - An endpoint that was checked before with the same credentials is not contacted again.
    type: bool
    default: true
  prune:
    description: Remove files that earlier runs wrote and that are no longer needed.
    type: bool
    default: true
  migrate:
    description:
      - Carry over existing settings for registries that O(upstreams), O(mirrors) and the like do not name, with their
        endpoints, certificates and credentials, to where this module writes. These are C(mirrors) and C(configs) in
        C(config.toml), and other directories in C(config_path); with O(mode=legacy) they are C(hosts.toml) files. If
        V(false), such settings are an error.
      - RV(migrated) lists them. O(state=absent) restores everything as it was.
    type: bool
    default: true
  registries_yaml:
    description:
      - Also write C(/etc/rancher/rke2/registries.yaml) for RKE2, the only file that it reads for the images it starts
        with. From its next start on, its own C(hosts.toml) files of the upstreams in it replace those of this module.
      - RKE2 is not restarted; a warning says where this is needed. Has no effect on other nodes.
      - What it cannot express is an error - headers, two accounts for one host, capabilities and C(dial_timeout), and
        O(fallback=none) unless C(disable-default-registry-endpoint) is true in C(/etc/rancher/rke2/config.yaml).
    type: bool
    default: false
  restart:
    description: Restart containerd if, and only if, it does not run with the configuration on disk.
    type: bool
    default: true
  restart_throttle:
    description: Maximum number of nodes that restart containerd at the same time; V(0) sets no limit.
    type: int
    default: 1
  restart_force:
    description:
      - Restart containerd even if the unit's C(KillMode) would terminate running pods, and without first testing the
        new configuration in a second containerd.
    type: bool
    default: false
  restart_command:
    description:
      - Command that restarts containerd where systemd does not, as a list of words or a string that is split like in a
        shell. It is run without a shell.
    type: raw
  restart_timeout:
    description: Seconds that a restart may take until CRI answers, before the previous files are restored.
    type: int
    default: 60
  version:
    description:
      - The containerd release to configure for, such as V(1.7.24), instead of the one that is installed. For image
        builds, and for check mode before containerd is installed.
    type: str
  hosts_template:
    description:
      - Path of a custom template for C(hosts.toml). The built-in template documents the available variables. The result
        is checked as strictly.
    type: path
  verify:
    description:
      - After applying the configuration, pull the pause image and the O(verify_images) through CRI, and remove them
        again, as M(airgap.containerd.containerd_pull) does. If one of them does not come from the intended registry,
        the task fails with the cause and the fix. Not in check mode, and only with O(state=present).
    type: bool
    default: false
  verify_images:
    description: Images that O(verify=true) pulls, in addition to the pause image.
    type: list
    elements: str
    default: []
  from_variables:
    description:
      - Prefix of variables, such as V(containerd_registry_). An option that is not given has the value of the variable
        of its name with this prefix. Messages use the names of the variables.
      - Variables whose names begin with the prefix and V(mirrors_), V(endpoints_) or V(projects_) are merged into these
        options, in the order of their names.
    type: str
    default: ""
  validate_only:
    description: Only check the options, on the control node, without connecting to the node.
    type: bool
    default: false
  fleet:
    description:
      - For playbooks that show all nodes together with M(airgap.containerd.containerd_report), as the playbook
        C(site) does. Warnings are then in RV(notes), and not printed for each node.
      - V(plan) changes nothing, as check mode does, and a node that cannot be changed does not fail but returns RV(msg)
        without RV(pending). V(change) is the run itself.
    type: str
    choices: [plan, change]
  planned:
    description: What the module returned with O(fleet=plan). A node whose plan has changed since then is refused.
    type: dict
seealso:
  - module: airgap.containerd.containerd_info
  - module: airgap.containerd.containerd_hosts
  - module: airgap.containerd.containerd_config
"""

EXAMPLES = r"""
- name: Pull everything from the internal Harbor
  airgap.containerd.containerd_registry:
    url: http://harbor.lan
    username: robot$puller
    password: "{{ vault_harbor_password }}"
    upstreams: [docker.io, quay.io, ghcr.io, registry.k8s.io]
    projects:
      docker.io: dockerhub
      quay.io: quay
      "*": mirror

- name: Remove everything that the role wrote
  airgap.containerd.containerd_registry:
    state: absent
"""

RETURN = r"""
msg:
  description: What the node does now, in one sentence.
  type: str
  returned: success
  sample: >-
    containerd 1.7.24: http://harbor.lan mirrors 5 registries and all others, in /etc/containerd/certs.d
    (config_path); no restart needed
version:
  description: The containerd release that was configured for.
  type: str
  returned: success
mode:
  description: V(config_path) or V(legacy); null with O(state=absent).
  type: str
  returned: success
hosts_dir:
  description: Directory of the C(hosts.toml) files.
  type: str
  returned: success
namespaces:
  description: Host namespaces that are configured; V(*) stands for all others.
  type: list
  elements: str
  returned: success
migrated:
  description: What was carried over from existing settings, one sentence each.
  type: list
  elements: str
  returned: success
config_changes:
  description: Changed keys of C(config.toml), each with C(path) and its values C(before) and C(after), secrets masked.
  type: list
  elements: dict
  returned: success
written:
  description: Files that were written.
  type: list
  elements: str
  returned: success
removed:
  description: Files that were removed.
  type: list
  elements: str
  returned: success
restarted:
  description: Whether containerd was restarted.
  type: bool
  returned: success
restart_due:
  description: Whether the running containerd does not use the configuration on disk.
  type: bool
  returned: success
seconds_without_cri:
  description: How long CRI did not answer, from when the restart began; null without a restart.
  type: float
  returned: success
pending:
  description:
    - Whether a run would do anything on the node, including completing an interrupted run, updating the record, or
      pulling with O(verify=true).
  type: bool
  returned: with O(fleet=plan), if the node can be planned
docker:
  description: What became of the images in the Docker Engine beside the node's containerd, see RV(images).
  type: dict
  returned: with O(verify=true), where Docker is included
bystander:
  description: Whether this host has Docker but no Kubernetes.
  type: bool
  returned: with O(fleet=plan), if the node can be planned
changes:
  description:
    - What a run would change, and why it has to.
  type: list
  elements: dict
  returned: with O(fleet=plan), if the node can be planned
  contains:
    path:
      description: The file; null for the running containerd, which needs a restart.
      type: str
    cause:
      description:
        - V(new_node) for a node that was never configured, V(variables) if they have changed, V(hand_edit),
          V(other_tool) or V(removed) for a file that was changed since the last run, V(restored) for a file that is as
          it was before the first run, V(upgrade) for another containerd, V(restart) for any other reason for a restart.
      type: str
    seen:
      description: The cause in words.
      type: str
    upstream:
      description: The one that the file is for; null for all of them.
      type: str
    changed_at:
      description: When the file was changed; null if it is as a run left it.
      type: str
    owner:
      description: The user ID of its owner in that case.
      type: int
endpoints:
  description: The endpoint that is tried first, by upstream.
  type: dict
  returned: with O(fleet=plan), if the node can be planned
notes:
  description: The warnings.
  type: list
  elements: str
  returned: with O(fleet), if there are any
images:
  description: What became of the images, see M(airgap.containerd.containerd_pull).
  type: list
  elements: dict
  returned: with O(verify=true)
"""
