"""From payload frames to values."""

import array
import json
import pickle
import struct
import sys
from typing import List, NamedTuple, Sequence, Union

from loom.arrow import read_table

from .errors import LoomError, ProtocolError


class JavaScriptObject:
    """A value that only JavaScript functions understand. Make its future an input of one of them."""

    def __init__(self, data: bytes) -> None:
        #: As JavaScript serialized it.
        self.data = data

    def __repr__(self) -> str:
        return f"<JavaScriptObject of {len(self.data)} bytes>"


class _OpenArray(NamedTuple):
    """A list whose items have not all been decoded."""

    types: Sequence[int]
    items: List[object]


class _OpenIndex(NamedTuple):
    """An index whose base has not been decoded; item i is at `offsets[i] .. offsets[i + 1]`."""

    offsets: Sequence[int]


def decode_value(symbols: Sequence[str], type_id: int, frames: Sequence[bytes]) -> object:
    """The value of a result, whose frames come in the order of a depth-first walk:

        array: | type of each item | frames of item 0 | frames of item 1 | ...
        index: | type of the base, offsets | frames of the base
        other: | the bytes |

    Values may be nested to any depth, hence the stack. Raises ProtocolError.
    """
    stack: List[Union[_OpenArray, _OpenIndex]] = []
    next_type = type_id
    for number, frame in enumerate(frames):
        name = _name_of(symbols, next_type)
        if name == "loom/array":
            types = _unpack(frame, 0, "I")
            if types:
                stack.append(_OpenArray(types, []))
                next_type = types[0]
                continue
            value: object = []
        elif name == "loom/index":
            if len(frame) < 12:
                raise ProtocolError(f"expected the offsets of an index, got {len(frame)} bytes")
            stack.append(_OpenIndex(_unpack(frame, 4, "Q")))
            (next_type,) = struct.unpack_from("<I", frame)
            continue
        else:
            value = _decode_leaf(name, frame)
        # Puts the value where it belongs, and so its list, if that is complete with it.
        while stack:
            top = stack[-1]
            if isinstance(top, _OpenArray):
                top.items.append(value)
                if len(top.items) < len(top.types):
                    next_type = top.types[len(top.items)]
                    break
                value = top.items
            else:
                value = _cut(value, top.offsets)
            stack.pop()
        else:
            if number + 1 != len(frames):
                raise ProtocolError(f"expected {number + 1} frames of a result, got {len(frames)}")
            return value
    raise ProtocolError(f"expected more frames of a result than {len(frames)}")


def _decode_leaf(name: str, frame: bytes) -> object:
    if name == "loom/data":
        return frame
    if name == "loom/pyobj":
        return _unpickle(frame)
    if name == "loom/json":
        return json.loads(frame)
    if name == "loom/jsobj":
        return JavaScriptObject(frame)
    if name == "loom/absent":
        return None
    if name == "loom/arrow":
        return _read_table(frame)
    raise ProtocolError(f"expected a data type that this client knows, got {name}")


def _unpickle(frame: bytes) -> object:
    try:
        return pickle.loads(frame)
    except Exception as error:  # Unpickling runs code of whoever made the object.
        raise LoomError(
            f"A Python object of the result cannot be unpickled here: {type(error).__name__}: "
            f"{error}. Install here what its class needs, or return plain data",
            "result-unreadable",
        ) from error


def _read_table(frame: bytes) -> object:
    try:
        return read_table(frame)
    except ImportError as error:
        raise LoomError(
            "The result is an Arrow table, and there is no pyarrow here: pip install "
            "'hyperloom[arrow]'. Or have its bytes made a result of their own, by a function that "
            "returns read() of it",
            "result-unreadable",
        ) from error
    except ValueError as error:  # pyarrow's errors are such
        raise LoomError(f"An Arrow table cannot be read: {error}", "result-unreadable") from error


def _name_of(symbols: Sequence[str], symbol_id: int) -> str:
    if symbol_id >= len(symbols):
        raise ProtocolError(f"no symbol has the id {symbol_id}")
    return symbols[symbol_id]


def _unpack(frame: bytes, start: int, typecode: str) -> Sequence[int]:
    """The little-endian numbers from `start` on."""
    numbers = array.array(typecode)
    if (len(frame) - start) % numbers.itemsize != 0:
        raise ProtocolError(f"expected whole numbers in a frame, got {len(frame)} bytes")
    numbers.frombytes(memoryview(frame)[start:])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _cut(base: object, offsets: Sequence[int]) -> List[bytes]:
    """The items of an index."""
    if not isinstance(base, bytes):
        raise ProtocolError("expected an index of raw data, got one of something else")
    if any(a > b for a, b in zip(offsets, offsets[1:])) or offsets[-1] > len(base):
        raise ProtocolError("expected rising offsets inside of the base of an index, got others")
    return [base[a:b] for a, b in zip(offsets, offsets[1:])]
