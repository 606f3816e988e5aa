# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that Docker Engine has, in the shape in which ``_cri/client`` returns those of a containerd."""

from ansible_collections.airgap.containerd.plugins.module_utils._docker import engine

_NAMELESS = ("<none>", "moby-dangling")  # what it calls images that have lost their name


def images(timeout):
    """Return the images as {id, tags, digests}; raises EngineError."""
    return [
        {"id": str(each.get("Id")), "tags": _names(each, "RepoTags"), "digests": _names(each, "RepoDigests")}
        for each in engine.listed("GET", "/images/json", timeout)
    ]


def used_images(timeout):
    """Return the names and ids of the images that containers are made of, running ones or not; raises EngineError."""
    containers = engine.listed("GET", "/containers/json?all=1", timeout)
    return {str(each.get(key)) for each in containers for key in ("Image", "ImageID")}


def _names(image, key):
    found = image.get(key)
    names = [str(each) for each in found] if isinstance(found, list) else []
    return [each for each in names if not each.startswith(_NAMELESS)]
