# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host namespaces: the registries in image names, with their directories below `config_path` and their URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import go_url, image_names
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

CATCH_ALL = "_default"
"""The directory for every registry without one of its own (containerd's name for `*`)."""

_DIRECTORY = re.compile(r"[A-Za-z0-9_[][A-Za-z0-9._:\[\]-]*")
"""Host namespaces, from variables or from a node's own config.toml, that can be a directory's name."""


def directory(namespace: str) -> str:
    """Return the directory name of a host namespace below `config_path`.

    `host_port_` is the first name that containerd looks for, so nothing else can shadow it (hostPaths,
    config_unix.go).
    """
    if namespace == "*":
        return CATCH_ALL
    if not _DIRECTORY.fullmatch(namespace):
        raise Refusal(f"{namespace!r} is not a registry name, so there is no directory for its hosts.toml")
    host, colon, port = namespace.rpartition(":")
    return f"{host}_{port}_" if colon and port.isdigit() else namespace


def namespace(name: str) -> str:
    """Return the host namespace of a directory below `config_path`."""
    if name == CATCH_ALL:
        return "*"
    match = re.fullmatch(r"(.+)_([0-9]+)_", name)
    return f"{match.group(1)}:{match.group(2)}" if match else name


def is_nameable(host: str) -> bool:
    """Return whether an image's name can begin with a registry's name (`splitDockerDomain`): busybox/x is Docker Hub's.

    Capitals make a registry of it in newer releases only.
    """
    return "." in host or ":" in host or host == "localhost" or host != host.lower()


def looked_up(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the directories below `config_path` that containerd looks for, each with its host namespace."""
    for name in names:
        found = namespace(name)
        if found == "*" or (is_nameable(found) and image_names.can_be_host(found)):
            yield name, found


def upstream_url(namespace: str) -> str:
    """Return the URL of the registry that a host namespace stands for."""
    return "https://registry-1.docker.io" if namespace == "docker.io" else f"https://{namespace}"


def is_on_the_node(namespace: str) -> bool:
    """Whether this is a registry on the node itself, which containerd asks in its own way (`docker.IsLocalhost`)."""
    return go_url.is_loopback(namespace)


def legacy_url(namespace: str, rel: Release) -> str:
    """Return the URL by which a registry is asked as containerd asks it in legacy mode (`defaultScheme`)."""
    if go_url.is_loopback(namespace, rel.loopback_names):
        return f"http://{namespace}"
    return upstream_url(namespace)


def upstream_host(namespace: str) -> str:
    """Return the host of the registry that a host namespace stands for."""
    return urlsplit(upstream_url(namespace)).netloc
