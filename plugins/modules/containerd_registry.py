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
    execution, decides on the controller what has to change for the node's containerd, and changes it in one more
    execution, in which the node checks the new configuration with containerd itself, puts it in place, restarts
    containerd if that is due, proves that CRI serves, and puts everything back if it does not.
  - From containerd 1.5 on it writes one C(hosts.toml) for each upstream and points C(config_path) to them. For 1.4,
    and for 1.5 when O(projects) are used, it sets C(mirrors) and C(configs) in C(config.toml).
  - Everything else in C(config.toml) stays byte for byte as it is.
  - What it wrote is recorded on the node in C(/var/lib/airgap-containerd/record.json), readable by root alone. From
    it the module knows what it may remove, what to restore with O(state=absent), and whether a restart is due.
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
      - Required with O(state=present), unless O(mirrors) say where everything comes from.
    type: str
  username:
    description: Username at the internal registry, such as Harbor's robot account.
    type: str
  password:
    description: Password at the internal registry.
    type: str
  upstreams:
    description:
      - Host namespaces to pull from the internal registry, as they stand in image names, such as V(docker.io) or
        V(registry.example.org:5000).
    type: list
    elements: str
    default: []
  extra_upstreams:
    description: More of O(upstreams), so that a default list need not be repeated.
    type: list
    elements: str
    default: []
  projects:
    description:
      - Harbor project, or any path below the registry, for each upstream; V(*) is for every upstream that is not
        named. Upstreams named here are mirrored too.
      - Instead of its name a mapping with C(project) and C(username) with C(password), or C(auth), or C(headers), for
        that project alone, as in O(endpoints) and in the place of those.
      - Harbor refuses images without a project, so it needs at least V(*). Flat registries need none.
    type: dict
    default: {}
  mirrors:
    description:
      - Where the images of an upstream come from, in full. An entry replaces all that follows from O(url) for this
        upstream; V(*) is for every upstream that is not named. O(url) is not needed where these say everything.
      - Each entry is a list of endpoints in the order of asking, or a mapping with C(endpoints), that list, and
        C(fallback), as O(fallback) for this upstream alone.
      - An endpoint is a URL, or a mapping with C(url) and any of C(project) (Harbor project or deeper path), C(path)
        (the whole path of the API, such as V(/v2/project), instead of C(project)), C(capabilities) (V(pull),
        V(resolve), V(push), V(referrers); by default the first two) and C(dial_timeout) (such as V(5s)). C(username)
        with C(password), C(auth) and C(headers) are for this endpoint of this upstream alone, as in O(endpoints) and
        in the place of those.
    type: dict
    default: {}
  endpoints:
    description:
      - What it takes to be let in at an endpoint, keyed by its URL or host[:port], never by an upstream's name.
      - A login is C(username) with C(password), or C(identity_token), or C(auth), a prepared C(Authorization) header
        or the base64 of V(user:password).
      - C(headers) are sent with every request.
      - C(ca), C(client_cert) and C(client_key) are PEM text or files on the controller, or, with C(remote_src=true),
        paths on the node. C(skip_verify=true) trusts any certificate.
    type: dict
    default: {}
  catch_all:
    description:
      - Whether registries that are not listed come from the internal one too.
      - On by default. With containerd 1.5.0 to 1.6.16 the default is given up with a warning, and V(true) is an error.
    type: bool
  direct:
    description: Registries that are left alone, whatever O(catch_all) says.
    type: list
    elements: str
    default: []
  fallback:
    description:
      - V(none) asks nothing but the internal registry. V(upstream) asks the public registry when the internal one has
        not got the image.
      - The default is V(none). Legacy mode always asks the public registry last, there the default is given up with a
        warning, and V(none) is an error.
    type: str
    choices: [none, upstream]
  state:
    description:
      - V(absent) takes back what earlier runs wrote and restores what they replaced.
      - V(previous) undoes the last run that changed anything on the node. All files are what they were before it; of a
        file that somebody else changed since, a copy is kept. Only the last run can be undone, so that doing it again
        changes nothing. What V(absent) did cannot be undone, because it leaves no passwords on the node.
    type: str
    choices: [present, absent, previous]
    default: present
  mode:
    description: How containerd is configured. V(auto) takes C(config_path) wherever the node's containerd can.
    type: str
    choices: [auto, config_path, legacy]
    default: auto
  auth_method:
    description:
      - Where the login goes in C(config_path) mode. V(header) puts it into C(hosts.toml), where a change needs no
        restart; V(config) into C(config.toml).
      - V(auto) takes V(header), and V(config) beside it when containerd is older than 2.1 and O(preflight) finds that
        the registry insists on tokens.
    type: str
    choices: [auto, header, config]
    default: auto
  preflight:
    description:
      - Whether the node asks the registry with the login before anything is written. A refusal fails the node.
      - An endpoint that was asked before with the same login is not asked again.
    type: bool
    default: true
  prune:
    description: Whether files that earlier runs wrote and that are no longer wanted are removed.
    type: bool
    default: true
  migrate:
    description:
      - Whether settings of before that O(upstreams), O(mirrors) and the like do not name move to where this module
        writes, with their endpoints, certificates and logins. These are C(mirrors) and C(configs) in C(config.toml),
        and other directories in C(config_path); with O(mode=legacy) they are C(hosts.toml) files. If not, finding any
        is an error.
      - RV(migrated) tells each of them. O(state=absent) brings everything back as it was.
    type: bool
    default: true
  registries_yaml:
    description:
      - Whether RKE2 gets C(/etc/rancher/rke2/registries.yaml) too, which alone it reads for what it starts with. From
        its next start on its own C(hosts.toml) files of the upstreams in it take the place of those of this module.
      - RKE2 is not restarted; a warning says where it has to be. Means nothing on other nodes.
      - What it cannot express is an error - headers, two accounts for one host, capabilities and C(dial_timeout), and
        O(fallback=none) unless C(disable-default-registry-endpoint) is true in C(/etc/rancher/rke2/config.yaml).
    type: bool
    default: false
  restart:
    description: Whether containerd is restarted when, and only when, it does not know the configuration on disk.
    type: bool
    default: true
  restart_throttle:
    description: How many nodes of a run restart containerd at the same time; V(0) sets no limit.
    type: int
    default: 1
  restart_force:
    description:
      - Whether to restart even where the unit's C(KillMode) kills the node's pods, and without starting containerd on
        trial with the new configuration first.
    type: bool
    default: false
  restart_command:
    description:
      - Command that restarts containerd where systemd does not, a list of words or a string that is split as a shell
        does. No shell runs it.
    type: raw
  restart_timeout:
    description: Seconds that a restart may take until CRI answers, before everything is put back.
    type: int
    default: 60
  version:
    description:
      - The containerd release to configure for, such as V(1.7.24), instead of the one that is installed. For image
        builds, and for check mode before containerd is installed.
    type: str
  hosts_template:
    description:
      - Template of C(hosts.toml) instead of the role's own, which tells the variables. What it renders is checked as
        strictly.
    type: path
  verify:
    description:
      - Whether the node pulls the pause image of its pods and the O(verify_images) through CRI when all is applied, and
        removes them again, as M(airgap.containerd.containerd_pull) does. If one of them does not come from where it
        should, the task fails with what was seen and what to change. Not in check mode, and only with
        O(state=present).
    type: bool
    default: false
  verify_images:
    description: Images that O(verify=true) pulls, beside the pause image.
    type: list
    elements: str
    default: []
  from_variables:
    description:
      - Prefix of variables, such as V(containerd_registry_). An option that is not given has the value of the variable
        of its name with this prefix. Messages call the options by the names of the variables.
      - Variables whose names begin with the prefix and V(mirrors_), V(endpoints_) or V(projects_) are merged into these
        options, in the order of their names.
    type: str
    default: ""
  validate_only:
    description: Only check the options, on the controller, without connecting to the node.
    type: bool
    default: false
  fleet:
    description:
      - For playbooks that show all nodes together with M(airgap.containerd.containerd_report), as the playbook
        C(site) does. Warnings are then in RV(notes), and not printed for each node.
      - V(plan) changes nothing, as check mode does, and a node that cannot be changed is an answer, in RV(msg) without
        RV(pending), and no failure. V(change) is the run itself.
    type: str
    choices: [plan, change]
  planned:
    description: What the module returned with O(fleet=plan). A node with another plan by now is refused.
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

