"""What functions are given: values of the worker's store, wrapped."""

import mmap
import sys
from typing import Any, Dict, Iterator, List, Optional, Union

from loom.arrow import read_table

from .frames import Message
from .unpickle import unpickle

_OFFSET_BYTES = 8


class Table:
    """The values that came with one message, in rows; wrappers are made of them when asked for."""

    __slots__ = ("nodes", "buffers", "_sizes", "__weakref__")

    def __init__(self, nodes: List[Message], payload: memoryview) -> None:
        self.nodes = nodes
        #: Bytes of each leaf; None for what is a file until it is mapped.
        self.buffers: List[Optional[memoryview]] = []
        self._sizes: Optional[List[int]] = None
        position = 0
        for node in nodes:
            buffer = None
            if "bytes" in node and "file" not in node:
                end = position + node["bytes"]
                buffer = payload[position:end]
                position = end
            self.buffers.append(buffer)

    def buffer(self, row: int) -> memoryview:
        found = self.buffers[row]
        if found is None:
            found = self.buffers[row] = map_file(self.nodes[row])
        return found

    def size(self, row: int) -> int:
        sizes = self._sizes
        if sizes is None:
            # Of everything at once: what a value is made of comes before it.
            sizes = self._sizes = []
            for node in self.nodes:
                kind = node["type"]
                if kind == "array":
                    sizes.append(sum(sizes[item] for item in node["items"]))
                elif kind == "index":
                    sizes.append(sizes[node["base"]] + sizes[node["offsets"]])
                else:
                    sizes.append(node["bytes"])
        return sizes[row]

    def wrap(self, row: int) -> Any:
        """The value, or None for one that could not be made."""
        return _CLASSES[self.nodes[row]["type"]](self, row)


def map_file(node: Message) -> memoryview:
    """The stretch of a file that a leaf lies in, without a copy."""
    size: int = node["bytes"]
    offset: int = node.get("offset", 0)
    if size == 0:
        return memoryview(b"")
    start = offset - offset % mmap.ALLOCATIONGRANULARITY
    with open(node["file"], "rb") as file:
        mapped = mmap.mmap(
            file.fileno(), offset - start + size, offset=start, access=mmap.ACCESS_READ
        )
    return memoryview(mapped)[offset - start :]


class Wrapper:
    """A value of the store: an input of a function, an item of one, or what `wrap` made."""

    __slots__ = ()

    def size(self) -> int:
        """Bytes of the value, of all its items together."""
        raise NotImplementedError

    def length(self) -> int:
        """Items of an array or an index, else 0."""
        return 0

    def read(self) -> bytes:
        """The bytes of raw data, the text of a JSON value, or an Arrow table as an IPC stream; empty
        for everything else."""
        return b""

    def view(self) -> memoryview:
        """As `read`, without a copy. Valid as long as it is referred to."""
        return memoryview(b"")

    def unwrap(self) -> Any:
        """The Python object, the JSON value, or the `pyarrow.Table`; None for everything else."""
        return None

    def __len__(self) -> int:
        return self.length()

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, position: Union[int, slice]) -> Any:
        if isinstance(position, slice):
            return [self._item(i) for i in range(*position.indices(self.length()))]
        length = self.length()
        index = position + length if position < 0 else position
        if not 0 <= index < length:
            raise IndexError(f"item {position} of a value of {length} items")
        return self._item(index)

    def __iter__(self) -> Iterator["Wrapper"]:
        for position in range(self.length()):
            yield self._item(position)

    def _item(self, position: int) -> "Wrapper":
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.size()} bytes>"


class Stored(Wrapper):
    """A value that came from the worker, and need not go back to it."""

    __slots__ = ("table", "row")

    def __init__(self, table: Table, row: int) -> None:
        self.table = table
        self.row = row

    def size(self) -> int:
        return self.table.size(self.row)

    def reference(self) -> Message:
        """How a result names it."""
        return {"type": "ref", "row": self.row}


