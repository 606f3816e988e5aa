# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request from the node to a registry or its token service, and what stands in its way."""

import contextlib
import errno
import http.client
import json
import re
import socket
import ssl
from urllib.parse import urlencode, urlsplit

TIMEOUT = 10.0
MAX_BODY = 1 << 20

_KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.ETIMEDOUT: "timeout",
}


class Failure(Exception):
    """What stands in the way, in one sentence.

    ``kind`` is one of ``dns``, ``refused``, ``unreachable``, ``timeout``, ``lost`` (another error of the connection),
    ``tls_file`` (a certificate file of ours), ``unknown_ca``, ``certificate``, ``plain_http`` (HTTP answered to
    HTTPS), ``tls``, ``no_http``, ``token`` (none to be had), ``credentials`` (refused), ``answer`` (of no registry).
    """

    def __init__(self, kind, text):
        super(Failure, self).__init__(text)
        self.kind = kind


def send(method, url, headers=None, tls=None, form=None, timeout=TIMEOUT):
    """Send one request, following nothing; return ``(status, headers, body)``. Raises Failure.

    ``headers`` are strings or lists of them, ``tls`` is ``{ca: [path], client: [[certificate, key]], skip_verify:
    bool}``, each optional, ``form`` a mapping to post, ``timeout`` is in seconds. Proxies of the
    environment are not used.
    """
    sent = {name: ", ".join(each) if isinstance(each, list) else each for name, each in (headers or {}).items()}
    body = None
    if form is not None:
        body = urlencode(sorted(form.items())).encode("ascii")
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    parts = urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=_context(tls or {})
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    try:
        connection.request(method, target, body, sent)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read(MAX_BODY)
    except socket.gaierror as exc:
        raise Failure("dns", "%s does not resolve on this node" % parts.hostname) from exc
    except socket.timeout as exc:
        raise Failure("timeout", "%s did not answer within %d s" % (parts.netloc, timeout)) from exc
    except (ssl.SSLError, ssl.CertificateError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise Failure(_tls_kind(exc), "TLS with %s failed: %s" % (parts.netloc, reason)) from exc
    except http.client.HTTPException as exc:
        text = "%s does not speak HTTP here (%s)"
        raise Failure("no_http", text % (parts.netloc, type(exc).__name__)) from exc
    except (OSError, IOError) as exc:
        # Since TLS 1.3 a client without certificate is refused after the handshake: a reset may overtake the alert.
        if parts.scheme == "https" and exc.errno in (errno.ECONNRESET, errno.EPIPE):
            raise Failure("tls", "TLS with %s failed: it ended the connection" % parts.netloc) from exc
        text = "cannot connect to %s: %s" % (parts.netloc, exc.strerror or exc)
        raise Failure(_KINDS.get(exc.errno, "lost"), text) from exc
    finally:
        connection.close()


def _context(tls):
    """Return how to speak TLS; without ``ca`` the node's own certificates are trusted."""
    context = ssl.create_default_context()
    with contextlib.suppress(AttributeError):  # Python 3.6 cannot be told
        context.hostname_checks_common_name = False  # containerd looks at subjectAltName alone
    if tls.get("skip_verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        for path in tls.get("ca") or []:
            context.load_verify_locations(path)
        for certificate, key in tls.get("client") or []:
            context.load_cert_chain(certificate, key or None)
    except (OSError, IOError) as exc:
        raise Failure("tls_file", "a certificate file cannot be used: %s" % exc) from exc
    return context


def _tls_kind(exc):
    code = getattr(exc, "verify_code", None)
    if code is None and isinstance(exc, ssl.CertificateError):  # Python 3.6 compares the names by itself
        return "certificate"
    if "VERIFY_FAILED" not in str(exc) and code is None:
        plain = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
        return "plain_http" if getattr(exc, "reason", None) in plain else "tls"
    # X509_V_ERR_*: the issuer is unknown (2, 20, 21), or the certificate or its issuer signed itself (18, 19).
    issuer = code is None or code in (2, 18, 19, 20, 21)
    return "unknown_ca" if issuer else "certificate"


def challenge(headers):
    """Return the scheme and parameters of WWW-Authenticate; the scheme is empty where there is none."""
    scheme, dummy, rest = (headers.get("WWW-Authenticate") or "").partition(" ")
    return scheme.lower(), dict(re.findall(r'(\w+)="([^"]*)"', rest))


def token(parameters, authorization, identity_token=None, tls=None, name="the username and password"):
    """Fetch a token as containerd would, and return it. Raises Failure.

    ``parameters`` are those of the challenge, ``tls`` those of the registry, and ``name`` is what the login is called.
    """
    realm = parameters.get("realm", "")
    asked = {key: parameters[key] for key in ("service", "scope") if key in parameters}
    try:
        if identity_token:
            form = dict(asked, grant_type="refresh_token", refresh_token=identity_token, client_id="containerd-client")
            status, dummy, body = send("POST", realm, tls=tls, form=form)
        else:
            headers = {"Authorization": authorization} if authorization else {}
            query = urlencode(sorted(asked.items()))
            status, dummy, body = send("GET", realm + ("?" + query if query else ""), headers, tls)
    except Failure as exc:
        raise Failure("token", "its token service %s is out of reach: %s" % (realm, exc)) from exc
    if status in (401, 403):
        raise Failure("credentials", "its token service %s refuses %s (status %d)" % (realm, name, status))
    try:
        reply = json.loads(body.decode("utf-8"))
    except ValueError:
        reply = None
    found = reply.get("token") or reply.get("access_token") if isinstance(reply, dict) else None
    if status != 200 or not isinstance(found, str):
        raise Failure("token", "its token service %s gave no token (status %d)" % (realm, status))
    return found
