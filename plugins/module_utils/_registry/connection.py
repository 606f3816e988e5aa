# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange of HTTP with whoever answers: it ends at its deadline, and what comes is bounded."""

import errno
import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections import namedtuple
from urllib.parse import quote, urlsplit

MAX_BODY = 1 << 20

_MAX_INTERIM = 5  # answers before the final one, as Go takes them
_KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.ETIMEDOUT: "timeout",
}
_CERTIFICATE = re.compile(b"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")


class Failure(Exception):
    """The obstacle, in one sentence.

    ``kind`` is one of ``dns``, ``refused``, ``unreachable``, ``timeout``, ``lost`` (another error of the connection),
    ``tls_file`` (a certificate file of ours), ``unknown_ca``, ``certificate``, ``plain_http`` (HTTP answered to
    HTTPS), ``tls``, ``no_http``, ``token`` (none to be had), ``credentials`` (refused), ``answer`` (of no registry).
    """

    def __init__(self, kind, text):
        super(Failure, self).__init__(text)
        self.kind = kind


class Answer(namedtuple("Answer", "status headers body")):
    """``headers`` are lists of texts by name in lower case."""

    def header(self, name):
        """Return the first header of this name, which may be empty."""
        return self.headers.get(name, [""])[0]


class Clock(object):
    """What is left of a request's time."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self):
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        return left


class _Stream(io.RawIOBase):
    """A connection for http.client, each step of which has what is left of the time and no more."""

    def __init__(self, sock, clock):
        super(_Stream, self).__init__()
        self._sock = sock
        self._clock = clock

    def readable(self):
        return True

    def readinto(self, buffer):
        self._sock.settimeout(self._clock.left())
        return self._sock.recv_into(buffer)

    def sendall(self, data):
        while data:
            self._sock.settimeout(self._clock.left())
            data = data[self._sock.send(data) :]

    def makefile(self, *dummy):
        return io.BufferedReader(self)

    def close(self):
        super(_Stream, self).close()
        self._sock.close()


Target = namedtuple("Target", "scheme host port place path")  # ``place`` is host[:port] as a URL has it


def target_of(url):
    """Return the Target that a URL names; raises Failure."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise Failure("no_http", "the address is not a registry URL: it must begin with http:// or https:// and a host")
    shown = "[%s]" % host if ":" in host else host
    path = quote((parts.path or "/") + ("?" + parts.query if parts.query else ""), safe="!#$%&'()*+,/:;=?@[]~")
    shown += ":%d" % port if port is not None else ""
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    return Target(parts.scheme, host, port, shown, path)


def exchange(target, method, headers, body, clock, tls):
    """Connect, ask and return the Answer, all before the clock has run out; raises Failure.

    ``headers`` are bytes by name, ``tls`` is as for web.Conversation.
    """
    try:
        return _exchange(target, method, headers, body, clock, tls)
    except Failure:
        raise
    except Exception as exc:
        raise _failure(exc, target, clock.seconds) from exc


def _exchange(target, method, headers, body, clock, tls):
    context = _context(tls) if target.scheme == "https" else None
    sock = _connect(target, clock)
    try:
        if context:
            sock.settimeout(clock.left())
            sock = context.wrap_socket(sock, server_hostname=target.host)
            _check_names(sock, context)
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.default_port = 443 if context else 80  # or it is part of the header Host
        connection.sock = stream = _Stream(sock, clock)
        connection.request(method, target.path, body, headers)
        with http.client.HTTPResponse(stream, method=method) as reply:
            reply.begin()
            for number in range(_MAX_INTERIM + 1):
                if not 100 <= reply.status < 200 or reply.status == 101:
                    break
                if number == _MAX_INTERIM:
                    raise http.client.HTTPException("no final answer")
                reply.headers = None
                reply.begin()
            found = {}
            for name, value in reply.headers.items():
                found.setdefault(name.lower(), []).append(str(value))
            return Answer(reply.status, found, reply.read(MAX_BODY))
    finally:
        sock.close()