- name: Take it all back
  airgap.containerd.containerd_registry:
    state: absent
"""

RETURN = r"""
msg:
  description: What the node does now, in a sentence.
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
  description: Host namespaces that are configured; V(*) stands for every other one.
  type: list
  elements: str
  returned: success
migrated:
  description: What was carried over from settings of before, one sentence each.
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
  description: Whether the running containerd does not know the configuration on disk.
  type: bool
  returned: success
seconds_without_cri:
  description: How long CRI did not answer, from when the restart began; null without a restart.
  type: float
  returned: success
pending:
  description:
    - Whether a run would carry anything out on the node, which may also be to complete what a killed run left, to note
      something in the record, or to pull with O(verify=true).
  type: bool
  returned: with O(fleet=plan), if the node can be planned
docker:
  description: What became of the images in the Docker Engine beside the node's containerd, see RV(images).
  type: dict
  returned: with O(verify=true), where that is meant too
bystander:
  description: Whether Docker is on this host and nothing of Kubernetes.
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
      description: The file; null for the running containerd, which has to be restarted.
      type: str
    cause:
      description:
        - V(new_node) for a node that was never configured, V(variables) where these ask for something else than before,
          V(hand_edit), V(other_tool) or V(removed) for a file that somebody changed since the last run, V(restored) for
          one that is what it was before the first run, V(upgrade) for another containerd, V(restart) for whatever else
          makes one necessary.
      type: str
    seen:
      description: The same in words.
      type: str
    upstream:
      description: The one that the file is for; null for all of them.
      type: str
    changed_at:
      description: When somebody changed the file; null where it is as a run left it.
      type: str
    owner:
      description: The user ID that owns it then.
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
