# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is at the other end of the CRI socket says: a result, or one CriError, and never later than agreed.

`make properties` searches long.
"""

import json
import struct
import time

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._cri import protobuf, pull
from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError
from ansible_collections.airgap.containerd.plugins.module_utils._cri.http2 import STREAM, frame
from ansible_collections.airgap.containerd.tests.unit.plugins.module_utils._cri.test_http2 import (
    HELLO,
    OK_HEADERS,
    VERSION_ANSWER,
    Server,
    answer,
    data_frames,
    goaway,
    grpc_message,
    headers_frame,
    refusal,
    trailers,
)

pytest.importorskip("hypothesis", reason="the oldest Python of a node has none")
from hypothesis import given  # noqa: E402 - comes after the line that skips
from hypothesis import strategies as st  # noqa: E402 - likewise

pytestmark = pytest.mark.properties

SECONDS = 0.5

noise = st.binary(max_size=40)
names = st.sampled_from([b":status", b"grpc-status", b"grpc-message", b"content-type", b"", b"\x1b[2J", b"x" * 300])
values = st.one_of(noise, st.sampled_from([b"200", b"100", b"0", b"12", b"99", b"-1", b"%zz%1b[31m", b"\xff"]))
blocks = st.lists(st.tuples(names, values), max_size=5)


def message(fields):
    """Encode (number, value) pairs, numbers as varints."""
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += protobuf.encode_varint(number << 3) + protobuf.encode_varint(value)
        else:
            encoded += protobuf.encode_message([(number, value)])
    return encoded


field = st.tuples(st.integers(1, 9), st.one_of(noise, st.integers(0, 2**64 - 1), st.just(b"sha256:" + b"0" * 64)))
inner = st.lists(field, max_size=6).map(message)
messages = st.one_of(noise, inner, st.lists(st.tuples(st.integers(1, 4), inner), max_size=4).map(message))
kinds = st.integers(0, 11)
any_frame = st.builds(frame, kinds, st.integers(0, 255), st.sampled_from([0, STREAM, 2, 2**31]), noise)
lying_frame = st.builds(
    lambda kind, size: struct.pack(">I", size)[1:] + bytes(bytearray([kind])), kinds, st.integers(0, 2**24 - 1)
)
parts = st.one_of(
    noise,
    any_frame,
    lying_frame,
    st.builds(headers_frame, blocks, st.integers(0, 255)),
    st.builds(goaway, st.integers(0, 2**31), st.integers(0, 20), noise),
    messages.map(grpc_message).map(data_frames),
    st.builds(trailers, values, values),
    st.just(headers_frame(OK_HEADERS)),
    st.just(HELLO),
)
replies = st.one_of(
    messages.map(answer),
    st.builds(refusal, values, values),
    st.lists(parts, max_size=8).map(b"".join),
    st.lists(parts, max_size=8).map(lambda found: HELLO + b"".join(found)),
    st.lists(parts, max_size=4).map(lambda found: answer(VERSION_ANSWER)[:40] + b"".join(found)),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(str(tmp_path_factory.mktemp("cri") / "containerd.sock"))
    yield running
    running.close()


@given(st.data())
def test_any_answer_is_a_result_or_one_error_in_time(server, data):
    reply, server.hold = data.draw(replies), data.draw(st.sampled_from([False] * 9 + [True]))
    server.reply = lambda request: reply
    client = Client(server.path, timeout=SECONDS)
    start = time.monotonic()
    try:
        data.draw(
            st.sampled_from(
                [client.version, client.images, client.used_images, lambda: client.image("a"), lambda: client.pull("a")]
            )
        )()
    except CriError as error:
        assert error.code.isupper() and error.message
    assert time.monotonic() - start < SECONDS + 1


@given(st.lists(replies, min_size=1, max_size=6))
def test_pulls_end_with_a_result_for_each_image(server, answers):
    queue = iter(answers * 20)
    server.reply, server.hold = lambda request: next(queue), False
    request = {
        "images": ["a.lan/x:1", "b.lan/y@sha256:1"],
        "timeout": SECONDS,
        "parallel": 1,
        "keep": False,
        "login": None,
    }
    found = pull.pull(server.path, request, None)
    assert [each["image"] for each in found] == request["images"]
    assert all(len((each["error"] or {}).get("message", "")) <= pull.MAX_ERROR for each in found)
    json.dumps(found)
