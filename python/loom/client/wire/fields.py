"""Fields of protobuf messages. A tag is the field's number * 8 + its wire type."""

from typing import Iterator, List, Optional, Tuple, Union

from ..errors import ProtocolError
from .varint import encode_varint, read_varint

_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END, _FIXED32 = range(6)
#: Levels of groups in fields that we do not know; the default of Google's decoders.
_MAX_GROUP_DEPTH = 100

#: The value of a varint field or the bytes of a length-prefixed one.
FieldValue = Union[int, bytes]


def int_field(tag: int, value: Optional[int]) -> bytes:
    """A varint field; nothing if it is None."""
    return b"" if value is None else encode_varint(tag) + encode_varint(value)


def bytes_field(tag: int, value: Union[bytes, str, None]) -> bytes:
    """A field with a length; text is written in UTF-8; nothing if it is None."""
    if value is None:
        return b""
    if isinstance(value, str):
        value = value.encode()
    return encode_varint(tag) + encode_varint(len(value)) + value


def read_fields(data: bytes) -> Iterator[Tuple[int, FieldValue]]:
    """The tag and value of each varint or length-prefixed field of a message, in their order;
    other fields are skipped, for nothing that we know has their types. Raises ProtocolError."""
    position = 0
    end = len(data)
    while position < end:
        tag, position = read_varint(data, position, end)
        kind = tag & 7
        if tag >> 3 == 0:
            raise ProtocolError("expected the number of a field, got 0")
        if kind == _VARINT:
            value, position = read_varint(data, position, end)
            yield tag, value
        elif kind == _BYTES:
            size, position = read_varint(data, position, end)
            if size > end - position:
                raise ProtocolError(f"expected {size} bytes of a field, got {end - position}")
            yield tag, data[position : position + size]
            position += size
        else:
            position = _skip(data, tag, position, end)


def _skip(data: bytes, tag: int, position: int, end: int) -> int:
    """The position after a field of a type that we do not use; groups may be nested."""
    open_groups: List[int] = []
    while True:
        kind = tag & 7
        if kind == _GROUP:
            open_groups.append(tag >> 3)
            if len(open_groups) > _MAX_GROUP_DEPTH:
                raise ProtocolError(f"expected at most {_MAX_GROUP_DEPTH} nested groups, got more")
        elif kind == _GROUP_END:
            if not open_groups or open_groups.pop() != tag >> 3:
                raise ProtocolError("expected the end of a group that is open, got another")
        elif kind == _VARINT:
            _, position = read_varint(data, position, end)
        elif kind == _BYTES:
            size, position = read_varint(data, position, end)
            position += size
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
        else:
            raise ProtocolError(f"expected a wire type from 0 to 5, got {kind}")
        if position > end:
            raise ProtocolError("expected the rest of a field, got the end of the message")
        if not open_groups:
            return position
        tag, position = read_varint(data, position, end)
