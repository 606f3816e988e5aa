# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a registry, from the node, whether it is there and takes the credentials, before anything is written."""

from ansible_collections.airgap.containerd.plugins.module_utils import _registry


def probe(url, authorization):
    """Ask ``url`` (it ends in /v2/) once with ``authorization`` (None: anonymously).

    Returns ``{"auth": "basic" | "bearer" | "none", "error": None | str}``. ``bearer`` means that the registry does
    not take the header on /v2/ itself and insists on a token from its token service.
    """
    try:
        return {"auth": _probe(url, authorization), "error": None}
    except _registry.Failure as exc:
        return {"auth": None, "error": str(exc)}


def _probe(url, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    status, headers, body = _registry.send("GET", url, headers)
    if status == 200:
        kind = (headers.get("Content-Type") or "").split(";")[0]
        if kind == "text/html" or body[:1] == b"<":
            raise _registry.Failure("answer", "it answers with a web page: this is not the address of a registry")
        return "basic" if authorization else "none"
    if status == 401:
        scheme, parameters = _registry.challenge(headers)
        if scheme == "bearer":
            _registry.token(parameters, authorization)
            return "bearer"
        if authorization:
            raise _registry.Failure("answer", "it refuses the username and password (status 401)")
        raise _registry.Failure("answer", "it wants a username and password (status 401)")
    raise _registry.Failure("answer", "it answers with status %d where a registry answers 200 or 401" % status)
