"""Where the worker finds, whatever happens, how many calls have begun."""

import mmap
import os
import struct
import sys
from typing import Callable

_COUNT = struct.Struct("<Q")


def open_count(descriptor: int) -> Callable[[int], None]:
    """
    What writes the count into the file of 8 bytes, in place of what was there. By memory that is
    shared with the file, where the file system has that: a system call would be a good part of what
    a small call costs. Aligned and of one word, it is never seen half written.
    """

    def write(count: int) -> None:
        os.pwrite(descriptor, _COUNT.pack(count), 0)

    write(0)
    if sys.byteorder != "little":
        return write
    try:
        cell = memoryview(mmap.mmap(descriptor, _COUNT.size)).cast("Q")
    except OSError:
        return write
    return lambda count: cell.__setitem__(0, count)
