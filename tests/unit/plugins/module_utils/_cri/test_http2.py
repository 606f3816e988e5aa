# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CRI client against unusual, broken and hostile answers, from a scripted server on a Unix socket.

The server and the builders of answers also serve test_client.py. Runs on the nodes' Python 3.6 too.
"""

import contextlib
import random
import socket
import struct
import threading
import time

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._cri import hpack, http2, protobuf
from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError
from ansible_collections.airgap.containerd.plugins.module_utils._cri.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    STREAM,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    frame,
)

HELLO = frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 16384))
OK_HEADERS = [(b":status", b"200"), (b"content-type", b"application/grpc")]
VERSION_ANSWER = protobuf.encode_message([(1, b"0.1.0"), (2, b"containerd"), (3, b"1.7.24"), (4, b"v1")])
VERSION = {"runtime_name": "containerd", "runtime_version": "1.7.24", "api": "runtime.v1"}


def headers_frame(headers: list, flags: int = END_HEADERS) -> bytes:
    return frame(HEADERS, flags, STREAM, hpack.encode(headers))


def grpc_message(message: bytes) -> bytes:
    return struct.pack(">BI", 0, len(message)) + message


def data_frames(body: bytes) -> bytes:
    return b"".join(frame(DATA, 0, STREAM, body[at : at + 16384]) for at in range(0, len(body), 16384))


def trailers(status: bytes, message: bytes = b"") -> bytes:
    return headers_frame([(b"grpc-status", status), (b"grpc-message", message)], END_HEADERS | END_STREAM)


def answer(message: bytes) -> bytes:
    """A whole answer of success."""
    return HELLO + headers_frame(OK_HEADERS) + data_frames(grpc_message(message)) + trailers(b"0")


def refusal(status: bytes, message: bytes) -> bytes:
    """A failure that is trailers only, as grpc-go sends it."""
    fields = OK_HEADERS + [(b"grpc-status", status), (b"grpc-message", message)]
    return HELLO + headers_frame(fields, END_HEADERS | END_STREAM)


def goaway(last: int, error: int, text: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, error) + text)


def frames(data: bytes) -> list:
    """Split a client's bytes, without the preface, into (kind, flags, stream, payload)."""
    found = []
    while data:
        size = struct.unpack(">I", b"\0" + data[:3])[0]
        found.append(struct.unpack(">BBI", data[3:9]) + (data[9 : 9 + size],))
        data = data[9 + size :]
    return found


class Request:
    """What a client sent on one connection: headers as a dict, the protobuf message, and what came later."""

    def __init__(self, data: bytes) -> None:
        self.opening = frames(data[len(http2.PREFACE) :])
        self.headers = dict(hpack.decode(next(payload for kind, *_rest, payload in self.opening if kind == HEADERS)))
        body = next(payload for kind, *_rest, payload in self.opening if kind == DATA)
        self.path = self.headers[b":path"].decode()
        self.fields = protobuf.decode_message(body[5:])
        self.later = []


def read_to_end(connection: socket.socket) -> bytes:
    data = b""
    while True:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk


class Server:
    """Answers every connection with the bytes of `reply(request)`, and then sends no more, silently if `hold`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.requests = []
        self.reply = lambda request: b""
        self.hold = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(5)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _address = self._listener.accept()
            with connection:
                data = connection.recv(65536)
                if not data:
                    return
                request = Request(data)
                self.requests.append(request)
                try:
                    connection.sendall(self.reply(request))
                    if not self.hold:
                        connection.shutdown(socket.SHUT_WR)
                    request.later = frames(read_to_end(connection))
                except OSError:
                    continue  # the client had enough

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last:
            last.connect(self.path)
        self._thread.join()
        self._listener.close()


@pytest.fixture
def server(tmp_path):
    running = Server(str(tmp_path / "containerd.sock"))
    yield running
    running.close()


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.path, timeout=5.0)


def failure(call, *args, **options) -> CriError:
    with pytest.raises(CriError) as caught:
        call(*args, **options)
    assert str(caught.value) == caught.value.code + ": " + caught.value.message
    return caught.value


# Unusual and bad answers


def padded(payload: bytes) -> bytes:
    return b"\x03" + payload + b"\0\0\0"


BLOCK = hpack.encode(OK_HEADERS)
BODY = grpc_message(VERSION_ANSWER)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            HELLO
            + frame(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY, STREAM, padded(b"\0\0\0\0\x10" + BLOCK))
            + frame(DATA, PADDED, STREAM, padded(BODY))
            + trailers(b"0"),
            id="padding and priority",
        ),
        pytest.param(
            HELLO
            + frame(HEADERS, 0, STREAM, BLOCK[:3])
            + frame(CONTINUATION, 0, STREAM, b"")
            + frame(CONTINUATION, END_HEADERS, STREAM, BLOCK[3:])
            + data_frames(BODY)
            + frame(HEADERS, END_STREAM, STREAM)
            + frame(CONTINUATION, END_HEADERS, STREAM, hpack.encode([(b"grpc-status", b"0")])),
            id="continuation",
        ),
        pytest.param(
            HELLO
            + frame(SETTINGS, ACK, 0)
            + frame(WINDOW_UPDATE, 0, 0, b"\0\0\1\0")
            + frame(PRIORITY, 0, 7, b"\0" * 5)
            + frame(77, 255, 9, b"unknown type")
            + headers_frame([(b":status", b"103")])
            + headers_frame(OK_HEADERS)
            + frame(DATA, 0, STREAM, b"")
            + b"".join(frame(DATA, 0, STREAM, bytes([byte])) for byte in BODY)
            + trailers(b"0"),
            id="frames that mean nothing to us, and tiny ones",
        ),
        pytest.param(
            HELLO + goaway(2**31 - 1, 0, b"graceful_stop") + answer(VERSION_ANSWER)[len(HELLO) :], id="graceful goaway"
        ),
        pytest.param(answer(VERSION_ANSWER) + b"whatever follows", id="bytes after the end"),
        pytest.param(answer(VERSION_ANSWER) + frame(RST_STREAM, 0, STREAM, b"\0" * 4), id="reset after the end"),
    ],
)
def test_unusual_answers_are_understood(server: Server, client: Client, data: bytes) -> None:
    server.reply = lambda request: data
    assert client.version() == VERSION


def test_settings_and_ping_are_answered(server: Server, client: Client) -> None:
    pings = frame(PING, 0, 0, b"12345678") + frame(PING, ACK, 0, b"abcdefgh")
    server.reply = lambda request: HELLO + pings + answer(VERSION_ANSWER)[len(HELLO) :]
    client.version()
    client.version()  # the server has read the first connection to its end
    assert server.requests[0].later == [(SETTINGS, ACK, 0, b""), (PING, ACK, 0, b"12345678")]


BEGUN = HELLO + headers_frame(OK_HEADERS)
OK_TRAILERS = trailers(b"0")


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        pytest.param(b"", "UNAVAILABLE", "connection closed before the answer was complete", id="nothing"),
        pytest.param(HELLO, "UNAVAILABLE", "connection closed", id="settings only"),
        pytest.param(HELLO + b"\0\0", "UNAVAILABLE", "connection closed", id="half a frame header"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "INTERNAL", "not an HTTP/2 server", id="HTTP/1"),
        pytest.param(headers_frame(OK_HEADERS), "INTERNAL", "first frame is not SETTINGS", id="no settings"),
        pytest.param(frame(SETTINGS, ACK, 0), "INTERNAL", "first frame is not SETTINGS", id="ack first"),
        pytest.param(frame(SETTINGS, 0, 1), "INTERNAL", "type 4 on stream 1", id="settings on a stream"),
        pytest.param(frame(SETTINGS, 0, 0, b"12345"), "INTERNAL", "type 4 with 5 bytes", id="cut settings"),
        pytest.param(HELLO + frame(PING, 0, 0, b"1234567"), "INTERNAL", "type 6 with 7", id="short ping"),
        pytest.param(HELLO + frame(PING, 0, 1, b"12345678"), "INTERNAL", "type 6 on stream 1", id="ping on a stream"),
        pytest.param(HELLO + frame(WINDOW_UPDATE, 0, 0, b"1"), "INTERNAL", "type 8 with 1 ", id="short window"),
        pytest.param(HELLO + frame(GOAWAY, 0, 0, b"1234567"), "INTERNAL", "type 7 with 7", id="short goaway"),
        pytest.param(HELLO + frame(RST_STREAM, 0, STREAM, b"1"), "INTERNAL", "type 3 with 1 ", id="short reset"),
        pytest.param(HELLO + frame(PUSH_PROMISE, 4, STREAM, BLOCK), "INTERNAL", "unexpected frame", id="push"),
        pytest.param(HELLO + frame(CONTINUATION, 4, STREAM, BLOCK), "INTERNAL", "unexpected", id="lone continuation"),
        pytest.param(HELLO + b"\0\x40\x01\0\0\0\0\0\1", "INTERNAL", "frame of 16385 bytes", id="long frame"),
        pytest.param(HELLO + frame(HEADERS, 4, 3, BLOCK), "INTERNAL", "type 1 on stream 3", id="other stream"),
        pytest.param(HELLO + frame(HEADERS, 12, STREAM, b""), "INTERNAL", "padding", id="padding flag, no padding"),
        pytest.param(HELLO + frame(HEADERS, 12, STREAM, b"\5aaaa"), "INTERNAL", "padding", id="padding too long"),
        pytest.param(HELLO + frame(HEADERS, 36, STREAM, b"1234"), "INTERNAL", "priority", id="cut priority"),
        pytest.param(HELLO + frame(HEADERS, 4, STREAM, b"\xff"), "INTERNAL", "header block ends", id="cut block"),
        pytest.param(HELLO + frame(HEADERS, 4, STREAM, b"\xbe"), "INTERNAL", "not in the static", id="dynamic index"),
        pytest.param(
            HELLO + frame(HEADERS, 0, STREAM, BLOCK) + HELLO, "INTERNAL", "inside a header block", id="no continuation"
        ),
        pytest.param(
            HELLO + frame(HEADERS, 0, STREAM, BLOCK) + frame(CONTINUATION, 4, 3),
            "INTERNAL",
            "inside a header block",
            id="continuation of another stream",
        ),
        pytest.param(
            HELLO + frame(HEADERS, 0, STREAM) + frame(CONTINUATION, 0, STREAM, b"\x88" * 16384) * 5,
            "INTERNAL",
            "header block is longer than 65536 bytes",
            id="endless header block",
        ),
        pytest.param(HELLO + data_frames(BODY), "INTERNAL", "data before headers", id="no headers"),
        pytest.param(BEGUN + headers_frame(OK_HEADERS), "INTERNAL", "in the middle", id="headers twice"),
        pytest.param(BEGUN + OK_TRAILERS, "INTERNAL", "without a message", id="no message"),
        pytest.param(BEGUN + data_frames(BODY[:4]) + OK_TRAILERS, "INTERNAL", "without a message", id="cut prefix"),
        pytest.param(BEGUN + data_frames(BODY[:-1]) + OK_TRAILERS, "INTERNAL", "in a body of", id="cut message"),
        pytest.param(BEGUN + data_frames(BODY + b"x") + OK_TRAILERS, "INTERNAL", "in a body of", id="long message"),
        pytest.param(BEGUN + data_frames(b"\1" + BODY[1:]) + OK_TRAILERS, "INTERNAL", "flag 1", id="compressed"),
        pytest.param(
            BEGUN + frame(DATA, 0, STREAM, b"x" * 16384) * 1025,
            "INTERNAL",
            "answer is longer than 16777221 bytes",
            id="endless data",
        ),
        pytest.param(
            BEGUN + frame(DATA, END_STREAM, STREAM, BODY), "UNKNOWN", "no gRPC status (HTTP status 200)", id="no status"
        ),
        pytest.param(
            HELLO + headers_frame([(b":status", b"404")], 5), "UNKNOWN", "no gRPC status (HTTP status 404)", id="404"
        ),
        pytest.param(answer(b"\x0a"), "INTERNAL", "ends inside a number", id="protobuf: no length"),
        pytest.param(answer(b"\x12\x05abc"), "INTERNAL", "ends inside field 2", id="protobuf: cut field"),
        pytest.param(answer(b"\x10\x01"), "INTERNAL", "field 2 is not a string", id="protobuf: number for a string"),
        pytest.param(answer(b"\x12\x01\xff"), "INTERNAL", "field 2 is not a string", id="protobuf: not UTF-8"),
        pytest.param(answer(b"\x0a\0" * 65537), "INTERNAL", "more than 65536 values", id="protobuf: many values"),
        pytest.param(answer(b"\x13"), "INTERNAL", "unknown wire type 3", id="protobuf: group"),
        pytest.param(HELLO + frame(RST_STREAM, 0, 1, b"\0\0\0\7"), "UNAVAILABLE", "REFUSED_STREAM", id="refused"),
        pytest.param(HELLO + frame(RST_STREAM, 0, 1, b"\0\0\0\2"), "INTERNAL", "INTERNAL_ERROR", id="reset"),
        pytest.param(HELLO + frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), "CANCELLED", "CANCEL", id="cancelled early"),
        pytest.param(HELLO + frame(RST_STREAM, 0, 1, b"\0\0\1\0"), "INTERNAL", "error 256", id="unknown reset"),
        pytest.param(
            HELLO + goaway(0, 11, b"too_many_pings"),
            "UNAVAILABLE",
            "request refused (GOAWAY ENHANCE_YOUR_CALM too_many_pings)",
            id="goaway",
        ),
        pytest.param(HELLO + goaway(1, 0), "UNAVAILABLE", "complete (GOAWAY NO_ERROR)", id="goaway, then closed"),
    ],
)
def test_bad_answers(server: Server, client: Client, data: bytes, code: str, text: str) -> None:
    server.reply = lambda request: data
    error = failure(client.version)
    assert (error.code, text in error.message) == (code, True), str(error)
    assert server.path in error.message or code in ("UNKNOWN", "UNAVAILABLE", "CANCELLED") or "reset" in error.message


@pytest.mark.parametrize("field", [b"\x08\x01", b"\x0a\x02\x20", b"\x0a\x03\x22\x01a", b"\x0a\x02\x08\x01"])
def test_bad_images(server: Server, client: Client, field: bytes) -> None:
    server.reply = lambda request: answer(field)
    assert failure(client.images).code == "INTERNAL"


def test_answer_cut_anywhere_is_a_lost_connection(server: Server, client: Client) -> None:
    whole = answer(VERSION_ANSWER)
    for size in range(len(whole)):
        server.reply = lambda request, size=size: whole[:size]
        assert failure(client.version).code == "UNAVAILABLE"


def test_answer_with_any_byte_damaged_gives_a_result_or_an_error(server: Server, client: Client) -> None:
    whole = answer(VERSION_ANSWER)
    generator = random.Random(9113)
    for at in range(len(whole)):
        damaged = whole[:at] + bytes([generator.randrange(256)]) + whole[at + 1 :]
        server.reply = lambda request, damaged=damaged: damaged
        with contextlib.suppress(CriError):
            assert set(client.version()) == set(VERSION)


# Time


@pytest.mark.parametrize(
    "data",
    [b"", HELLO, answer(VERSION_ANSWER)[:-1], BEGUN + frame(DATA, 0, STREAM, b"")],
    ids=["nothing", "settings", "all but a byte", "no end"],
)
def test_silent_server_meets_the_deadline(server: Server, client: Client, data: bytes) -> None:
    server.reply, server.hold = lambda request: data, True
    start = time.monotonic()
    error = failure(client.version, timeout=0.2)
    assert 0.15 < time.monotonic() - start < 1.5
    assert str(error) == f"DEADLINE_EXCEEDED: no answer from {server.path} within 0.2 s"


def test_server_that_never_stops_talking_meets_the_deadline(tmp_path) -> None:
    """Frames keep arriving faster than any single wait, so only the one deadline per call ends it."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)

        def chatter() -> None:
            connection, _address = listener.accept()
            with connection:
                data = HELLO
                try:
                    while True:
                        connection.sendall(data)
                        data = frame(PING, ACK, 0, b"12345678") * 50
                except OSError:
                    return

        thread = threading.Thread(target=chatter)
        thread.start()
        start = time.monotonic()
        assert failure(Client(path).version, timeout=0.3).code == "DEADLINE_EXCEEDED"
        assert time.monotonic() - start < 1.5
        thread.join()


def test_reset_after_the_servers_deadline_is_ours(server: Server, client: Client) -> None:
    def reply(request: Request) -> bytes:
        time.sleep(0.2)
        return HELLO + frame(RST_STREAM, 0, STREAM, b"\0\0\0\x08")

    server.reply = reply
    assert failure(client.pull, "a", timeout=0.205).code == "DEADLINE_EXCEEDED"


def test_no_time_at_all(client: Client) -> None:
    assert failure(client.version, timeout=0.0).code == "DEADLINE_EXCEEDED"
