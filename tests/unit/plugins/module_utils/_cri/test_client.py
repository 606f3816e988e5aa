# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CRI client's calls, its choice of API, readiness and protobuf. Runs on the nodes' Python 3.6 too."""

import random
import re
import struct
import threading
import time

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._cri import client as client_module
from ansible_collections.airgap.containerd.plugins.module_utils._cri import protobuf
from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client
from ansible_collections.airgap.containerd.plugins.module_utils._cri.hpack import ProtocolError
from ansible_collections.airgap.containerd.plugins.module_utils._cri.http2 import SETTINGS, WINDOW_UPDATE
from ansible_collections.airgap.containerd.tests.unit.plugins.module_utils._cri.test_http2 import (
    HELLO,
    OK_HEADERS,
    VERSION,
    VERSION_ANSWER,
    Request,
    Server,
    answer,
    data_frames,
    failure,
    grpc_message,
    headers_frame,
    refusal,
    trailers,
)


@pytest.fixture
def server(tmp_path):
    running = Server(str(tmp_path / "containerd.sock"))
    yield running
    running.close()


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.path, timeout=5.0)


def only(api: str, message: bytes):
    """The reply of a containerd that serves one API version."""

    def reply(request: Request) -> bytes:
        service = request.path.split("/")[1]
        if service.rsplit(".", 1)[0] == api:
            return answer(message)
        return refusal(b"12", b"unknown service " + service.encode())

    return reply


# Calls


def test_version_and_its_request(server: Server, client: Client) -> None:
    server.reply = only("runtime.v1", VERSION_ANSWER)
    assert client.version() == VERSION
    headers = server.requests[0].headers
    milliseconds = int(re.match(rb"(\d{1,8})m$", headers.pop(b"grpc-timeout")).group(1))
    assert 4500 < milliseconds <= 4751
    assert headers == {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": b"/runtime.v1.RuntimeService/Version",
        b":authority": b"localhost",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
    }


def test_opening_asks_for_no_table_no_push_and_windows_beyond_the_largest_answer(server: Server, client) -> None:
    server.reply = only("runtime.v1", VERSION_ANSWER)
    client.version()
    (kind, flags, stream, settings), (other, *_rest, window) = server.requests[0].opening[:2]
    assert (kind, flags, stream) == (SETTINGS, 0, 0)
    values = dict(struct.unpack(">HI", settings[at : at + 6]) for at in range(0, len(settings), 6))
    assert values == {1: 0, 2: 0, 4: 2**31 - 1}
    assert other == WINDOW_UPDATE
    assert struct.unpack(">I", window)[0] + 65535 == 2**31 - 1


def test_older_api_is_found_and_remembered(server: Server, client: Client) -> None:
    server.reply = only("runtime.v1alpha2", VERSION_ANSWER)
    assert client.version() == dict(VERSION, api="runtime.v1alpha2")
    client.remove("a")
    assert [request.path for request in server.requests] == [
        "/runtime.v1.RuntimeService/Version",
        "/runtime.v1alpha2.RuntimeService/Version",
        "/runtime.v1alpha2.ImageService/RemoveImage",
    ]


def test_newer_api_after_an_upgrade(server: Server, client: Client) -> None:
    server.reply = only("runtime.v1alpha2", VERSION_ANSWER)
    client.version()
    server.reply = only("runtime.v1", VERSION_ANSWER)
    assert client.version() == VERSION


def test_no_api_means_that_cri_is_not_loaded(server: Server, client: Client) -> None:
    server.reply = only("none", b"")
    error = failure(client.version)
    assert error.code == "UNIMPLEMENTED"
    assert error.message == (
        f"CRI is not loaded in the containerd at {server.path}: unknown service runtime.v1.RuntimeService; "
        "unknown service runtime.v1alpha2.RuntimeService"
    )


def test_call_that_is_refused_as_unimplemented_is_not_repeated(server: Server, client: Client) -> None:
    server.reply = lambda request: refusal(b"12", b"media type is no longer supported: not implemented")
    assert str(failure(client.pull, "a")) == "UNIMPLEMENTED: media type is no longer supported: not implemented"
    assert len(server.requests) == 1


