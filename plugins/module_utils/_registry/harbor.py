# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at projects through Harbor's own API (api/v2.0/swagger.yaml in Harbor's tree) and through its registry's."""

import json
from urllib.parse import quote

from ansible_collections.airgap.containerd.plugins.module_utils._registry import probe, web

_NOTHING = "airgap-containerd-probe/manifests/none"  # an image that no project has


def look(request):
    """Return what Harbor says of each project in ``request["projects"]`` (names).

    ``request``: ``url``, ``login`` and ``reader`` (Authorization headers or None: of the account that pulls, and of the
    one that the API is asked with), ``tls`` (see _registry.send). Returns ``{"projects": [{name, status, registry_id,
    upstream, answer}]}``: ``status`` of the API's answer (None: it gave none), ``registry_id`` of a proxy cache, and
    the URL of its ``upstream`` if the account may see that; ``answer`` is what the account that pulls is told about an
    image that is not there (see _probe.probe).
    """
    return {"projects": [_project(name, request) for name in request["projects"]]}


def _project(name, request):
    status, project = _get("projects/" + quote(name, safe=""), request)
    number = project.get("registry_id")
    number = number if isinstance(number, int) and number > 0 else None
    upstream = _get("registries/%d" % number, request)[1].get("url") if number else None
    headers = {"Authorization": request["login"]} if request["login"] else {}
    url = "%s/v2/%s/%s" % (request["url"], name, _NOTHING)
    return {
        "name": name,
        "status": status,
        "registry_id": number,
        "upstream": upstream if isinstance(upstream, str) else None,
        "answer": probe.ask({"url": url, "headers": headers, "login": request["login"], "tls": request["tls"]}),
    }


def _get(path, request):
    """Return the status and the object that the API answers with; None and nothing where there is no API."""
    # Without this header Harbor takes a name of digits for a project's number.
    headers = {"Accept": "application/json", "X-Is-Resource-Name": "true"}
    if request["reader"]:
        headers["Authorization"] = request["reader"]
    try:
        status, dummy, body = web.send("GET", "%s/api/v2.0/%s" % (request["url"], path), headers, request["tls"])
    except web.Failure:
        return None, {}
    try:
        found = json.loads(body.decode("utf-8")) if status == 200 else {}
    except ValueError:
        found = None
    return (status, found) if isinstance(found, dict) else (None, {})
