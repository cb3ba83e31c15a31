"""Tables of Arrow, as functions of a file get and return them."""

import pyarrow as pa


def make_table(rows):
    numbers = range(rows)
    names = [None if i % 3 == 0 else f"näme {i}" for i in numbers]
    colors = [None if i % 5 == 0 else ("red", "green")[i % 2] for i in numbers]
    return pa.table(
        {
            "id": pa.array(numbers, pa.int32()),
            "name": pa.array(names, pa.string()),
            "color": pa.array(colors, pa.string()).dictionary_encode(),
            "score": pa.array([None if i % 4 == 0 else i / 2 for i in numbers], pa.float64()),
            "big": pa.array([2**60 + i for i in numbers], pa.int64()),
            "even": pa.array([i % 2 == 0 for i in numbers], pa.bool_()),
        }
    )


def make_batches(rows):
    """A table in several batches, as files and queries give them."""
    table = make_table(rows)
    return pa.concat_tables([table.slice(0, rows // 2), table.slice(rows // 2)])


def make_record_batch():
    return pa.record_batch({"a": [1, 2, 3]})


def as_text(value):
    if value is None:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def summarize(table):
    if not isinstance(table, pa.Table):
        raise TypeError(type(table).__name__)
    table.validate(full=True)
    return {
        "rows": table.num_rows,
        "columns": ",".join(table.column_names),
        "nulls": [column.null_count for column in table.columns],
        "scores": sum(x for x in table["score"].to_pylist() if x is not None),
        "last": [as_text(column[-1].as_py()) for column in table.columns] if table.num_rows else [],
    }


def pass_on(table):
    return table


def pieces(table, count):
    size = -(-table.num_rows // count)
    return [table.slice(i * size, size) for i in range(count)]


def count_rows(tables):
    return [table.num_rows for table in tables]


def kinds(view: memoryview, data: bytes, table):
    return [type(view).__name__, type(data).__name__, type(table).__name__, bytes(view) == data]


def allocated(table):
    """Bytes that Arrow has allocated here for a table that it was given."""
    return [table.nbytes, pa.total_allocated_bytes()]
