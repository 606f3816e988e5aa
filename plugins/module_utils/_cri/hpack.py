# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Header compression of HTTP/2 (RFC 7541) for a client that announces a dynamic table of size 0.

Header lists are lists of (name, value) pairs of bytes. Runs on Python 3.6.
"""

EOS = 256
MAX_INTEGER = 2**32

# Appendix A of the RFC: entries 1 to 14 and 16 have values, the others are names only.
STATIC_TABLE = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
] + [(b":status", status) for status in b"200 204 206 304 400 404 500".split()]
STATIC_TABLE += [(b"accept-charset", b""), (b"accept-encoding", b"gzip, deflate")]
STATIC_TABLE += [
    (name, b"")
    for name in (
        b"accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control "
        b"content-disposition content-encoding content-language content-length content-location content-range "
        b"content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range "
        b"if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range "
        b"referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary "
        b"via www-authenticate"
    ).split()
]

# Appendix B of the RFC: bits per symbol 0 to 256 as base-36 digits; the code is canonical, so the lengths define it.
HUFFMAN_LENGTHS = (
    "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca"
    "d67777777777777777777777878djde6f56565666577666567655677777fbeds"
    "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn"
    "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq"
    "u"
)


class ProtocolError(Exception):
    """The peer's bytes break a rule of HPACK, HTTP/2, gRPC or protobuf."""


def _canonical_codes(lengths):
    """Map (bits, code) to its symbol: codes count upwards in order of length, then of symbol."""
    codes = {}
    code = previous = 0
    for bits, symbol in sorted((int(digit, 36), symbol) for symbol, digit in enumerate(lengths)):
        code <<= bits - previous
        codes[bits, code] = symbol
        code, previous = code + 1, bits
    return codes


HUFFMAN_CODES = _canonical_codes(HUFFMAN_LENGTHS)


def huffman_decode(data):
    """Return the bytes that the Huffman-coded bytes stand for."""
    out = bytearray()
    bits = code = 0
    for byte in bytearray(data):
        for shift in range(7, -1, -1):
            code = code << 1 | byte >> shift & 1
            bits += 1
            symbol = HUFFMAN_CODES.get((bits, code))
            if symbol == EOS or bits > 30:
                raise ProtocolError("Huffman string contains the end-of-string symbol")
            if symbol is not None:
                out.append(symbol)
                bits = code = 0
    if bits > 7 or code != (1 << bits) - 1:
        raise ProtocolError("Huffman string is badly padded")
    return bytes(out)


def encode_integer(value, prefix_bits):
    """Return the integer in HPACK's form, the unused high bits of the first byte being 0."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes(bytearray([value]))
    out = bytearray([limit])
    value -= limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_integer(data, position, prefix_bits):
    """Return (value, position after it) of the integer whose first byte is at `position`."""
    if position >= len(data):
        raise ProtocolError("header block ends inside a field")
    limit = (1 << prefix_bits) - 1
    value = data[position] & limit
    position += 1
    if value < limit:
        return value, position
    for shift in range(0, 35, 7):
        if position >= len(data):
            raise ProtocolError("header block ends inside an integer")
        byte = data[position]
        position += 1
        value += (byte & 127) << shift
        if byte < 128 and value < MAX_INTEGER:
            return value, position
    raise ProtocolError("integer in header block is too large")


def _encode_string(value):
    return encode_integer(len(value), 7) + value


def _decode_string(data, position):
    """Return (bytes, position after them) of the string literal at `position`."""
    length, start = decode_integer(data, position, 7)
    end = start + length
    if end > len(data):
        raise ProtocolError("header block ends inside a string")
    value = bytes(data[start:end])
    return (huffman_decode(value) if data[position] & 128 else value), end


def _static_entry(index):
    if not 1 <= index <= len(STATIC_TABLE):
        raise ProtocolError("header index {0} is not in the static table".format(index))
    return STATIC_TABLE[index - 1]


def encode(headers):
    """Return the header block of (name, value) pairs, each a literal that no table remembers."""
    return b"".join(b"\0" + _encode_string(name) + _encode_string(value) for name, value in headers)


def decode(block):
    """Return the list of (name, value) pairs in a complete header block.

    A peer that was told of a table of size 0 may name "incremental indexing", but nothing is ever remembered.
    """
    data = bytearray(block)
    headers = []
    position = 0
    while position < len(data):
        first = data[position]
        if first & 128:
            index, position = decode_integer(data, position, 7)
            headers.append(_static_entry(index))
        elif first & 224 == 32:
            size, position = decode_integer(data, position, 5)
            if size or headers:
                raise ProtocolError("dynamic table update to {0} after {1} headers".format(size, len(headers)))
        else:
            index, position = decode_integer(data, position, 6 if first & 64 else 4)
            if index:
                name = _static_entry(index)[0]
            else:
                name, position = _decode_string(data, position)
            value, position = _decode_string(data, position)
            headers.append((name, value))
    return headers
