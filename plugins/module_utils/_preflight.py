# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a registry, from the node, whether it is there and takes the credentials, before anything is written."""

import http.client
import json
import re
import socket
import ssl
from urllib.parse import urlencode, urlsplit

_TIMEOUT = 10.0
_MAX_BODY = 1 << 20


class _Failure(Exception):
    """What stands in the way, in one sentence."""


def _get(url, authorization):
    """Send one GET, following nothing; return ``(status, headers, body)``."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT)
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    headers = {"Authorization": authorization} if authorization else {}
    try:
        connection.request("GET", target, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read(_MAX_BODY)
    except socket.gaierror as exc:
        raise _Failure("%s does not resolve on this node: add it to DNS or /etc/hosts" % parts.hostname) from exc
    except socket.timeout as exc:
        raise _Failure("%s did not answer within %d s" % (parts.netloc, _TIMEOUT)) from exc
    except ssl.SSLError as exc:
        raise _Failure("TLS with %s failed: %s" % (parts.netloc, exc.reason or exc)) from exc
    except http.client.HTTPException as exc:
        raise _Failure("%s does not speak HTTP here (%s)" % (parts.netloc, type(exc).__name__)) from exc
    except (OSError, IOError) as exc:
        raise _Failure("cannot connect to %s: %s" % (parts.netloc, exc.strerror or exc)) from exc
    finally:
        connection.close()


def _challenge(headers):
    """Return the scheme and parameters of WWW-Authenticate; the scheme is empty where there is none."""
    scheme, dummy, rest = (headers.get("WWW-Authenticate") or "").partition(" ")
    return scheme.lower(), dict(re.findall(r'(\w+)="([^"]*)"', rest))


def _token(parameters, authorization):
    """Fetch a token as containerd would, to see that the token service is reachable and takes the credentials."""
    realm = parameters.get("realm", "")
    query = urlencode({"service": parameters["service"]} if "service" in parameters else {})
    try:
        status, dummy, body = _get(realm + ("?" + query if query else ""), authorization)
    except _Failure as exc:
        raise _Failure("its token service %s is out of reach: %s" % (realm, exc)) from exc
    if status in (401, 403):
        raise _Failure("its token service %s refuses the username and password (status %d)" % (realm, status))
    try:
        reply = json.loads(body.decode("utf-8"))
    except ValueError:
        reply = None
    if status != 200 or not isinstance(reply, dict) or not (reply.get("token") or reply.get("access_token")):
        raise _Failure("its token service %s gave no token (status %d)" % (realm, status))


def probe(url, authorization):
    """Ask ``url`` (it ends in /v2/) once with ``authorization`` (None: anonymously).

    Returns ``{"auth": "basic" | "bearer" | "none", "error": None | str}``. ``bearer`` means that the registry does
    not take the header on /v2/ itself and insists on a token from its token service.
    """
    try:
        return {"auth": _probe(url, authorization), "error": None}
    except _Failure as exc:
        return {"auth": None, "error": str(exc)}


def _probe(url, authorization):
    status, headers, body = _get(url, authorization)
    if status == 200:
        kind = (headers.get("Content-Type") or "").split(";")[0]
        if kind == "text/html" or body[:1] == b"<":
            raise _Failure("it answers with a web page: this is not the address of a registry")
        return "basic" if authorization else "none"
    if status == 401:
        scheme, parameters = _challenge(headers)
        if scheme == "bearer":
            _token(parameters, authorization)
            return "bearer"
        if authorization:
            raise _Failure("it refuses the username and password (status 401)")
        raise _Failure("it wants a username and password (status 401)")
    raise _Failure("it answers with status %d where a registry answers 200 or 401" % status)
