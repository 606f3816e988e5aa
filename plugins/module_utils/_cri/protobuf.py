# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocol Buffers on the wire, as far as CRI's messages need them."""

from ansible_collections.airgap.containerd.plugins.module_utils._cri.hpack import ProtocolError

MAX_VALUES = 65536  # per message: decoding 16 MiB of empty ones would take a minute and gigabytes
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # protobuf wire types


def encode_message(fields):
    """Return the protobuf message of (field number, bytes) pairs; empty values are left out."""
    return b"".join(
        encode_varint(number << 3 | BYTES) + encode_varint(len(value)) + value for number, value in fields if value
    )


def encode_varint(value):
    """Return a non-negative integer in base 128, lowest group first."""
    if value < 128:
        return bytes(bytearray([value]))
    return bytes(bytearray([value & 127 | 128])) + encode_varint(value >> 7)


def _decode_varint(data, position):
    """Return (value, position after it)."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ProtocolError("message ends inside a number")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ProtocolError("number in message is too large")


def decode_message(data):
    """Return {field number: [values in order]} of a protobuf message: int for varints, else bytes."""
    fields = {}
    position = count = 0
    while position < len(data):
        count += 1
        if count > MAX_VALUES:
            raise ProtocolError("message has more than {0} values".format(MAX_VALUES))
        key, position = _decode_varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, position = _decode_varint(data, position)
        else:
            if wire_type == BYTES:
                size, position = _decode_varint(data, position)
            elif wire_type in (FIXED64, FIXED32):
                size = 8 if wire_type == FIXED64 else 4
            else:
                raise ProtocolError("field {0} has the unknown wire type {1}".format(number, wire_type))
            value = data[position : position + size]
            if len(value) != size:
                raise ProtocolError("message ends inside field {0}".format(number))
            position += size
        fields.setdefault(number, []).append(value)
    return fields
