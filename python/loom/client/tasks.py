"""The builders of tasks.

None of them looks at its inputs: inside of a function that runs on a worker, inputs may also be
what the function was given. What cannot be an input is refused at submit.
"""

import os.path
import struct
from typing import Iterable, Sequence, Union

from .errors import LoomError
from .function_tasks import py_call, py_task, py_value
from .policies import OptionalInput
from .requests import cpu1, cpus
from .run_task import run
from .task import Task

__all__ = [
    "array_make",
    "const",
    "cpu1",
    "cpus",
    "dget",
    "dslice",
    "get",
    "length",
    "merge",
    "open",
    "optional",
    "py_call",
    "py_task",
    "py_value",
    "read_count",
    "run",
    "save",
    "size",
    "slice",
    "split",
]

#: An input: a task, a future, or, inside of a function, what it was given.
Input = object
_MAX_POSITION = 2**63 - 1


def const(data: Union[str, bytes]) -> Task:
    """The given bytes, or text in UTF-8, as raw data."""
    if not isinstance(data, (bytes, str)):
        data = _bytes_of(data, "const")
    return Task("loom/data/const", (), data)


def merge(inputs: Iterable[Input], delimiter: Union[str, bytes] = "") -> Task:
    """The inputs, which must be raw data, one after the other, with the delimiter between them."""
    return Task("loom/data/merge", tuple(inputs), delimiter or b"")


def open(filename: str) -> Task:
    """A file that the workers can read at this path (made absolute here). Nothing is read until it
    is needed. The task fails if there is no such file."""
    return Task("loom/data/open", (), os.fsencode(os.path.abspath(filename)))


def split(input: Input, char: Union[str, bytes, None] = None) -> Task:
    """The pieces of raw data as an index; each keeps its delimiter (default: newline) at its end."""
    if char is not None and len(char) == 0:
        raise LoomError("The delimiter of tasks.split is empty: leave it out for newlines")
    return Task("loom/data/split", (input,), b"" if char is None else char)


def save(input: Input, filename: str) -> Task:
    """Writes raw data to an absolute path, on the worker that runs it; the result is empty data."""
    return Task("loom/data/save", (input,), os.fsencode(filename), cpu1)


def get(input: Input, index: int) -> Task:
    """The item at a position of an array or an index. The task fails if there is none."""
    return Task("loom/base/get", (input,), struct.pack("<Q", _position(index)))


def slice(input: Input, start: int, end: int) -> Task:
    """The items from `start` up to and without `end`: an array of an array's items, or the raw bytes
    of an index's range. Bounds are cut to the length."""
    config = struct.pack("<QQ", _position(start), _position(end))
    return Task("loom/base/slice", (input,), config)


def size(input: Union[Input, Sequence[Input]]) -> Task:
    """The size of the input in bytes, or the sum for several, as 8 bytes; `read_count` reads them."""
    return Task("loom/base/size", _listed(input))


def length(input: Union[Input, Sequence[Input]]) -> Task:
    """The number of items, or the sum for several, as 8 bytes; `read_count` reads them. Raw data has
    none."""
    return Task("loom/base/length", _listed(input))


def array_make(inputs: Iterable[Input]) -> Task:
    """An array of the inputs, by reference: nothing is copied."""
    return Task("loom/array/make", tuple(inputs))


def optional(input: Input) -> OptionalInput:
    """For an input that may fail: the task that uses it then runs without its data. An array has
    None in its place, a function gets None, `merge` leaves it out, and a program finds no file,
    empty standard input, an empty argument. All other tasks fail."""
    return OptionalInput(input)


def dget(input: Input) -> Task:
    """Stands for each item of the input, whose number is not known yet: once it is, the task that
    uses this one runs once for each item, and whoever uses that gets all of its results, in order.

    Needs exactly one consumer; neither of the two can be submitted itself.
    """
    return Task("loom/scheduler/dget", (input,))


def dslice(input: Input) -> Task:
    """As `dget`, with slices of about a quarter of a cpu's share instead of single items."""
    return Task("loom/scheduler/dslice", (input,))


def read_count(result: bytes) -> int:
    """The number in the result of `size` or `length`."""
    if len(result) != 8:
        raise LoomError(f"A count is 8 bytes, but these are {len(result)}")
    return int.from_bytes(result, "little")


def _listed(input: Union[Input, Sequence[Input]]) -> Sequence[Input]:
    return tuple(input) if isinstance(input, (list, tuple)) else (input,)


def _position(value: int) -> int:
    if not isinstance(value, int) or value < 0:
        raise LoomError(f"A position must be a whole number >= 0, but is {value!r}")
    return min(value, _MAX_POSITION)


def _bytes_of(data: object, builder: str) -> bytes:
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise LoomError(f"tasks.{builder} takes str or bytes, but got {type(data).__name__}")
