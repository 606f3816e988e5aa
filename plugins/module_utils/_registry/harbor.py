# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at projects through Harbor's own API (api/v2.0/swagger.yaml in Harbor's tree) and through its registry's."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from ansible_collections.airgap.containerd.plugins.module_utils._registry import preflight, probe, web

_NOTHING = "airgap-containerd-probe/none/manifests/none"  # an image that no project has, in a repository of two parts
_PARALLEL = 4
_ROBOT = re.compile(r"[^,=]*?\$(?:([a-z0-9._-]+)\+)?([a-z0-9._-]+)\Z")  # prefix, project of a project's robot, name


def look(request):
    """Return what each Harbor in ``request["harbors"]`` says of its projects.

    A Harbor is ``{url, projects, login, reader, tls, robot}``: ``projects`` are names, ``login`` and ``reader``
    Authorization headers or None (of the account that pulls, and of the one that is used for the API), ``tls`` as for
    preflight.probe, ``robot`` the name of the robot account that pulls, or None. Returns ``{"harbors": [[{name, status,
    registry_id, upstream, answer}]], "robots": [{expires_at, disabled}]}``: ``status`` of the API's answer (None: it
    gave none), ``registry_id`` of a proxy cache, and the URL of its ``upstream`` if the account may see that;
    ``answer`` is what the account that pulls gets for an image that does not exist (see probe.probe). Of a robot
    account that may be seen ``expires_at`` is in seconds since the epoch, -1 for never; None: it may not be seen.
    """
    found = [_harbor(each) for each in request["harbors"]]
    return {"harbors": [projects for projects, robot in found], "robots": [robot for projects, robot in found]}


def _harbor(asked):
    with preflight.files(asked["tls"]) as tls:
        request = dict(asked, tls=tls)
        found = _projects(request)
        answers = any(each["status"] is not None for each in found)
        return found, _robot(request) if asked["robot"] and answers else None


def _projects(request):
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        return list(pool.map(lambda name: _project(name, request), request["projects"]))


def _project(name, request):
    """Query the registry first: where it does not answer at all, the API is not waited for."""
    headers = {"Authorization": request["login"]} if request["login"] else {}
    url = "%s/v2/%s/%s" % (request["url"], name, _NOTHING)
    endpoint = {"url": url, "headers": headers, "login": request["login"], "tls": request["tls"]}
    answer = probe.ask(endpoint, [request["reader"]])
    found = {"name": name, "status": None, "registry_id": None, "upstream": None, "answer": answer}
    if answer["failure"] and answer["failure"] not in ("token", "credentials"):
        return found
    talk = web.Conversation(request["tls"], timeout=probe.SECONDS)
    if request["login"]:
        talk.keep("Authorization", request["login"])
    found["status"], project = _get("projects/" + quote(name, safe=""), request, talk)
    number = project.get("registry_id")
    if isinstance(number, int) and number > 0:
        upstream = _get("registries/%d" % number, request, talk)[1].get("url")
        found.update(registry_id=number, upstream=talk.told(upstream) if isinstance(upstream, str) else None)
    return found


def _robot(request):
    """Return when a robot account expires and whether it is switched off; None where that may not be seen."""
    match = _ROBOT.match(request["robot"])
    if not match:
        return None
    talk = web.Conversation(request["tls"], timeout=probe.SECONDS)
    query = "name=~%s" % match.group(2)
    if match.group(1):
        number = _get("projects/" + quote(match.group(1), safe=""), request, talk)[1].get("project_id")
        if not isinstance(number, int):
            return None
        query += ",Level=project,ProjectID=%d" % number
    try:
        answer = _send("robots?page_size=100&q=" + quote(query, safe="~"), request, talk)
    except web.Failure:
        return None
    for each in web.data(answer.body, list) if answer.status == 200 else ():
        if isinstance(each, dict) and each.get("name") == request["robot"]:
            expires = each.get("expires_at")
            known = isinstance(expires, int) and not isinstance(expires, bool)
            return {"expires_at": expires if known else None, "disabled": each.get("disable") is True}
    return None


def _get(path, request, talk):
    """Return the status and the object that the API answers with; None and nothing where there is no API."""
    try:
        answer = _send(path, request, talk)
    except web.Failure:
        return None, {}
    found = web.data(answer.body)
    return (answer.status, found) if found and (answer.status == 200 or "errors" in found) else (None, {})


def _send(path, request, talk):
    """Query the API. Raises Failure."""
    # Without this header Harbor takes a name of digits for a project's number.
    headers = {"Accept": "application/json", "X-Is-Resource-Name": "true"}
    if request["reader"]:
        headers["Authorization"] = request["reader"]
    return talk.send("GET", "%s/api/v2.0/%s" % (request["url"], path), headers)
