# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images through CRI, as the kubelet does, and leave the node as it was."""

import time
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts

CALL_SECONDS = 30.0
MAX_ERROR = 2000  # characters of containerd's own words


def pull(socket, request, pause):
    """Pull images, and return for each, in order, ``{image, present, digest, bytes, seconds, error, removed, kept}``.

    ``request``: ``{images (names), timeout (seconds for each), parallel (how many at once), keep (whether those pulled
    stay), login (None or the username and password of a pull secret)}``; ``pause`` is the image that pods start with,
    to begin with, or None. ``present`` images were there before and are not pulled; ``error`` is ``{code, message}``.
    """
    images = verdicts.images_to_pull(request["images"], pause)
    client = Client(socket, timeout=CALL_SECONDS)
    try:
        before = set(image["id"] for image in client.images())
    except CriError as exc:
        pulls = [_result(image, error=exc) for image in images]
    else:
        with ThreadPoolExecutor(max_workers=max(request["parallel"], 1)) as pool:
            pulls = list(pool.map(lambda image: _pull(client, image, request), images))
        if not request["keep"]:
            _clean_up(client, pulls, before)
    for each in pulls:
        each.pop("id")
    return pulls


def _pull(client, name, request):
    start = time.monotonic()
    try:
        found = client.image(name)
        if found:
            return _result(name, found, present=True)
        client.pull(name, timeout=float(request["timeout"]), auth=request["login"])
        return _result(name, client.image(name), seconds=time.monotonic() - start)
    except CriError as exc:
        return _result(name, seconds=time.monotonic() - start, error=exc)


def _result(name, found=None, present=False, seconds=None, error=None):
    return {
        "image": name,
        "id": found["id"] if found else None,
        "present": present,
        "digest": _digest(name, found["digests"]) if found else None,
        "bytes": found["size"] if found and not present else None,
        "seconds": None if seconds is None else round(seconds, 2),
        "error": {"code": error.code, "message": error.message[:MAX_ERROR]} if error else None,
        "removed": False,
        "kept": None,
    }


def _digest(name, digests):
    """Return the digest under which the image is known by this name, or else by any other."""
    repository = name.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    named = [each for each in digests if each.partition("@")[0] == repository]
    return (named or digests or ["@"])[0].partition("@")[2] or None


def _clean_up(client, pulls, before):
    """Remove what was pulled here, and nothing that anything else may need: see the reasons for what is kept."""
    for each in pulls:
        if each["present"] or each["error"] or not each["id"]:
            continue
        try:
            each["kept"] = _why_kept(client, each, before)
            if not each["kept"]:
                client.remove(each["image"])
                each["removed"] = True
        except CriError as exc:
            each["kept"] = "it could not be removed: %s" % str(exc)[:MAX_ERROR]


def _why_kept(client, pulled, before):
    # CRI removes an image with all its names, also those that others gave it.
    if pulled["id"] in before:
        return "the node had it under another name"
    if _is_pause(pulled["image"]):
        return "pods need a pause image"
    found = client.image(pulled["image"])
    if found and found["pinned"]:
        return "it is pinned"
    used = client.used_images()
    if pulled["id"] in used or pulled["image"] in used:
        return "a container uses it"
    return None


def _is_pause(name):
    return name.partition("@")[0].rpartition("/")[2].partition(":")[0] == "pause"