def test_images(server: Server, client: Client) -> None:
    first = [(1, b"sha256:1"), (2, b"a:1"), (2, b"b:1"), (3, b"a@sha256:9")]
    size = b"\x20" + protobuf.encode_varint(3 * 2**30)  # field 4, a varint
    images = [(1, protobuf.encode_message(first) + size), (1, protobuf.encode_message([(1, b"sha256:2")]))]
    server.reply = lambda request: answer(protobuf.encode_message(images))
    assert client.images() == [
        {"id": "sha256:1", "tags": ["a:1", "b:1"], "digests": ["a@sha256:9"], "size": 3 * 2**30, "pinned": False},
        {"id": "sha256:2", "tags": [], "digests": [], "size": 0, "pinned": False},
    ]


def test_answer_of_many_frames(server: Server, client: Client) -> None:
    images = [(1, protobuf.encode_message([(1, b"sha256:%d" % number), (2, b"t" * 1000)])) for number in range(2000)]
    server.reply = lambda request: answer(protobuf.encode_message(images))
    assert [image["id"] for image in client.images()] == [f"sha256:{number}" for number in range(2000)]


PINNED = protobuf.encode_message([(1, b"sha256:1")]) + b"\x40\x01"
PINNED_IMAGE = {"id": "sha256:1", "tags": [], "digests": [], "size": 0, "pinned": True}


@pytest.mark.parametrize(
    ("call", "method", "message", "result"),
    [
        ("image", "ImageStatus", protobuf.encode_message([(1, PINNED)]), PINNED_IMAGE),
        ("image", "ImageStatus", b"", None),
        ("image", "ImageStatus", b"\x0a\x00", None),
        ("pull", "PullImage", protobuf.encode_message([(1, b"sha256:1")]), "sha256:1"),
        ("remove", "RemoveImage", b"", None),
    ],
)
def test_image_calls(server: Server, client, call: str, method: str, message: bytes, result) -> None:
    server.reply = lambda request: answer(message)
    assert getattr(client, call)("registry.lan/ä:1") == result
    request = server.requests[0]
    assert request.path == "/runtime.v1.ImageService/" + method
    assert protobuf.decode_message(request.fields[1][0]) == {1: ["registry.lan/ä:1".encode()]}


def test_a_pull_secret_is_sent_as_the_kubelet_sends_it(server: Server, client: Client) -> None:
    server.reply = lambda request: answer(b"")
    client.pull("a", auth=("u", "p:w"))
    assert protobuf.decode_message(server.requests[0].fields[2][0]) == {1: [b"u"], 2: [b"p:w"]}


def test_used_images(server: Server, client: Client) -> None:
    spec = protobuf.encode_message([(1, b"a:1")])
    containers = [(1, protobuf.encode_message([(1, b"id"), (4, spec), (5, b"sha256:1")])), (1, b"")]
    server.reply = lambda request: answer(protobuf.encode_message(containers))
    assert client.used_images() == {"a:1", "sha256:1"}
    assert server.requests[0].path == "/runtime.v1.RuntimeService/ListContainers"


@pytest.mark.parametrize("bad", [b"\x0a\x02\x20\x01\x28", b"\x08\x01", b"\x0a\x03\x2a\x01\xff", b"\x0a\x02\x20\x01"])
def test_hostile_containers(server: Server, client: Client, bad: bytes) -> None:
    server.reply = lambda request: answer(bad)
    assert failure(client.used_images).code == "INTERNAL"


@pytest.mark.parametrize("bad", [b"\x42\x01\x01", b"\x22\x01\x01"])  # pinned and size as bytes
def test_hostile_images(server: Server, client: Client, bad: bytes) -> None:
    server.reply = lambda request: answer(protobuf.encode_message([(1, b"\x0a\x01x" + bad)]))
    assert failure(client.image, "a").code == "INTERNAL"


