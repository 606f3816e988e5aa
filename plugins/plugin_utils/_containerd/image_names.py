# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image names as CRI reads them: `busybox` becomes docker.io/library/busybox:latest.

Source: `ParseDockerRef` in reference/docker/reference.go of containerd and in github.com/distribution/reference, and
`Parse` in containerd's own pkg/reference.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

DOCKER_HUB = "docker.io"
_DOCKER_HUB_ALIAS = "index.docker.io"  # the one that becomes docker.io: others are host namespaces of their own

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_NAMES = rf"{_DOMAIN}(?:\.{_DOMAIN})*"
_IPV6 = r"\[[a-fA-F0-9:]+\]"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_ALGORITHMS = {"sha256": 64, "sha384": 96, "sha512": 128}
_MAX_NAME = 255


class ImageNameError(Refusal):
    """An image name that CRI refuses; the message says what is wrong and how to write it."""


class Reference(NamedTuple):
    """An image name in full."""

    host: str  # the host namespace: what containerd looks for in config_path or mirrors
    repository: str
    tag: str | None  # None where there is a digest: CRI drops the tag then
    digest: str | None

    @property
    def object(self) -> str:
        """What is asked of a registry's manifests endpoint."""
        return self.digest or self.tag or ""

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}{'@' if self.digest else ':'}{self.object}"


@lru_cache(maxsize=4096)
def _host_pattern(ipv6: bool) -> re.Pattern[str]:
    return re.compile(rf"(?:{_NAMES}{'|' + _IPV6 if ipv6 else ''})(?::[0-9]+)?")


def parse(image: Any, rel: Release) -> Reference:
    """Return what this containerd makes of an image name; raises ImageNameError."""
    if not isinstance(image, str) or not image:
        raise ImageNameError(f"image {_secrets.quoted(image)}: not a name")
    if image != image.strip() or "://" in image:
        host, slash, path = image.strip().rpartition("://")[2].partition("/")
        fix = f"write {host.rpartition('@')[2]}{slash}{path}" if host else "write a name"
        raise ImageNameError(f"image {_secrets.quoted(image)}: must not be a URL or contain blanks, {fix}")
    if re.fullmatch(r"[a-f0-9]{64}", image):
        raise ImageNameError(
            f"image {_secrets.quoted(image)}: this is an image's id, which cannot be pulled: give its name"
        )
    host, rest = _split(image, rel)
    if not _host_pattern(rel.ipv6_names).fullmatch(host):
        hint = f": containerd {rel} does not support IPv6 addresses in names" if host.startswith("[") else ""
        raise ImageNameError(f"image {_secrets.quoted(image)}: {host!r} is not HOST or HOST:PORT{hint}")
    rest, at, digest = rest.partition("@")
    repository, colon, tag = rest.partition(":")
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    _check(image, host, repository, rel)
    if colon and not _TAG.fullmatch(tag):
        raise ImageNameError(
            f"image {_secrets.quoted(image)}: {tag!r} is not a tag: up to 128 letters, digits, and _ . -"
        )
    if at:
        _check_digest(image, digest)
        return Reference(host, repository, None, digest)
    return Reference(host, repository, tag if colon else "latest", None)


def can_be_host(name: str) -> bool:
    """Whether there are images of this host namespace on any release, so that containerd looks for it."""
    return name != _DOCKER_HUB_ALIAS and bool(_host_pattern(True).fullmatch(name))


def _split(image: str, rel: Release) -> tuple[str, str]:
    """Split off the registry, as `splitDockerDomain` does."""
    first, slash, rest = image.partition("/")
    is_host = "." in first or ":" in first or first == "localhost"
    if rel.uppercase_hosts:
        is_host = is_host or first.lower() != first
    if not slash or not is_host:
        return DOCKER_HUB, image
    return DOCKER_HUB if first == _DOCKER_HUB_ALIAS else first, rest


def _check(image: str, host: str, repository: str, rel: Release) -> None:
    if not _PATH.fullmatch(repository.lower()):
        raise ImageNameError(
            f"image {_secrets.quoted(image)}: {repository!r} is not a repository: lower-case letters, digits, and "
            f". _ - / between them"
        )
    if repository.lower() != repository:
        named = "." in host and image.startswith(f"{host}/")
        fix = f"{host}{image[len(host) :].lower()}" if named else image.lower()
        raise ImageNameError(f"image {_secrets.quoted(image)}: repository names are in lower case, write {fix}")
    length = len(repository) if rel.uppercase_hosts else len(f"{host}/{repository}")
    if length > _MAX_NAME:
        raise ImageNameError(f"image {_secrets.quoted(image)}: the name has more than {_MAX_NAME} characters")


def _check_digest(image: str, digest: str) -> None:
    algorithm, dummy, value = digest.partition(":")
    right = _DIGEST.fullmatch(digest) and _ALGORITHMS.get(algorithm) == len(value)
    if not right or value.lower() != value:
        raise ImageNameError(
            f"image {_secrets.quoted(image)}: {digest!r} is not a digest: sha256: and 64 digits or letters a to f"
        )