def _connect(target, clock):
    """Return a connection to the first of the host's addresses that has one; each gets its share of the time."""
    addresses = _addresses(target, clock)
    error = None
    for index, (family, kind, protocol, _name, address) in enumerate(addresses):
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(clock.left() / (len(addresses) - index))
            sock.connect(address)
            return sock
        except (OSError, IOError) as exc:
            error = exc
            if sock:
                sock.close()
    raise error or Failure("dns", "%s has no address" % target.host)


def _addresses(target, clock):
    """Query the name server in a thread of its own: nothing ends that call."""
    found = []

    def look():
        try:
            found.append(socket.getaddrinfo(target.host, target.port, 0, socket.SOCK_STREAM))
        except Exception as exc:
            found.append(exc)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(clock.left())
    if not found:
        raise Failure("dns", "no name server answered within %d s for %s" % (clock.seconds, target.host))
    if isinstance(found[0], Exception):
        raise Failure("dns", "%s does not resolve on this node" % target.host) from found[0]
    return found[0]


def _context(tls):
    """Return how to speak TLS; besides ``ca`` the node's own certificates are trusted, as by containerd."""
    context = ssl.create_default_context()
    try:
        context.hostname_checks_common_name = False  # containerd looks at subjectAltName alone
    except AttributeError:
        pass  # Python 3.6 cannot be told, see _check_names
    if tls.get("skip_verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        for path in tls.get("ca") or []:
            _trust(context, path)
        for certificate, key in tls.get("client") or []:
            context.load_cert_chain(certificate, key or None, password="")  # or OpenSSL asks who sits at a terminal
    except (OSError, IOError) as exc:
        reason = "%s: %s" % (exc.filename, exc.strerror) if getattr(exc, "filename", None) else exc
        raise Failure("tls_file", "a certificate file cannot be used: %s" % reason) from exc
    return context


def _trust(context, path):
    """Trust the certificates in a file; what else is in it counts for nothing, as with Go's AppendCertsFromPEM."""
    with open(path, "rb") as handle:
        blocks = _CERTIFICATE.findall(handle.read(16 * MAX_BODY))
    loaded = 0
    for block in blocks:
        try:
            context.load_verify_locations(cadata=block.decode("ascii"))
            loaded += 1
        except ValueError:
            pass
        except ssl.SSLError:
            pass
    if not loaded:
        raise Failure(
            "tls_file", "a certificate file cannot be used: %s does not contain a certificate in PEM form" % path
        )


def _check_names(sock, context):
    """Refuse a certificate without subjectAltName, whose common name Python 3.6 takes and containerd does not."""
    if context.check_hostname and not (sock.getpeercert() or {}).get("subjectAltName"):
        raise ssl.CertificateError("its certificate has no subjectAltName")


def _failure(exc, target, seconds):
    """Return the Failure for what a request came to."""
    if isinstance(exc, socket.timeout):
        return Failure("timeout", "%s did not answer within %d s" % (target.place, seconds))
    if isinstance(exc, (ssl.SSLError, ssl.CertificateError)):
        reason = getattr(exc, "reason", None) or exc
        return Failure(_tls_kind(exc), "TLS with %s failed: %s" % (target.place, reason))
    if isinstance(exc, (http.client.RemoteDisconnected, http.client.IncompleteRead)):
        return Failure("lost", "%s closed the connection before its answer was complete" % target.place)
    if isinstance(exc, http.client.HTTPException):
        return Failure("no_http", "%s does not speak HTTP on this port (%s)" % (target.place, type(exc).__name__))
    if isinstance(exc, (OSError, IOError)):
        # Since TLS 1.3 a client without certificate is refused after the handshake: a reset may overtake the alert.
        if target.scheme == "https" and exc.errno in (errno.ECONNRESET, errno.EPIPE):
            return Failure("tls", "TLS with %s failed: it closed the connection" % target.place)
        text = "cannot connect to %s: %s" % (target.place, exc.strerror or exc)
        return Failure(_KINDS.get(exc.errno, "lost"), text)
    # The text of such an error may quote a header.
    return Failure("no_http", "%s cannot be requested this way (%s)" % (target.place, type(exc).__name__))


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
