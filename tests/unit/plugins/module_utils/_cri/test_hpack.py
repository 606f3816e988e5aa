# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Header compression against the examples of RFC 7541 and the `hpack` package. Runs on the nodes' Python 3.6 too."""

import random

import hpack
import pytest
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

from ansible_collections.airgap.containerd.plugins.module_utils._cri import hpack as hpack_module
from ansible_collections.airgap.containerd.plugins.module_utils._cri.hpack import ProtocolError

HEADERS = [
    (b":status", b"200"),
    (b"content-type", b"application/grpc"),
    (b"grpc-status", b"12"),
    (b"grpc-message", b"unknown service runtime.v1.RuntimeService"),
    (b"empty", b""),
    (b"binary", bytes(range(256))),
    (b"long", b"x" * 5000),
]


def test_huffman_codes_are_those_of_the_hpack_package() -> None:
    expected = {(REQUEST_CODES_LENGTH[symbol], code): symbol for symbol, code in enumerate(REQUEST_CODES)}
    assert expected == hpack_module.HUFFMAN_CODES


def test_static_table_is_that_of_the_hpack_package() -> None:
    assert tuple(hpack_module.STATIC_TABLE) == HeaderTable.STATIC_TABLE


@pytest.mark.parametrize(
    ("coded", "text"),
    [
        ("", b""),
        ("f1e3c2e5f23a6ba0ab90f4ff", b"www.example.com"),  # RFC 7541, C.4.1
        ("a8eb10649cbf", b"no-cache"),  # C.4.2
        ("25a849e95ba97d7f", b"custom-key"),  # C.4.3
        ("6402", b"302"),  # C.6.1
        ("9d29ad171863c78f0b97c8e9ae82ae43d3", b"https://www.example.com"),  # C.6.1
        ("ffc7", b"\0"),  # 13 bits and 3 of padding
    ],
)
def test_huffman_strings(coded: str, text: bytes) -> None:
    assert hpack_module.huffman_decode(bytes.fromhex(coded)) == text


@pytest.mark.parametrize(
    "coded",
    [
        pytest.param("ff", id="eight bits of padding"),
        pytest.param("1fff", id="a byte of padding after a symbol"),
        pytest.param("00", id="padding with a zero bit"),
        pytest.param("fffffffc", id="end of string"),
        pytest.param("ffffffff", id="end of string and padding"),
    ],
)
def test_bad_huffman_strings(coded: str) -> None:
    with pytest.raises(ProtocolError):
        hpack_module.huffman_decode(bytes.fromhex(coded))


@pytest.mark.parametrize(
    ("value", "prefix", "coded"),
    [
        (10, 5, "0a"),  # RFC 7541, C.1.1
        (1337, 5, "1f9a0a"),  # C.1.2
        (42, 8, "2a"),  # C.1.3
        (31, 5, "1f00"),
        (126, 7, "7e"),
        (127, 7, "7f00"),
        (2**32 - 1, 4, "0ff0ffffff0f"),
    ],
)
def test_integers(value: int, prefix: int, coded: str) -> None:
    data = bytes.fromhex(coded)
    assert hpack_module.encode_integer(value, prefix) == data
    assert hpack_module.decode_integer(b"?" + data + b"?", 1, prefix) == (value, 1 + len(data))


@pytest.mark.parametrize("coded", ["", "1f", "1f80", "1f8080808080", "1fffffffff7f", "1f808080808001"])
def test_bad_integers(coded: str) -> None:
    with pytest.raises(ProtocolError):
        hpack_module.decode_integer(bytes.fromhex(coded), 0, 5)


@pytest.mark.parametrize("huffman", [True, False])
def test_blocks_of_the_hpack_package_are_understood(huffman: bool) -> None:
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    for _unused in range(2):
        assert hpack_module.decode(encoder.encode(HEADERS, huffman=huffman)) == HEADERS


def test_our_blocks_are_understood_by_the_hpack_package_and_by_us() -> None:
    block = hpack_module.encode(HEADERS)
    assert hpack.Decoder().decode(block, raw=True) == HEADERS
    assert hpack_module.decode(block) == HEADERS


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("2088", [(b":status", b"200")], id="size update, then an index"),
        pytest.param(
            "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
            [(b"custom-key", b"custom-header")],
            id="C.2.1 with incremental indexing",
        ),
        pytest.param("040c2f73616d706c652f70617468", [(b":path", b"/sample/path")], id="C.2.2 without indexing"),
        pytest.param("100870617373776f726406736563726574", [(b"password", b"secret")], id="C.2.3 never indexed"),
        pytest.param("82", [(b":method", b"GET")], id="C.2.4 indexed"),
        pytest.param("1f1000", [(b"content-type", b"")], id="name index of two bytes"),
    ],
)
def test_forms_of_fields(block: str, headers: list) -> None:
    assert hpack_module.decode(bytes.fromhex(block)) == headers


@pytest.mark.parametrize(
    "block",
    [
        pytest.param("80", id="index 0"),
        pytest.param("be", id="index 62, of the dynamic table"),
        pytest.param("7e00", id="name index 62"),
        pytest.param("21", id="size update to 1"),
        pytest.param("8820", id="size update after a header"),
        pytest.param("00", id="no name"),
        pytest.param("0005616263", id="name is cut"),
        pytest.param("000161", id="no value"),
        pytest.param("0001610562", id="value is cut"),
        pytest.param("00016181ff", id="value with bad padding"),
        pytest.param("0001617fffffffffffff", id="length is too large"),
    ],
)
def test_bad_blocks(block: str) -> None:
    with pytest.raises(ProtocolError):
        hpack_module.decode(bytes.fromhex(block))


def test_random_blocks_give_headers_or_a_protocol_error() -> None:
    generator = random.Random(7541)
    outcomes = set()
    for _unused in range(5000):
        block = bytes(generator.randrange(256) for _unused in range(generator.randrange(40)))
        try:
            outcomes.add(type(hpack_module.decode(block)))
        except ProtocolError:
            outcomes.add(ProtocolError)
    assert outcomes == {list, ProtocolError}
