# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of containerd's CRI services: unary gRPC over HTTP/2 on a Unix socket, standard library only."""

import socket
import struct
import time
from urllib.parse import unquote_to_bytes

from ansible_collections.airgap.containerd.plugins.module_utils._cri import protobuf
from ansible_collections.airgap.containerd.plugins.module_utils._cri.hpack import ProtocolError
from ansible_collections.airgap.containerd.plugins.module_utils._cri.http2 import Deadline, Exchange, StreamReset

APIS = ("runtime.v1", "runtime.v1alpha2")  # containerd < 1.6 serves only the second, >= 2.0 only the first
MAX_MESSAGE = 16 * 1024 * 1024
STATUS_NAMES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
).split()
RESET_STATUS = {
    "REFUSED_STREAM": "UNAVAILABLE",
    "CANCEL": "CANCELLED",
    "ENHANCE_YOUR_CALM": "RESOURCE_EXHAUSTED",
    "INADEQUATE_SECURITY": "PERMISSION_DENIED",
}
MAX_HEAD_START = 1.0  # seconds, at most 5 %: the server's own words about a timeout shall arrive before ours
PROBE_SECONDS = 10.0
POLL_SECONDS = 0.1
SETTLE_SECONDS = 2.0  # a daemon without CRI may be the old one, which is ending
PROBE_IMAGE = "probe.invalid/none:none"


class CriError(Exception):
    """A CRI call failed: `.code` is the name of a gRPC status, `.message` the reason, containerd's own if it gave one.

    UNAVAILABLE: no connection, or a lost one. INTERNAL: also an answer that breaks the protocol.
    """

    def __init__(self, code, message):
        super(CriError, self).__init__("{0}: {1}".format(code, message))
        self.code = code
        self.message = message


def _texts(fields, number):
    """Return the strings of a repeated field."""
    try:
        return [value.decode("utf-8") for value in fields.get(number, [])]
    except (AttributeError, UnicodeDecodeError):
        raise ProtocolError("field {0} is not a string".format(number)) from None


def _text(fields, number):
    """Return the string of a field, "" where it is missing."""
    return (_texts(fields, number) or [""])[-1]


def _messages(fields, number):
    """Return the decoded messages of a repeated field."""
    values = fields.get(number, [])
    if not all(isinstance(value, bytes) for value in values):
        raise ProtocolError("field {0} is not a message".format(number))
    return [protobuf.decode_message(value) for value in values]


def _number(fields, number):
    """Return the number (or truth value) of a field, 0 where it is missing."""
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ProtocolError("field {0} is not a number".format(number))
    return value


def _image(fields):
    """Return {id, tags, digests, size, pinned} of a runtime Image message; size is in bytes."""
    return {
        "id": _text(fields, 1),
        "tags": _texts(fields, 2),
        "digests": _texts(fields, 3),
        "size": _number(fields, 4),
        "pinned": bool(_number(fields, 8)),
    }


def _images(fields):
    """Return the images in field 1 of an answer, as _image does."""
    return [_image(fields) for fields in _messages(fields, 1)]


def _image_spec(image, auth=None):
    """Return a message whose field 1 is an ImageSpec, the request of every image call; 2 is an AuthConfig."""
    login = protobuf.encode_message([(1, auth[0].encode("utf-8")), (2, auth[1].encode("utf-8"))]) if auth else b""
    return protobuf.encode_message([(1, protobuf.encode_message([(1, image.encode("utf-8"))])), (2, login)])


def _container_images(fields):
    """Return the names and ids of the images in a list of containers."""
    found = set()
    for container in _messages(fields, 1):
        found.add(_text(container, 5))
        found.update(_text(spec, 1) for spec in _messages(container, 4))
    return found


def _status(headers):
    """Return (status name, message) from the last header block of an answer."""
    code = headers.get(b"grpc-status")
    if code is None:
        status = headers.get(b":status", b"200").decode("ascii", "replace")
        return "UNKNOWN", "the answer has no gRPC status (HTTP status {0})".format(status)
    message = unquote_to_bytes(headers.get(b"grpc-message", b"")).decode("utf-8", "replace")
    known = code.isdigit() and len(code) <= 2 and int(code) < len(STATUS_NAMES)
    return STATUS_NAMES[int(code)] if known else "UNKNOWN", message or "status {0!r}, no message".format(code)


def _body_message(body):
    """Return the one message in the body of a successful answer."""
    if len(body) < 5:
        raise ProtocolError("answer without a message")
    compressed, size = struct.unpack(">BI", body[:5])
    if compressed or size != len(body) - 5:
        raise ProtocolError("message of {0} bytes in a body of {1}, flag {2}".format(size, len(body) - 5, compressed))
    return body[5:]


def _request_headers(path, seconds):
    """Return the headers of a unary call that the server is to end within `seconds`."""
    milliseconds = min(int(seconds * 1000) + 1, 99999999)  # gRPC allows 8 digits
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode("ascii")),
        (b":authority", b"localhost"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        (b"grpc-timeout", "{0}m".format(milliseconds).encode("ascii")),
    ]


