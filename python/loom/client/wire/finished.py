"""Results that come with the news that they are finished."""

import struct
import sys
from array import array
from itertools import accumulate
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple, cast

from ..errors import ProtocolError
from .fields import bytes_field, read_fields

_IDS, _POSITIONS, _TYPE_IDS, _FRAME_COUNTS, _SIZES, _FRAMES = 0x0A, 0x12, 0x1A, 0x22, 0x2A, 0x32
_LENGTH = struct.Struct("<Q")


class CarriedValue(NamedTuple):
    """The value of a result, not decoded."""

    type_id: int
    frames: List[bytes]


class FinishedResults(NamedTuple):
    """Entry k is the value of the task `ids[positions[k]]`: `frame_counts[k]` frames, each with its
    length before it, in `frames[starts[k] : starts[k + 1]]`."""

    ids: Sequence[int]
    positions: Sequence[int]
    type_ids: Sequence[int]
    frame_counts: Sequence[int]
    starts: Sequence[int]
    frames: bytes

    def carried_ids(self) -> Iterator[int]:
        """The ids whose values are here, in the order of the entries."""
        return map(self.ids.__getitem__, self.positions)

    def value(self, entry: int) -> CarriedValue:
        """Raises ProtocolError."""
        at, end = self.starts[entry], self.starts[entry + 1]
        frames: List[bytes] = []
        for _ in range(self.frame_counts[entry]):
            body = at + _LENGTH.size
            if body > end:
                raise ProtocolError("a finished result lacks frames")
            (size,) = _LENGTH.unpack_from(self.frames, at)
            at = body + size
            if at > end:
                raise ProtocolError("a frame exceeds its finished result")
            frames.append(self.frames[body:at])
        if at != end:
            raise ProtocolError("a finished result has bytes after its last frame")
        return CarriedValue(self.type_ids[entry], frames)


#: Where the value of a result is that came with the news of it: an entry of a message.
CarriedPlace = Tuple[FinishedResults, int]


def decode_finished(body: bytes) -> FinishedResults:
    """Decodes the nested message of a RESULTS_FINISHED. Raises ProtocolError."""
    found: Dict[int, bytes] = {}
    for tag, value in read_fields(body):
        if isinstance(value, bytes):
            found[tag] = value
    ids = unpack_ids(found.get(_IDS, b""))
    positions, type_ids, frame_counts, sizes = (
        _unpack(found.get(tag, b""), "I") for tag in (_POSITIONS, _TYPE_IDS, _FRAME_COUNTS, _SIZES)
    )
    frames = found.get(_FRAMES, b"")
    if not len(positions) == len(type_ids) == len(frame_counts) == len(sizes):
        raise ProtocolError("columns of finished results differ in length")
    starts = [0, *accumulate(sizes)]
    if starts[-1] != len(frames):
        raise ProtocolError("finished results do not fill their bytes")
    if positions and not (_rises(positions) and positions[-1] < len(ids)):
        raise ProtocolError("positions of finished results do not rise")
    return FinishedResults(ids, positions, type_ids, frame_counts, starts, frames)


def pack_ids(tag: int, ids: Sequence[int]) -> bytes:
    """A packed field of sfixed32."""
    packed = array("i", ids)
    if sys.byteorder == "big":
        packed.byteswap()
    return bytes_field(tag, packed.tobytes())


def unpack_ids(data: bytes) -> "array[int]":
    """The numbers of a packed field of sfixed32. Raises ProtocolError."""
    return _unpack(data, "i")


def _unpack(data: bytes, code: str) -> "array[int]":
    if len(data) % 4 != 0:
        raise ProtocolError(f"expected 4 bytes for each number, got {len(data)} in all")
    column = array(code, data)
    if sys.byteorder == "big":
        column.byteswap()
    return cast("array[int]", column)


def _rises(column: Sequence[int]) -> bool:
    return all(left < right for left, right in zip(column, column[1:]))
