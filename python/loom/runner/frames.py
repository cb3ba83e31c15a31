"""Frames, as `src/worker/runners/messages.ts` describes them."""

import json
import os
import select
import struct
from typing import Any, Dict, List, Tuple

_LENGTHS = struct.Struct("<II")
_READ_BYTES = 256 * 1024

Message = Dict[str, Any]


class EndOfFrames(Exception):
    """The other side has closed."""


class FrameReader:
    """Takes frames from a descriptor, each payload as a view of what was read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._data = b""
        self._position = 0

    def read(self) -> Tuple[Message, memoryview]:
        """The next frame; waits for it."""
        self._need(_LENGTHS.size)
        header_bytes, payload_bytes = _LENGTHS.unpack_from(self._data, self._position)
        self._need(_LENGTHS.size + header_bytes + payload_bytes)
        start = self._position + _LENGTHS.size
        end = start + header_bytes
        message = json.loads(self._data[start:end])
        self._position = end + payload_bytes
        return message, memoryview(self._data)[end : self._position]

    def has_more(self) -> bool:
        """Whether something of another frame is there already."""
        if self._position < len(self._data):
            return True
        return bool(select.select([self._descriptor], [], [], 0)[0])

    def _need(self, count: int) -> None:
        missing = count - (len(self._data) - self._position)
        if missing <= 0:
            return
        parts: List[bytes] = [self._data[self._position :]]
        while missing > 0:
            part = os.read(self._descriptor, max(missing, _READ_BYTES))
            if not part:
                raise EndOfFrames()
            parts.append(part)
            missing -= len(part)
        # The old bytes live on as long as somebody has a view of them.
        self._data = b"".join(parts)
        self._position = 0


def encode_frame(message: Message, payload: List[Any]) -> bytes:
    """One frame; `payload` has objects with the buffer protocol."""
    header = json.dumps(message, separators=(",", ":")).encode()
    size = sum(memoryview(part).nbytes for part in payload)
    return b"".join([_LENGTHS.pack(len(header), size), header, *payload])


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
