"""Tables of Apache Arrow, which are values of their own where pyarrow is installed."""

import sys
from typing import Any


def is_table(value: Any) -> bool:
    """Whether it is a table or a record batch; does not import pyarrow for that."""
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(value, (pyarrow.Table, pyarrow.RecordBatch))


def read_table(stream: Any) -> Any:
    """A `pyarrow.Table` whose columns lie in `stream`, the bytes of an IPC stream, and are not
    copied. Raises ImportError where there is no pyarrow, and `pyarrow.ArrowInvalid`."""
    import pyarrow

    with pyarrow.ipc.open_stream(pyarrow.py_buffer(stream)) as reader:
        return reader.read_all()


def write_table(table: Any, target: Any) -> None:
    """Writes a table or a record batch as an IPC stream to a file of Python or of pyarrow."""
    import pyarrow

    with pyarrow.ipc.new_stream(target, table.schema) as writer:
        writer.write(table)


def to_buffer(table: Any) -> memoryview:
    """The same in memory."""
    import pyarrow

    target = pyarrow.BufferOutputStream()
    write_table(table, target)
    return memoryview(target.getvalue())
