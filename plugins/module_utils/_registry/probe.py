# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Query the endpoints of an image for its manifest from the node, as containerd would, to see what each one answers."""

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
SECONDS = 5.0  # for each request; the settings may name many endpoints that do not answer
_TOTAL = 20.0  # for all requests to one endpoint
_PARALLEL = 8
_DIGEST = re.compile(r"[a-z0-9+._-]{1,32}:[0-9a-f]{32,128}\Z")
_INDEXES = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
_MAX_PLATFORMS = 200
_EMPTY = (
    "failure", "message", "status", "kind", "digest", "challenge", "realm", "location", "anonymous", "login",
    "platforms",
)  # fmt: skip


def probe(request):
    """Query the endpoints in each list of ``request["images"]`` in turn, until one has the manifest.

    Returns ``{"images": [[answer]]}`` in the same order; the endpoints behind one that serves have no answer. An
    endpoint is ``{url, headers, login, tls}``: the manifest's URL, the headers that are sent at once, the Authorization
    header (or None) that answers a challenge, and TLS options (see web.Conversation). An answer is ``{failure, message,
    status, kind, digest, challenge, realm, location, anonymous, login}``: ``failure`` is a kind of web.Failure or None,
    ``message`` its sentence or else the registry's own words, ``status`` the last HTTP status and ``kind`` its media
    type, ``digest`` that of the manifest, ``challenge`` and ``realm`` (scheme and host of it) what the registry asked
    for first, ``location`` the scheme and host to which it redirects. Where the credentials that were sent were refused
    ``anonymous`` is the status without any, and ``login`` tells whether the registry takes them elsewhere. With
    ``request["platforms"]`` indexes are read, and ``platforms`` are those in one, each OS/ARCHITECTURE or
    OS/ARCHITECTURE/VARIANT, "" for one that is not known; None for everything else.
    """
    silent = {}
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        platforms = bool(request.get("platforms"))
        return {"images": list(pool.map(lambda endpoints: _image(endpoints, silent, platforms), request["images"]))}


def _image(endpoints, silent, platforms):
    """Return the answers for one image; ``silent`` are the answers of hosts that nobody need wait for again."""
    answers = []
    for endpoint in endpoints:
        host = web.place(endpoint["url"])
        answer = silent.get(host) or ask(endpoint, platforms=platforms)
        if answer["failure"] in ("dns", "timeout"):
            silent[host] = answer
        answers.append(answer)
        if verdicts.serves(answer["status"], answer["kind"]):
            break
    return answers


def ask(endpoint, others=(), platforms=False):
    """Query one endpoint; see probe. ``others`` are credentials that it was sent besides."""
    answer = dict.fromkeys(_EMPTY)
    answer["platforms"] = [] if platforms else None
    talk = web.Conversation(endpoint["tls"], timeout=SECONDS, total=_TOTAL)
    for login in filter(None, (endpoint["login"], *others)):
        talk.keep("Authorization", login)
    try:
        _ask(endpoint, answer, talk)
    except web.Failure as exc:
        answer.update(failure=exc.kind, message=str(exc))
    except Exception as exc:  # the other endpoints are queried all the same
        answer.update(failure="lost", message="this node could not contact it (%s)" % type(exc).__name__)
    answer["platforms"] = [talk.told(each, 64) for each in answer["platforms"] or ()] or None
    told = ("message", "kind", "challenge", "realm", "location")
    return dict(answer, **{name: talk.told(answer[name] or "") or None for name in told})


def _ask(endpoint, answer, talk):
    headers = dict(endpoint["headers"], Accept=MANIFESTS)
    url, login, sent = endpoint["url"], endpoint["login"], endpoint["headers"].get("Authorization")
    found = _manifest(url, headers, answer, talk)
    answer["challenge"], parameters = web.challenge(found)
    answer["realm"] = web.place(parameters.get("realm") or "")
    if answer["status"] != 401 or not answer["challenge"]:
        return
    if answer["challenge"] == "bearer":
        name = "the credentials" if login or sent else "anonymous requests"
        word = talk.token(parameters, url, login or sent, name=name)
        _manifest(url, dict(headers, Authorization="Bearer " + word), answer, talk)
    elif login:
        _manifest(url, dict(headers, Authorization=login), answer, talk)
    if answer["status"] in (401, 403) and (login or sent):
        without = {name: value for name, value in headers.items() if name != "Authorization"}
        answer["anonymous"] = talk.send("HEAD", url, without).status
        answer["login"] = taken(url, dict(without, Authorization=login or sent), talk)


def taken(url, headers, talk):
    """Whether the registry accepts the credentials where no image is requested; None if it does not show that."""
    answer = talk.send("GET", url.partition("/v2/")[0] + "/v2/", headers)
    refused = answer.status == 401 and web.challenge(answer)[0] != "bearer"
    return True if answer.status == 200 else False if refused else None


def _manifest(url, headers, answer, talk):
    """Ask with HEAD, and with GET for the reason unless that is the credentials; note the Answer and return it."""
    found = talk.follow("HEAD", url, headers)
    body = b""
    if found.status >= 400 and not web.challenge(found)[0]:
        found = talk.follow("GET", url, headers)
        body = found.body
    answer["status"] = found.status
    answer["kind"] = talk.told(found.header("content-type")).partition(";")[0].strip().lower()
    digest = found.header("docker-content-digest")
    answer["digest"] = digest if _DIGEST.match(digest) else None
    answer["location"] = web.place(web.moved_to(found, url))
    answer["message"] = _words(body, talk)
    if answer["platforms"] is not None and found.status == 200 and answer["kind"] in _INDEXES:
        answer["platforms"] = _platforms(talk.follow("GET", url, headers))
    return found


def _platforms(answer):
    """Return the platforms in an index; none where it cannot be read."""
    listed = web.data(answer.body).get("manifests") if answer.status == 200 else None
    found = []
    for each in listed[:_MAX_PLATFORMS] if isinstance(listed, list) else ():
        named = each.get("platform") if isinstance(each, dict) else None
        parts = [named.get(key) for key in ("os", "architecture", "variant")] if isinstance(named, dict) else []
        found.append("/".join(part for part in parts if part and isinstance(part, str)))
    return found


def _words(body, talk):
    """Return what an answer says for itself: the message of the registry API, or the beginning of any other text."""
    errors = web.data(body).get("errors")
    if isinstance(errors, list):
        said = [each.get("message") or each.get("code") for each in errors[:10] if isinstance(each, dict)]
        return "; ".join(each for each in said if isinstance(each, str))
    text = talk.told(body[: 1 << 16].decode("utf-8", "replace"), 1 << 16)
    return re.sub("<[^<>]*>", " ", text)