@pytest.mark.parametrize(
    ("status", "message", "text"),
    [
        (b"5", b"not found", "NOT_FOUND: not found"),
        (b"2", b"50%25 f%C3%BCll", "UNKNOWN: 50% füll"),
        (b"2", b"%ff", "UNKNOWN: \ufffd"),
        (b"2", b"100%", "UNKNOWN: 100%"),
        (b"16", b"who?", "UNAUTHENTICATED: who?"),
        (b"17", b"new", "UNKNOWN: new"),
        (b"-1", b"odd", "UNKNOWN: odd"),
        ("²".encode(), b"odd", "UNKNOWN: odd"),
        (b"13", b"", "INTERNAL: status b'13', no message"),
    ],
)
@pytest.mark.parametrize("after_data", [False, True])
def test_failures_in_containerds_words(server: Server, client, status, message, text: str, after_data: bool) -> None:
    begun = HELLO + headers_frame(OK_HEADERS) + data_frames(grpc_message(b"junk"))
    server.reply = lambda request: begun + trailers(status, message) if after_data else refusal(status, message)
    assert str(failure(client.pull, "a")) == text


# Readiness


def test_no_socket(tmp_path) -> None:
    path = str(tmp_path / "none.sock")
    assert str(failure(Client(path).version)) == f"UNAVAILABLE: {path}: No such file or directory"


def test_ready_at_once(server: Server) -> None:
    server.reply = only("runtime.v1", b"")
    assert 0 <= client_module.wait_ready(server.path, 5) < 1
    assert [request.path.rsplit("/")[-1] for request in server.requests] == ["Version", "ImageStatus"]


def test_ready_when_both_services_answer(server: Server) -> None:
    replies = [
        refusal(b"2", b"server is not initialized yet"),
        answer(b""),
        refusal(b"14", b"image service starts"),
        answer(b""),
        answer(b""),
    ]
    server.reply = lambda request: replies.pop(0)
    assert 0.15 < client_module.wait_ready(server.path, 5) < 2
    assert replies == []


def test_ready_when_the_socket_appears(tmp_path) -> None:
    path = str(tmp_path / "late.sock")
    servers = []

    def start() -> None:
        servers.append(Server(path))
        servers[0].reply = only("runtime.v1alpha2", b"")

    timer = threading.Timer(0.3, start)
    timer.start()
    try:
        assert 0.25 < client_module.wait_ready(path, 5) < 2
    finally:
        timer.join()
        servers[0].close()


def test_never_ready_tells_the_reason(server: Server) -> None:
    server.reply = lambda request: refusal(b"2", b"server is not initialized yet")
    start = time.monotonic()
    assert str(failure(client_module.wait_ready, server.path, 0.5)) == "UNKNOWN: server is not initialized yet"
    assert 0.3 < time.monotonic() - start < 1.5


def test_reason_outlives_a_later_timeout(server: Server) -> None:
    def reply(request: Request) -> bytes:
        server.hold = len(server.requests) > 1
        return HELLO if server.hold else refusal(b"2", b"the reason")

    server.reply = reply
    assert str(failure(client_module.wait_ready, server.path, 0.5)) == "UNKNOWN: the reason"


def test_daemon_without_cri_is_not_waited_for(server: Server, monkeypatch) -> None:
    monkeypatch.setattr(client_module, "SETTLE_SECONDS", 0.2)
    server.reply = only("none", b"")
    start = time.monotonic()
    assert failure(client_module.wait_ready, server.path, 30).code == "UNIMPLEMENTED"
    assert 0.2 < time.monotonic() - start < 5


# Protobuf


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**64 - 1])
def test_varint_round_trip(value: int) -> None:
    assert protobuf.decode_message(b"\x08" + protobuf.encode_varint(value)) == {1: [value]}


def test_message_round_trip() -> None:
    fields = [(1, b"a"), (2, b""), (3, b"x" * 300), (1, b"b"), (1000, b"c")]
    assert protobuf.decode_message(protobuf.encode_message(fields)) == {1: [b"a", b"b"], 3: [b"x" * 300], 1000: [b"c"]}


def test_fixed_fields_are_passed_over() -> None:
    assert protobuf.decode_message(b"\x09" + b"8" * 8 + b"\x15" + b"4" * 4) == {1: [b"8" * 8], 2: [b"4" * 4]}


def test_random_messages_give_fields_or_a_protocol_error() -> None:
    generator = random.Random(1)
    outcomes = set()
    for _unused in range(5000):
        data = bytes(generator.randrange(256) for _unused in range(generator.randrange(20)))
        try:
            outcomes.add(type(protobuf.decode_message(data)))
        except ProtocolError:
            outcomes.add(ProtocolError)
    assert outcomes == {dict, ProtocolError}
