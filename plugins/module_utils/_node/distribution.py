# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Kubernetes distribution containerd belongs to, by what is on the node (see the control node's Distribution)."""

import glob
import os
import re

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, service, trust
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

_CLOSED = re.compile(rb"""^disable-default-registry-endpoint["']?[ \t]*:[ \t]*["']?true\b""", re.M | re.I)


def find(request):
    """Return that of ``request["distributions"]`` which is meant, None for none of them."""
    known = request.get("distributions") or []
    if request.get("distribution") in [each["name"] for each in known]:
        return next(each for each in known if each["name"] == request["distribution"])
    found = [each for each in known if _is_here(each)]
    names = [each["name"] for each in found]
    if any(map(manages, found)) and _is_another(request["service"], found):
        names.append("none")
    if len(names) > 1:
        whose = [name if name != "none" else "a service of its own" for name in names]
        text = "this node has more than one containerd (%s): set distribution to %s"
        raise wire.Failure(text % (", ".join(whose), " or ".join(names)))
    return found[0] if found else None


def _is_another(name, found):
    """Whether a containerd with a service of its own is here beside those that were found."""
    taken = places.DEFAULT_SOCKET in [each["socket"] for each in found]
    return service.unit(service.show(name)).found or bool(not taken and service.daemon(places.DEFAULT_SOCKET))


def manages(known):
    """Whether it, and nobody else, writes config.toml and restarts containerd."""
    return not known.get("mark")


def _is_here(known):
    """Whether it has written its configuration, and runs or is to run; the usual socket tells of no owner."""
    if not manages(known):
        return os.path.exists(known["mark"])
    if not os.path.exists(known["config_file"]):
        return False
    if known["socket"] == places.DEFAULT_SOCKET:
        return os.path.exists(known["binary"]) and bool(unit(known))
    return bool(service.daemon(known["socket"]) or unit(known))


def unit(known):
    """Return what systemd reports of the distribution's unit on this node; nothing where there is none."""
    shown = [service.show(name) for name in known["services"]]
    return next((each for each in shown if service.unit(each).found), [])


def start(known, found):
    """Return a Start with what is known of the distribution where containerd does not run."""
    return found._replace(
        program=found.program or known["binary"],
        config=found.config or known["config_file"],
        address=found.address or known["socket"],
        unknown=None,
    )


def reads_registries(known, daemon):
    """Whether a running one has read its registries.yaml as it is now."""
    about = filesystem.attributes(known["registries"]) if known["registries"] else None
    return bool(daemon and (about is None or about.ctime < daemon.started))


def fallback_is_off(known):
    """Whether its settings say that the public registries are not used; of them nothing else leaves the node."""
    path = known.get("settings")
    for each in [path] + sorted(glob.glob(path + ".d/*.yaml")) if path else []:
        if _CLOSED.search(filesystem.read(each) or b""):
            return True
    return False


def registries(known):
    """Return its registries.yaml as wire.pack makes it, None where there is none."""
    if not known["registries"]:
        return None
    if os.path.exists(known["registries"]):
        trust.check(known["registries"])
    return wire.pack(filesystem.read(known["registries"]))
