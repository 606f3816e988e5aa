# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images as ``docker pull`` does, and leave the node as it was; ``_cri/pull`` is the same through CRI."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from ansible_collections.airgap.containerd.plugins.module_utils._docker import engine
from ansible_collections.airgap.containerd.plugins.module_utils._docker.engine import EngineError

CALL_SECONDS = 30.0
MAX_ERROR = 2000  # characters of Docker's own words


def pull(request):
    """Pull images, and return for each what ``_cri/pull`` does; there is no pause image."""
    images = list(request["images"])
    with ThreadPoolExecutor(max_workers=max(request["parallel"], 1)) as pool:
        pulls = list(pool.map(lambda image: _pull(image, request), images))
    for each in pulls if not request["keep"] else []:
        if not each["present"] and not each["error"]:
            _remove(each)
    return pulls


def _pull(name, request):
    start = time.monotonic()
    try:
        found = _image(name)
        if found:
            return _result(name, found, present=True)
        _create(name, float(request["timeout"]), request["login"])
        return _result(name, _image(name), seconds=time.monotonic() - start)
    except EngineError as exc:
        return _result(name, seconds=time.monotonic() - start, error=exc)


def _image(name):
    """Return what Docker knows of an image, None where it has none of this name."""
    try:
        return engine.asked("GET", "/images/%s/json" % quote(name), CALL_SECONDS)
    except EngineError as exc:
        if exc.status == 404:
            return None
        raise


def _create(name, timeout, login):
    """Pull; an error can be the status of the answer, or a line in the stream after it."""
    headers = {}
    if login:
        secret = json.dumps({"username": login[0], "password": login[1]}).encode("utf-8")
        headers["X-Registry-Auth"] = base64.urlsafe_b64encode(secret).decode("ascii")
    repository, tag = _parts(name)
    path = "/images/create?fromImage=%s&tag=%s" % (quote(repository, safe=""), quote(tag, safe=""))
    for line in engine.ask("POST", path, timeout, headers).splitlines():
        try:
            error = json.loads(line).get("error")
        except (ValueError, AttributeError, RecursionError):
            continue
        if error:
            raise EngineError(500, str(error))


def _parts(name):
    """Return repository and tag, or digest, of an image; without a tag Docker would pull them all."""
    repository, at, digest = name.partition("@")
    if at:
        return repository, digest
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def _result(name, found=None, present=False, seconds=None, error=None):
    code = None
    if error:
        code = {0: "UNAVAILABLE", 404: "NOT_FOUND"}.get(error.status, "UNKNOWN")
        code = "DEADLINE_EXCEEDED" if error.message.startswith("no answer in ") else code
    return {
        "image": name,
        "present": present,
        "digest": _digest(found) if found else None,
        "bytes": found.get("Size") if found and not present else None,
        "seconds": None if seconds is None else round(seconds, 2),
        "error": {"code": code, "message": error.message[:MAX_ERROR]} if error else None,
        "removed": False,
        "kept": None,
    }


def _digest(found):
    names = found.get("RepoDigests") or ["@"]
    return str(names[0]).partition("@")[2] or None


def _remove(pulled):
    """Take the name away again that was pulled here; what a container uses Docker keeps by itself."""
    try:
        engine.ask("DELETE", "/images/%s" % quote(pulled["image"]), CALL_SECONDS)
        pulled["removed"] = True
    except EngineError as exc:
        used = exc.status == 409
        pulled["kept"] = "a container uses it" if used else "it could not be removed: %s" % exc.message[:MAX_ERROR]
