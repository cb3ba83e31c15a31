"""Splits what a server sends into responses and payload."""

import io
import re
import struct
from typing import List, Optional, Protocol

from ..errors import ProtocolError
from ..wire.responses import Response, ResponseType, decode_response

_BUFFER_BYTES = 256 * 1024
#: A frame of this size that has not come whole gets memory of its own, in which it stays.
_LARGE_BYTES = 32 * 1024
#: As the server's own limit: a text, stderr of 128 KiB or all symbols.
_MAX_RESPONSE_BYTES = 16 * 1024 * 1024
_HEADER = struct.Struct("<Q")

# A whole TASK_FINISHED: u64 length | 08 02 (type) | 38 id (1 to 10 bytes). There may be millions,
# so a run of them is found by one match instead of being decoded one by one.
_FINISHED = rb"([\x04-\x0d])\0{7}\x08\x02\x38([\x80-\xff]{0,9}[\0-\x7f])"
_ONE_FINISHED = re.compile(_FINISHED, re.DOTALL)
_RUN_OF_FINISHED = re.compile(rb"(?:" + _FINISHED + rb")+", re.DOTALL)


class PayloadSink(Protocol):
    """Takes the payload frames of one result."""

    def frame(self, data: Optional[bytes]) -> None:
        """The next frame; None where this machine has no memory for it."""

    def end(self) -> None:
        """All have come."""


class ResponseHandler(Protocol):
    def on_finished(self, task_ids: List[int]) -> None: ...

    def on_data(self, response: Response) -> PayloadSink:
        """A DATA message: who takes the frames that follow."""

    def on_response(self, response: Response) -> None:
        """Every other message."""


class ResponseReader:
    """Bytes are received where `target` says. Small frames are cut out of a buffer; a large one is
    received straight into the bytes object that the result is."""

    def __init__(self, handler: ResponseHandler) -> None:
        self._handler = handler
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        # What has come and not been looked at.
        self._start = self._end = 0
        self._large: Optional[_LargeFrame] = None
        self._sink: Optional[PayloadSink] = None
        self._missing_frames = 0

    def target(self) -> memoryview:
        """Where the next bytes go; never empty."""
        if self._large is not None:
            return self._large.rest()
        if self._start > 0:
            # Part of a small frame, so this copies little.
            size = self._end - self._start
            self._view[:size] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, size
        return self._view[self._end :]

    def on_received(self, size: int) -> None:
        """So many bytes are in the target. Raises ProtocolError."""
        large = self._large
        if large is None:
            self._end += size
        elif large.add(size):
            self._large = None
            self._take(large.finish())
        if self._large is None:
            self._split()

    def _split(self) -> None:
        buffer, view = self._buffer, self._view
        end = self._end
        start = self._start
        while True:
            if self._sink is None:
                start = self._take_finished(start, end)
            if end - start < _HEADER.size:
                break
            (size,) = _HEADER.unpack_from(buffer, start)
            if self._sink is None and size > _MAX_RESPONSE_BYTES:
                raise ProtocolError(
                    f"expected a message of at most {_MAX_RESPONSE_BYTES} bytes, got {size}"
                )
            body = start + _HEADER.size
            if size <= end - body:
                start = body + size
                self._take(bytes(view[body:start]))
            elif size >= _LARGE_BYTES:
                self._large = _LargeFrame(size, view[body:end])
                start = end
                break
            else:
                break
        self._start, self._end = (0, 0) if start == end else (start, end)

    def _take_finished(self, start: int, end: int) -> int:
        """Takes TASK_FINISHED frames as long as they have the shape that servers write; returns
        the position after them. What it leaves is decoded like every other response."""
        run = _RUN_OF_FINISHED.match(self._buffer, start, end)
        if run is None:
            return start
        ids: List[int] = []
        for length, number in _ONE_FINISHED.findall(self._buffer, start, run.end()):
            if length[0] != 3 + len(number):
                raise ProtocolError("expected a TASK_FINISHED message, got one of another length")
            ids.append(_decode_id(number))
        self._handler.on_finished(ids)
        return run.end()

    def _take(self, frame: Optional[bytes]) -> None:
        sink = self._sink
        if sink is not None:
            sink.frame(frame)
            self._missing_frames -= 1
        elif frame is None:
            raise ProtocolError("this machine has no memory for a message of the server")
        else:
            response = decode_response(frame)
            if response.type is not ResponseType.DATA or response.data is None:
                self._handler.on_response(response)
                return
            sink = self._sink = self._handler.on_data(response)
            self._missing_frames = response.data.n_messages
        if self._missing_frames == 0:
            self._sink = None
            sink.end()


def _decode_id(number: bytes) -> int:
    value = 0
    for shift, byte in enumerate(number):
        value |= (byte & 0x7F) << 7 * shift
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


class _LargeFrame:
    """Memory for one frame. A BytesIO gives its memory away as bytes without a copy."""

    def __init__(self, size: int, begin: memoryview) -> None:
        self._size = size
        self._filled = len(begin)
        self._memory = io.BytesIO()
        self._view: Optional[memoryview] = None
        try:
            self._memory.seek(size - 1)
            self._memory.write(b"\0")
            self._view = self._memory.getbuffer()
            self._view[: len(begin)] = begin
        except (MemoryError, OverflowError):
            # It must be read off the connection all the same.
            self._memory = io.BytesIO(bytes(_BUFFER_BYTES))

    def rest(self) -> memoryview:
        missing = self._size - self._filled
        if self._view is None:
            return self._memory.getbuffer()[:missing]
        return self._view[self._filled :]

    def add(self, size: int) -> bool:
        """True if the frame is complete."""
        self._filled += size
        return self._filled == self._size

    def finish(self) -> Optional[bytes]:
        if self._view is None:
            return None
        self._view.release()
        return self._memory.getvalue()
