# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller decides with and the node must see alike: places, digests, and what both check.

Besides this and what it imports, the controller takes _wire alone of the node half: ansible-core compiles in every run
what is imported.
"""

import hashlib
import json
import os

from ansible_collections.airgap.containerd.plugins.module_utils import _complaint

DEFAULT_CONFIG = "/etc/containerd/config.toml"
DEFAULT_HOSTS_DIR = "/etc/containerd/certs.d"
DEFAULT_ROOTS = DEFAULT_HOSTS_DIR + ":/etc/docker/certs.d"  # where newer releases look if no config_path is set
DEFAULT_SOCKET = "/run/containerd/containerd.sock"
STATE_DIR = "/var/lib/airgap-containerd"
RECORD = "record"


def digest(data):
    """Return the hex SHA-256 of bytes, or None for None (an absent file)."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def auth_digest(auth):
    """Return a digest of a ``configs."HOST".auth`` table, so that it can be compared without being sent."""
    wanted = {key: value for key, value in (auth or {}).items() if value not in ("", None)}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode("utf-8")).hexdigest() if wanted else None


def certificates(hosts_dir):
    """Return the directory of CAs, client certificates and keys, which is beside ``hosts_dir``."""
    return os.path.join(os.path.dirname(hosts_dir.rstrip("/")), "registry-tls")


def state_file(name):
    """Return where RECORD, or a state of before a run, is."""
    return os.path.join(STATE_DIR, name + ".json")


def why_not_effective(found, wanted, imports):
    """Return why the effective configuration ``found`` is not the one ``wanted``, or None.

    ``wanted``: ``{config_path, mirrors, tls, plugins}``, or without any of them if it is enough that containerd accepts
    the file. Every wanted mirror must be there with just its endpoints; with a ``config_path`` there must be no mirror
    at all, and no ``configs.*.tls`` table unless ``tls`` allows it; ``plugins`` must not be disabled. ``imports`` are
    the imported files (see _observe.import_files), which are where a difference comes from.
    """
    reason = _difference(found, wanted)
    if reason and imports:
        reason += ". It comes from a file that config.toml imports: %s" % ", ".join(each["path"] for each in imports)
    return reason


def _difference(found, wanted):
    if found["error"]:
        return "containerd does not accept the configuration: %s" % found["error"]
    if "config_path" not in wanted:
        return None
    if found["config_path"] != wanted["config_path"]:
        return "config_path is %r instead of %r in effect" % (found["config_path"], wanted["config_path"])
    for host, endpoints in sorted(wanted["mirrors"].items()):
        if found["mirrors"].get(host) != endpoints:
            found_there = _complaint.without_logins("%r" % (found["mirrors"].get(host),))
            return "mirrors.%r is %s instead of %r in effect" % (host, found_there, endpoints)
    if wanted["config_path"] and found["mirrors"]:
        return "mirrors are set beside config_path (%s), and CRI does not load with both" % ", ".join(
            sorted(found["mirrors"])
        )
    tls = sorted(host for host, each in found["configs"].items() if each["tls"])
    if wanted["config_path"] and tls and not wanted["tls"]:
        return "configs.*.tls is set beside config_path (%s), and CRI does not load with both" % ", ".join(tls)
    disabled = [each for each in found["disabled_plugins"] if each in wanted["plugins"]]
    if disabled:
        return "the CRI plugin is disabled (%s)" % ", ".join(disabled)
    return None


def kill_mode_refusal(name, found):
    """Return why restarting the unit would kill pods, or None."""
    if not found["found"] or found["kill_mode"] in ("process", "none"):
        return None
    return (
        "restarting %s would kill the pods of this node: its unit has KillMode=%s. Put [Service] KillMode=process into "
        "/etc/systemd/system/%s.service.d/killmode.conf and run systemctl daemon-reload, or set restart_force"
        % (name, found["kill_mode"], name)
    )
