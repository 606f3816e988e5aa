# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request over HTTP/2 (RFC 9113) on a connected socket: cleartext, prior knowledge, stream 1 only."""

import socket
import struct
import time

from ansible_collections.airgap.containerd.plugins.module_utils._cri import hpack
from ansible_collections.airgap.containerd.plugins.module_utils._cri.hpack import ProtocolError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW_SIZE = 1, 2, 4
STREAM = 1
MAX_FRAME = 16384  # what a peer may send unless told otherwise, and we do not
MAX_HEADER_BLOCK = 64 * 1024
MAX_WINDOW = 2**31 - 1
FIRST_WINDOW = 65535  # of the connection, which SETTINGS cannot change
ERROR_NAMES = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR "
    "REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
).split()


class StreamReset(Exception):
    """The peer gave up the request; `.code` is the name of the HTTP/2 error."""

    def __init__(self, code):
        super(StreamReset, self).__init__("stream reset by the peer with " + code)
        self.code = code


class Deadline(object):
    """A moment on the monotonic clock."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def left(self):
        """Return the seconds that are left (> 0); raise socket.timeout when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise socket.timeout("timed out")
        return seconds


def frame(kind, flags, stream, payload=b""):
    """Return the bytes of one frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def opening(headers, body):
    """Return all that a client sends unasked: preface, settings, windows, and the whole request."""
    settings = ((HEADER_TABLE_SIZE, 0), (ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, MAX_WINDOW))
    return b"".join(
        [
            PREFACE,
            frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", key, value) for key, value in settings)),
            frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", MAX_WINDOW - FIRST_WINDOW)),
            frame(HEADERS, END_HEADERS, STREAM, hpack.encode(headers)),
            frame(DATA, END_STREAM, STREAM, body),
        ]
    )


def _error_name(payload):
    code = struct.unpack(">I", payload)[0]
    return ERROR_NAMES[code] if code < len(ERROR_NAMES) else "error {0}".format(code)


def _content(flags, payload):
    """Return the payload of a DATA or HEADERS frame without its padding."""
    if not flags & PADDED:
        return payload
    padding = payload[0] + 1 if payload else 1
    if padding > len(payload):
        raise ProtocolError("padding is longer than its frame")
    return payload[1 : len(payload) - padding + 1]


class Exchange(object):
    """One request and its answer; `max_body` bounds the bytes of the answer's body.

    The windows that it opens exceed any answer it accepts, so it never has to open them further.
    """

    def __init__(self, sock, deadline, max_body):
        self._sock, self._deadline, self._max_body = sock, deadline, max_body
        self._buffer = bytearray()
        self._body = bytearray()
        self._blocks = []
        self._ended = False
        self._farewell = ""

    def run(self, headers, body):
        """Send the request; return (header blocks, body): the blocks are dicts of bytes, the last holds the trailers.

        Raises ProtocolError, StreamReset, socket.timeout, or another OSError where the connection is lost.
        """
        self._send(opening(headers, body))
        kind, flags, stream, payload = self._next_frame()
        if kind != SETTINGS or flags & ACK:
            raise ProtocolError("the first frame is not SETTINGS: this is not an HTTP/2 server")
        self._take(kind, flags, stream, payload)
        while not self._ended:
            self._take(*self._next_frame())
        return self._blocks, bytes(self._body)

    def _send(self, data):
        """Send; a peer that has closed may have answered before, so only reading reports a lost connection."""
        self._sock.settimeout(self._deadline.left())
        try:
            self._sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _read(self, size):
        while len(self._buffer) < size:
            self._sock.settimeout(self._deadline.left())
            chunk = self._sock.recv(65536)
            if not chunk:
                raise ConnectionError("connection closed before the answer was complete" + self._farewell)
            self._buffer += chunk
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _next_frame(self):
        """Return (kind, flags, stream, payload); the deadline also holds against a peer that never stops sending."""
        self._deadline.left()
        head = self._read(9)
        size = struct.unpack(">I", b"\0" + head[:3])[0]
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        if size > MAX_FRAME:
            raise ProtocolError("frame of {0} bytes starting with {1!r}: not an HTTP/2 server?".format(size, head))
        return kind, flags, stream & MAX_WINDOW, self._read(size)

    def _take(self, kind, flags, stream, payload):
        on_stream = kind in (DATA, HEADERS, RST_STREAM)
        on_connection = kind in (SETTINGS, PING, GOAWAY)
        if (on_stream and stream != STREAM) or (on_connection and stream != 0):
            raise ProtocolError("frame of type {0} on stream {1}".format(kind, stream))
        size = {RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}.get(kind, len(payload))
        if len(payload) != size or (kind == SETTINGS and size % 6) or (kind == GOAWAY and size < 8):
            raise ProtocolError("frame of type {0} with {1} bytes".format(kind, len(payload)))
        if kind == DATA:
            self._take_data(flags, payload)
        elif kind == HEADERS:
            self._take_headers(flags, payload)
        elif kind == RST_STREAM:
            raise StreamReset(_error_name(payload))
        elif kind in (SETTINGS, PING):
            if not flags & ACK:
                self._send(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == GOAWAY:
            self._take_goaway(payload)
        elif kind in (PUSH_PROMISE, CONTINUATION):
            raise ProtocolError("unexpected frame of type {0}".format(kind))
        # The rest is ignored: the request fits the peer's first window, and unknown types are allowed.

    def _take_data(self, flags, payload):
        if not self._blocks:
            raise ProtocolError("data before headers")
        self._body += _content(flags, payload)
        if len(self._body) > self._max_body:
            raise ProtocolError("answer is longer than {0} bytes".format(self._max_body))
        self._ended = bool(flags & END_STREAM)

    def _take_headers(self, flags, payload):
        block = _content(flags, payload)
        if flags & WITH_PRIORITY:
            if len(block) < 5:
                raise ProtocolError("headers frame without its priority")
            block = block[5:]
        complete = flags & END_HEADERS
        while not complete:
            kind, more_flags, stream, payload = self._next_frame()
            if kind != CONTINUATION or stream != STREAM:
                raise ProtocolError("frame of type {0} inside a header block".format(kind))
            block += payload
            if len(block) > MAX_HEADER_BLOCK:
                raise ProtocolError("header block is longer than {0} bytes".format(MAX_HEADER_BLOCK))
            complete = more_flags & END_HEADERS
        headers = dict(hpack.decode(block))
        self._ended = bool(flags & END_STREAM)
        if headers.get(b":status", b"").startswith(b"1") and not self._ended:
            return
        if len(self._blocks) == 2 or (self._blocks and not self._ended):
            raise ProtocolError("headers in the middle of the answer")
        self._blocks.append(headers)

    def _take_goaway(self, payload):
        """Note why the peer leaves; it still finishes the request if its last stream includes ours."""
        last = struct.unpack(">I", payload[:4])[0] & MAX_WINDOW
        text = payload[8:].decode("utf-8", "replace")
        self._farewell = " (GOAWAY {0} {1})".format(_error_name(payload[4:8]), text).replace(" )", ")")
        if last < STREAM:
            raise ConnectionError("request refused" + self._farewell)
