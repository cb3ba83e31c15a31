"""From what functions return to what the worker is told."""

import os
from collections.abc import Sequence
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

from loom.arrow import is_table, to_buffer, write_table

from .frames import Message, write_all
from .inputs import Made, Stored, StoredArray, StoredIndex, Table

#: Leaves of so many bytes or more are written to files.
_FILE_BYTES_MIN = 1024 * 1024
_FILE_MODE = 0o444


class InvalidResult(Exception):
    """The function returned what is no value."""


class ResultFiles:
    """Names for the files of large results."""

    def __init__(self, directory: str, prefix: str) -> None:
        self.directory = directory
        self._prefix = prefix
        self._count = 0

    def write(self, data: memoryview) -> str:
        """Writes a new file and returns its name."""
        return self._write(lambda file: write_all(file.fileno(), data))[0]

    def write_table(self, table: Any) -> Tuple[str, int]:
        """Writes an Arrow table, batch by batch, to a new file; returns its name and bytes."""
        return self._write(lambda file: write_table(table, file))

    def _write(self, fill: Callable[[BinaryIO], None]) -> Tuple[str, int]:
        self._count += 1
        name = self._prefix + str(self._count)
        path = os.path.join(self.directory, name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with open(descriptor, "wb") as file:
            try:
                fill(file)
                file.flush()
                return name, os.fstat(descriptor).st_size
            except BaseException:
                os.unlink(path)
                raise


class Result:
    """The nodes of one result, and the bytes that go with them."""

    __slots__ = ("nodes", "payload", "size", "is_redirect", "_files", "_table", "_rows", "_kept")

    def __init__(self, table: Table, files: ResultFiles) -> None:
        self.nodes: List[Message] = []
        self.payload: List[Any] = []
        #: Bytes of the payload.
        self.size = 0
        #: Whether there is a task among the nodes.
        self.is_redirect = False
        self._files = files
        self._table = table
        #: Rows of lists, tuples and tasks, by identity: what is shared stays shared.
        self._rows: Dict[int, Optional[int]] = {}
        #: So that no identity is used twice meanwhile.
        self._kept: List[Any] = []

    def add(self, root: Any) -> int:
        """Adds a value with all that is in it, without recursion; returns its row."""
        # An entry is a value to be added, or a container whose parts have been added.
        stack: List[Tuple[Any, Optional[List[Any]]]] = [(root, None)]
        rows: List[int] = []
        while stack:
            value, parts = stack.pop()
            if parts is None:
                row = self._add_simple(value)
                if row is not None:
                    rows.append(row)
                    continue
                parts = self._open(value)
                stack.append((value, parts))
                stack.extend((part, None) for part in reversed(parts))
            else:
                first = len(rows) - len(parts)
                row = self._close(value, rows[first:])
                del rows[first:]
                rows.append(row)
        return rows[0]

    def _add_simple(self, value: Any) -> Optional[int]:
        """The row of a value without parts, or of one that is there already."""
        kind = type(value)
        if kind is str:
            return self._leaf("data", value.encode())
        if kind is bytes:
            return self._leaf("data", value)
        if isinstance(value, Stored):
            if value.table is self._table:
                return self._node(value.reference())
            if isinstance(value, (StoredArray, StoredIndex)):
                return None
            # It is of an earlier call, of which the worker has nothing any more.
            node = value.table.nodes[value.row]
            data = (
                value.view() if node["type"] in ("data", "json") else value.table.buffer(value.row)
            )
            return self._leaf(node["type"], data)
        if isinstance(value, Made):
            return self._leaf(value.type, value.content())
        if isinstance(value, str):
            return self._leaf("data", value.encode())
        if isinstance(value, (bytes, bytearray)):
            return self._leaf("data", value)
        if isinstance(value, memoryview):
            return self._leaf("data", value if value.contiguous else value.tobytes())
        if is_table(value):
            return self._add_table(value)
        known = self._rows.get(id(value), -1)
        if known is None:
            raise InvalidResult(
                f"Invalid result from python code: a {kind.__name__} contains itself"
            )
        return known if known >= 0 else None

    def _open(self, value: Any) -> List[Any]:
        """The parts of a value that has some."""
        if is_task(value):
            parts = list(value.inputs)
        elif isinstance(value, (Sequence, StoredArray, StoredIndex)):
            parts = list(value)
        else:
            kind = type(value)
            raise InvalidResult(
                f"Invalid result from python code: {kind.__module__}.{kind.__qualname__}; "
                "a function returns str, bytes, a sequence of results, an input, a task, an Arrow "
                "table, or what the context's wrap() or json() made"
            )
        self._rows[id(value)] = None
        self._kept.append(value)
        return parts

    def _close(self, value: Any, rows: List[int]) -> int:
        if is_task(value):
            self.is_redirect = True
            row = self._node(self._task(value, rows))
        else:
            row = self._node({"type": "array", "items": rows})
        self._rows[id(value)] = row
        return row

    def _task(self, task: Any, inputs: List[int]) -> Message:
        config = to_bytes(task.config)
        self.payload.append(config)
        self.size += len(config)
        request = getattr(task, "resource_request", None)
        path = getattr(task, "checkpoint_path", None)
        return {
            "type": "task",
            "taskType": to_text(task.task_type),
            "config": len(config),
            "inputs": inputs,
            "request": dict(getattr(request, "resources", None) or {}),
            "checkpointPath": to_text(path),
        }

    def _leaf(self, kind: str, data: Any) -> int:
        view = memoryview(data)
        size = view.nbytes
        if size >= _FILE_BYTES_MIN:
            name = self._files.write(view.cast("B"))
            return self._node({"type": kind, "bytes": size, "file": name})
        # What is mutable may change before it is sent.
        self.payload.append(data if type(data) is bytes else bytes(view))
        self.size += size
        return self._node({"type": kind, "bytes": size})

    def _add_table(self, table: Any) -> int:
        # What it will have in a file is about what it has in memory.
        if table.nbytes >= _FILE_BYTES_MIN:
            name, size = self._files.write_table(table)
            return self._node({"type": "arrow", "bytes": size, "file": name})
        return self._leaf("arrow", to_buffer(table))

    def _node(self, node: Message) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def discard(self) -> None:
        """Removes the files of a result that is not told."""
        for node in self.nodes:
            if "file" in node:
                os.unlink(os.path.join(self._files.directory, node["file"]))


def is_task(value: Any) -> bool:
    """By its attributes: the class may be one of another package."""
    return hasattr(value, "task_type") and hasattr(value, "config") and hasattr(value, "inputs")


def to_bytes(value: Any) -> bytes:
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else bytes(value)


def to_text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)
