"""Protobuf's variable-length integers."""

from typing import List, Tuple

from ..errors import ProtocolError

#: Values below this are in the tables of `varint_tables`.
TABLE_SIZE = 1 << 14

_MASK64 = (1 << 64) - 1
_tables: Tuple[List[bytes], List[bytes]] = ([], [])


def encode_varint(value: int) -> bytes:
    """The bytes of an integer; a negative one takes ten, as protobuf wants it."""
    value &= _MASK64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_tables() -> Tuple[List[bytes], List[bytes]]:
    """Two tables for whoever encodes millions: `last[n]` is n, `more[n]` is the two bytes of n
    with a continuation; so a value below 2^28 is `more[value & 0x3fff] + last[value >> 14]`.
    They are made when they are first asked for."""
    last, more = _tables
    if not last:
        more.extend(bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(TABLE_SIZE))
        last.extend(encode_varint(n) for n in range(TABLE_SIZE))
    return _tables


def read_varint(data: bytes, position: int, end: int) -> Tuple[int, int]:
    """An unsigned value of up to 64 bits and the position after it. Raises ProtocolError."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise ProtocolError("expected the rest of a number, got the end of the message")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK64, position
    raise ProtocolError("expected a number of at most 10 bytes, got a longer one")


def to_int32(value: int) -> int:
    """What an int32 field means by a varint: its lowest 32 bits, with a sign."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def to_int64(value: int) -> int:
    """What an int64 field means by a varint."""
    return value - (1 << 64) if value >= 1 << 63 else value
