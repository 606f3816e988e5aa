# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are on a node."""

import hashlib
import os
import re
from typing import Match, Optional

DEFAULT_CONFIG = "/etc/containerd/config.toml"
DEFAULT_HOSTS_DIR = "/etc/containerd/certs.d"
DEFAULT_ROOTS = DEFAULT_HOSTS_DIR + ":/etc/docker/certs.d"  # where newer releases look if no config_path is set
DEFAULT_SOCKET = "/run/containerd/containerd.sock"
SCRATCH = "/run"  # in memory
STATE_DIR = "/var/lib/airgap-containerd"
RECORD = "record"
DOCKER = "/run/docker.sock"
DOCKER_PROGRAMS = ("/usr/bin/dockerd", "/usr/sbin/dockerd")
DOCKER_CONFIG = "/etc/docker/daemon.json"
DOCKER_HOSTS_DIR = "/etc/docker/certs.d"
KUBERNETES = (  # what a node of some distribution has even before it is one of a cluster
    "/etc/kubernetes", "/opt/bin/kubelet", "/usr/bin/kubelet", "/usr/local/bin/kubelet", "/usr/local/bin/k0s",
    "/usr/local/bin/k3s", "/usr/local/bin/rke2", "/usr/bin/rke2", "/var/lib/kubelet", "/var/lib/rancher",
    "/var/snap/k8s", "/var/snap/microk8s",
)  # fmt: skip
ITS_OWN = "has a containerd of its own"  # what is said of a distribution of Kubernetes

_GLOB = re.compile(r"\\(.)|\[(\^?)((?:\\.|[^\\\]])+)\]|([^\\\[])", re.S)


def absolute(path: str) -> str:
    """Return a path normalised, and absolute: no slash at its end, none doubled, no dots."""
    return "/" + os.path.normpath(path).lstrip("/")


def is_glob(path: str) -> bool:
    """Return whether containerd takes an entry of `imports` for a pattern."""
    return "*" in path


def matches(name: str, pattern: str) -> bool:
    """Return whether this is a name for a part of a pattern, as Go's `filepath.Match`: a hidden file is like others."""
    try:
        return bool(re.match("(?s)" + _GLOB.sub(_regex, pattern) + r"\Z", name))
    except re.error:  # a malformed one means nothing
        return False


def _regex(match: Match[str]) -> str:
    escaped, negated, characters, plain = match.groups()
    if characters:
        inner = re.sub(r"\\(.)|[\[^&~|]", lambda each: re.escape(each.group(1) or each.group()), characters)
        return "[%s%s]" % (negated, inner)
    return {"*": ".*", "?": "."}.get(plain) or re.escape(escaped or plain)


def digest(data: Optional[bytes]) -> Optional[str]:
    """Return the hex SHA-256 of bytes, or None for None (an absent file)."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def certificates(hosts_dir: str) -> str:
    """Return the directory of CAs, client certificates and keys, which is beside ``hosts_dir``."""
    return os.path.join(os.path.dirname(hosts_dir.rstrip("/")), "registry-tls")


def state_file(name: str) -> str:
    """Return where RECORD, or the state before a run, is."""
    return os.path.join(STATE_DIR, name + ".json")