def _is_unknown_service(error):
    """Tell a service that is not there from a call that it refuses, such as pulling an image of schema 1."""
    return error.code == "UNIMPLEMENTED" and error.message.startswith("unknown service")


class Client(object):
    """CRI on a Unix socket. Every call makes a new connection and raises CriError; `timeout` is in seconds per call."""

    def __init__(self, socket_path, timeout=10.0):
        self._path = socket_path
        self._timeout = timeout
        self._api = APIS[0]

    def version(self, timeout=None):
        """Return {runtime_name, runtime_version, api}; api is the protocol's name, such as "runtime.v1"."""
        name, version = self._call("RuntimeService/Version", b"", lambda x: (_text(x, 2), _text(x, 3)), timeout)
        return {"runtime_name": name, "runtime_version": version, "api": self._api}

    def image(self, image, timeout=None):
        """Return {id ("sha256:..."), tags, digests, size in bytes, pinned} of an image that the node has, else None."""
        images = self._call("ImageService/ImageStatus", _image_spec(image), _images, timeout)
        return images[-1] if images and images[-1]["id"] else None

    def images(self):
        """Return the node's images, each as `image` does."""
        return self._call("ImageService/ListImages", b"", _images)

    def used_images(self):
        """Return the names and ids of the images that containers are made of, running ones or not."""
        return self._call("RuntimeService/ListContainers", b"", _container_images)

    def pull(self, image, timeout=None, auth=None):
        """Pull an image as the kubelet would; return its reference, an id.

        `auth` is the (username, password) of a pull secret, which the kubelet would send along.
        """
        return self._call("ImageService/PullImage", _image_spec(image, auth), lambda x: _text(x, 1), timeout)

    def remove(self, image):
        """Remove an image with all its names; a missing image is not an error."""
        self._call("ImageService/RemoveImage", _image_spec(image), lambda x: None)

    def _call(self, method, request, read, timeout=None):
        """Return `read(fields of the answer)`; an API that is not served is replaced by the other one."""
        timeout = self._timeout if timeout is None else timeout
        deadline = Deadline(timeout)
        refusals = []
        for api in sorted(APIS, key=lambda name: name != self._api):
            try:
                answer = self._unary("/{0}.{1}".format(api, method), request, read, deadline)
            except socket.timeout:
                text = "no answer from {0} within {1:g} s".format(self._path, timeout)
                raise CriError("DEADLINE_EXCEEDED", text) from None
            except CriError as error:
                if not _is_unknown_service(error):
                    raise
                refusals.append(error.message)
            else:
                self._api = api
                return answer
        text = "CRI is not loaded in the containerd at {0}: {1}"
        raise CriError("UNIMPLEMENTED", text.format(self._path, "; ".join(refusals)))

    def _unary(self, path, request, read, deadline):
        """Return what `read` makes of the answer; raise CriError, or socket.timeout after the deadline."""
        left = deadline.left()
        server_deadline = Deadline(left - min(left * 0.05, MAX_HEAD_START))
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(left)
                sock.connect(self._path)
                headers = _request_headers(path, server_deadline.left())
                body = struct.pack(">BI", 0, len(request)) + request
                blocks, answer = Exchange(sock, deadline, MAX_MESSAGE + 5).run(headers, body)
            status, message = _status(blocks[-1])
            if status != "OK":
                raise CriError(status, message)
            return read(protobuf.decode_message(_body_message(answer)))
        except ProtocolError as error:
            raise CriError("INTERNAL", "malformed answer from {0}: {1}".format(self._path, error)) from error
        except StreamReset as error:
            if error.code == "CANCEL":
                server_deadline.left()  # raises: containerd 2 cancels when its time is up
            raise CriError(RESET_STATUS.get(error.code, "INTERNAL"), str(error)) from error
        except socket.timeout:
            raise
        except OSError as error:
            raise CriError("UNAVAILABLE", "{0}: {1}".format(self._path, error.strerror or error)) from error


def wait_ready(socket_path, seconds):
    """Wait until the runtime and the image service both answer; return the seconds that took.

    Raises the last CriError that tells more than that time ran out: after `seconds`, or sooner where the services are
    unknown, since a daemon registers all of them before it listens.
    """
    start = time.monotonic()
    failure = None
    while True:
        left = start + seconds - time.monotonic()
        try:
            client = Client(socket_path, timeout=max(min(left, PROBE_SECONDS), POLL_SECONDS))
            client.version()
            client.image(PROBE_IMAGE)
            return time.monotonic() - start
        except CriError as error:
            if failure is None or error.code != "DEADLINE_EXCEEDED":
                failure = error
        waited = time.monotonic() - start
        if waited + POLL_SECONDS > seconds or (failure.code == "UNIMPLEMENTED" and waited > SETTLE_SECONDS):
            raise failure
        time.sleep(POLL_SECONDS)
