# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides beside the configuration which images a node can pull, and which it has."""

import os
import shutil
import struct

from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError
from ansible_collections.airgap.containerd.plugins.module_utils._docker import images as docker
from ansible_collections.airgap.containerd.plugins.module_utils._docker.engine import EngineError
from ansible_collections.airgap.containerd.plugins.module_utils._node import observe

_CALL_SECONDS = 30.0
_MAX_NAMES = 5001  # one more than a task checks, which the control node then says


def survey(request):
    """Read the node; return ``{observed, machine, program, images, images_error, foretold, answers}``.

    ``machine`` is what the kernel calls it, ``program`` what containerd's executable is for, as ``{machine, little}``
    (the number of ELF, and the byte order), or None. ``images`` are the names of those that the node has, each as
    ``{name, used}``, if ``request["images"]`` says so and all who have some answer; else None, and ``images_error``
    says why. Of ``request["foretold"]``, a list of ``{since, images}``, the last one that is not since a later release
    is queried: ``foretold`` is its number, None where there is none, and ``answers`` are those of probe.probe.
    """
    observed = observe.observe(request["node"])
    images, error = None, None
    if request["images"]:
        try:
            images = _images(observed)
        except (CriError, EngineError) as exc:
            error = str(exc)
    foretold = request.get("foretold") or []
    release = [] if observed.get("engine") else observe.release(observed.get("version"))
    numbers = [number for number, each in enumerate(foretold) if release and each["since"] <= release]
    wanted = foretold[numbers[-1]]["images"] if numbers else []
    return {
        "observed": observed,
        "machine": os.uname().machine,
        "program": _program(observed["binary"]),
        "images": images,
        "images_error": error,
        "foretold": numbers[-1] if numbers else None,
        "answers": _answers(wanted) if wanted else [],
    }


def _answers(images):
    """Return what endpoints answer; see probe.probe."""
    from ansible_collections.airgap.containerd.plugins.module_utils._registry import probe  # not needed otherwise

    return probe.probe({"images": images, "platforms": True})["images"]


def _program(binary):
    """Return what an executable is for, from the first bytes of its ELF header."""
    try:
        with open(shutil.which(binary) or binary, "rb") as handle:
            head = handle.read(20)
    except (OSError, IOError):
        return None
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return None
    little = head[5] == 1
    return {"machine": struct.unpack("<H" if little else ">H", head[18:20])[0], "little": little}


def _images(observed):
    """Return the node's images by the names with which they can be pulled: tags, digests where there are none.

    Those of Docker too, where that is meant, alone or in addition to the node's containerd.
    """
    found = {}
    if not observed.get("engine"):
        client = Client(observed["socket"], timeout=_CALL_SECONDS)
        _add(found, client.images(), client.used_images())
    beside = observed if observed.get("engine") else observed.get("docker")
    if beside:
        _add_of_docker(found, beside)
    return [{"name": name, "used": found[name]} for name in sorted(found)[:_MAX_NAMES]]


def _add_of_docker(found, observed):
    try:
        if not observed["version"]:  # systemd would start it for whoever asks on its socket
            raise EngineError(0, observed["version_error"])
        _add(found, docker.images(_CALL_SECONDS), docker.used_images(_CALL_SECONDS))
    except EngineError as exc:
        raise EngineError(exc.status, "Docker does not list its images: %s" % exc.message) from None


def _add(found, images, used):
    for each in images:
        for name in each["tags"] or each["digests"][:1]:
            found[name] = found.get(name, False) or each["id"] in used or name in used
