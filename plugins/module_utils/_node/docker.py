# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Engine on the node, as one containerd of it: it reads hosts.toml files itself, with containerd's library."""

import os

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, process, service
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective

_SECONDS = 10
_PROXIES = (("HTTP_PROXY", "HttpProxy"), ("HTTPS_PROXY", "HttpsProxy"), ("NO_PROXY", "NoProxy"))


def is_alone(request, record):
    """Whether Docker is meant where the user named no containerd: it runs, and nothing else on the node needs one.

    Where the role has configured the containerd behind it, that one stays in its care.
    """
    asked = request.get("docker") is not False and request.get("may_be_docker")
    return bool(asked and is_host() and not record.get("config") and (_has_files(record) or _runs()))


def is_host():
    """Whether Docker is here and nothing of Kubernetes."""
    return os.path.exists(places.DOCKER) and not any(map(os.path.exists, places.KUBERNETES))


def is_wanted(request, record):
    """Whether Docker's files are wanted beside those of the node's containerd, or were in an earlier run."""
    asked = request.get("docker")
    if asked is None:
        asked = _has_files(record)
    return bool(asked) and (os.path.exists(places.DOCKER) or any(map(os.path.exists, places.DOCKER_PROGRAMS)))


def _has_files(record):
    """Whether an earlier run gave Docker any."""
    return any(path.startswith(places.DOCKER_HOSTS_DIR + "/") for path in record.get("files") or {})


def _runs():
    return any(map(_is_docker, process.below_our_root()))


def changes():
    """Return what of an Observation is another thing for Docker than for the node's containerd (see `observe`)."""
    from ansible_collections.airgap.containerd.plugins.module_utils._docker import engine  # with http

    found, error = {}, None
    if not _runs():  # systemd would start it for whoever asks on its socket
        error = "it does not run"
    else:
        try:
            found = engine.asked("GET", "/info", _SECONDS)
        except engine.EngineError as exc:
            error = "it does not answer on %s: %s" % (places.DOCKER, exc.message)
    version = found.get("ServerVersion")
    environment = ["%s=%s" % (name, found.get(key) or "") for name, key in _PROXIES]
    return {
        "binary": "dockerd",
        "version": "Docker version %s" % version if version else None,
        "version_error": None if version else error or "it does not report its version",
        "config": filesystem.look(places.DOCKER_CONFIG)._replace(content=None, sha256=None, attributes=None),
        "effective": Effective(config_path=places.DOCKER_HOSTS_DIR),
        "imports": [],
        "roots": {},
        "config_held": None,
        "socket": places.DOCKER,
        "daemon": None if error else service.daemon(places.DOCKER),
        "started_with": {
            "next_config": None,
            "running_config": None,
            "unknown": None,
            "running": process.proxies(environment),
            "next": process.proxies(environment),
            "replaced": False,
        },
        "cri_error": None,
        "registries": None,
        "distribution": "docker",
        "engine": {
            "store": [str(each[1]) for each in _list(found, "DriverStatus") if _is_pair(each)],
            "registries": _registries(_dict(found, "RegistryConfig")),
            "file": wire.pack(filesystem.read(places.DOCKER_CONFIG)),
        },
    }


def _is_docker(pid):
    return os.path.basename(process.link(pid, "exe").partition(" ")[0]) == "dockerd"


def _registries(found):
    """Return what the running engine knows of registries by its own settings, as daemon.json spells it."""
    indexes = _dict(found, "IndexConfigs")
    insecure = [name for name in indexes if not _dict(indexes, name).get("Secure")]
    return {
        "mirrors": [str(each) for each in _list(found, "Mirrors")],
        "insecure": sorted(insecure + [str(each) for each in _list(found, "InsecureRegistryCIDRs")]),
    }


def _is_pair(each):
    return isinstance(each, list) and len(each) == 2 and each[0] == "driver-type"


def _dict(data, key):
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _list(data, key):
    found = data.get(key)
    return found if isinstance(found, list) else []