class StoredData(Stored):
    """Raw data."""

    __slots__ = ()

    def read(self) -> bytes:
        return bytes(self.view())

    def view(self) -> memoryview:
        return self.table.buffer(self.row)


class StoredPart(StoredData):
    """An item of an index: a stretch of raw data."""

    __slots__ = ("_start", "_size")

    def __init__(self, table: Table, row: int, start: int, size: int) -> None:
        super().__init__(table, row)
        self._start = start
        self._size = size

    def size(self) -> int:
        return self._size

    def view(self) -> memoryview:
        return self.table.buffer(self.row)[self._start : self._start + self._size]

    def reference(self) -> Message:
        return {"type": "ref", "row": self.row, "offset": self._start, "bytes": self._size}


_MISSING = object()


class StoredObject(Stored):
    """A Python object; it is made of its pickle anew for each call, so calls cannot disturb each other."""

    __slots__ = ("_object",)

    def __init__(self, table: Table, row: int) -> None:
        super().__init__(table, row)
        self._object: Any = _MISSING

    def unwrap(self) -> Any:
        if self._object is _MISSING:
            self._object = unpickle("The Python object", self.table.buffer(self.row))
        return self._object


class StoredJson(StoredData):
    """A JSON value."""

    __slots__ = ()

    def unwrap(self) -> Any:
        import json

        return json.loads(self.read())


class StoredTable(StoredData):
    """An Arrow table. The columns lie where the bytes do."""

    __slots__ = ("_table",)

    def __init__(self, table: Table, row: int) -> None:
        super().__init__(table, row)
        self._table: Any = None

    def unwrap(self) -> Any:
        if self._table is None:
            try:
                self._table = read_table(self.view())
            except ImportError as error:
                raise TypeError(
                    "this value is an Arrow table, and the Python of this worker "
                    f"({sys.executable}) has no pyarrow: install it there by `pip install pyarrow`, "
                    "or take the bytes of the table, an IPC stream, by read()"
                ) from error
        return self._table


class StoredForeign(Stored):
    """What only JavaScript understands; it can be passed on."""

    __slots__ = ()

    def unwrap(self) -> Any:
        raise TypeError(
            "this value is an object of JavaScript, which Python can only pass on; "
            "return JSON, text or bytes from the function that made it"
        )


class StoredArray(Stored):
    """An array of values."""

    __slots__ = ()

    def length(self) -> int:
        return len(self.table.nodes[self.row]["items"])

    def _item(self, position: int) -> Wrapper:
        return self.table.wrap(self.table.nodes[self.row]["items"][position])


class StoredIndex(Stored):
    """Raw data in items."""

    __slots__ = ()

    def length(self) -> int:
        return len(self._offsets()) // _OFFSET_BYTES - 1

    def _offsets(self) -> memoryview:
        return self.table.buffer(self.table.nodes[self.row]["offsets"])

    def _item(self, position: int) -> Wrapper:
        offsets = self._offsets()
        at = position * _OFFSET_BYTES
        start = int.from_bytes(offsets[at : at + 8], "little")
        end = int.from_bytes(offsets[at + 8 : at + 16], "little")
        return StoredPart(self.table, self.table.nodes[self.row]["base"], start, end - start)


class Made(Wrapper):
    """A value that a function made to return it: a Python object or a JSON value."""

    __slots__ = ("type", "_bytes", "_object")

    def __init__(self, kind: str, data: bytes, value: Any) -> None:
        self.type = kind
        self._bytes = data
        self._object = value

    def size(self) -> int:
        return len(self._bytes)

    def read(self) -> bytes:
        return self._bytes if self.type == "json" else b""

    def view(self) -> memoryview:
        return memoryview(self.read())

    def unwrap(self) -> Any:
        return self._object

    def content(self) -> bytes:
        return self._bytes


_CLASSES: Dict[str, Any] = {
    "data": StoredData,
    "pyobj": StoredObject,
    "json": StoredJson,
    "jsobj": StoredForeign,
    "arrow": StoredTable,
    "array": StoredArray,
    "index": StoredIndex,
    # In place of what could not be made.
    "absent": lambda table, row: None,
}
