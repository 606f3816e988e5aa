# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the endpoints of an image for its manifest from the node, as containerd would, to see what each one answers."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.airgap.containerd.plugins.module_utils._registry import web
from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts

MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "*/*",
    )
)
MAX_TEXT = 300
SECONDS = 5.0  # for each endpoint; the settings may name many that do not answer
_PARALLEL = 8


def probe(request):
    """Ask the endpoints in each list of ``request["images"]`` in turn, until one has the manifest.

    Returns ``{"images": [[answer]]}`` in the same order; the endpoints behind one that serves have no answer. An
    endpoint is ``{url, headers, login, tls}``: the manifest's URL, the headers that are sent at once, the Authorization
    header (or None) that answers a challenge, and TLS options (see _registry.send). An answer is ``{failure, message,
    status, kind, digest, challenge, realm, anonymous}``: ``failure`` is a kind of _registry.Failure or None,
    ``message`` its sentence or else the registry's own words, ``status`` the last HTTP status and ``kind`` its media
    type, ``digest`` that of the manifest, ``challenge`` and ``realm`` what the registry asked for first, ``anonymous``
    the status without any credentials where those that were sent were refused.
    """
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        return {"images": list(pool.map(_image, request["images"]))}


def _image(endpoints):
    answers = []
    for endpoint in endpoints:
        answers.append(ask(endpoint))
        if verdicts.serves(answers[-1]["status"], answers[-1]["kind"]):
            break
    return answers


def ask(endpoint):
    """Ask one endpoint; see probe."""
    answer = dict.fromkeys(("failure", "message", "status", "kind", "digest", "challenge", "realm", "anonymous"), None)
    try:
        _ask(endpoint, answer)
    except web.Failure as exc:
        answer.update(failure=exc.kind, message=str(exc)[:MAX_TEXT])
    except ValueError as exc:  # a URL or a header that the HTTP client refuses
        answer.update(failure="no_http", message=str(exc)[:MAX_TEXT])
    return answer


def _ask(endpoint, answer):
    headers = dict(endpoint["headers"], Accept=MANIFESTS)
    found = _manifest(endpoint, headers, answer)
    answer["challenge"], parameters = web.challenge(found)
    answer["realm"] = parameters.get("realm")
    if answer["status"] != 401 or not answer["challenge"]:
        return
    authorization = endpoint["headers"].get("Authorization")
    login = endpoint["login"]
    if answer["challenge"] == "bearer":
        word = web.token(parameters, login or authorization, tls=endpoint["tls"])
        _manifest(endpoint, dict(headers, Authorization="Bearer " + word), answer)
    elif login:
        _manifest(endpoint, dict(headers, Authorization=login), answer)
    if answer["status"] in (401, 403) and (login or authorization):
        without = {name: value for name, value in headers.items() if name != "Authorization"}
        answer["anonymous"] = web.send("HEAD", endpoint["url"], without, endpoint["tls"], timeout=SECONDS)[0]


def _manifest(endpoint, headers, answer):
    """Ask with HEAD, and with GET for the reason unless that is the login; note the answer and return its headers."""
    status, found, dummy = web.send("HEAD", endpoint["url"], headers, endpoint["tls"], timeout=SECONDS)
    body = b""
    if status >= 400 and not web.challenge(found)[0]:
        status, found, body = web.send("GET", endpoint["url"], headers, endpoint["tls"], timeout=SECONDS)
    answer["status"] = status
    answer["kind"] = (found.get("Content-Type") or "").partition(";")[0].strip().lower()[:MAX_TEXT]
    answer["digest"] = (found.get("Docker-Content-Digest") or "")[:MAX_TEXT] or None
    answer["message"] = _words(body)
    return found


def _words(body):
    """Return what an answer says for itself: the message of the registry API, or the beginning of any other text."""
    text = body.decode("utf-8", "replace")
    try:
        errors = json.loads(text)["errors"]
        return "; ".join(str(each.get("message") or each.get("code")) for each in errors)[:MAX_TEXT] or None
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(re.sub("<[^<>]*>", " ", text[: 10 * MAX_TEXT]).split())[:MAX_TEXT] or None
