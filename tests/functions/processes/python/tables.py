"""Makes Arrow tables by decorated functions, and fetches them; prints what came of it as JSON."""

import json
import sys

import pyarrow as pa

from loom.client import Client, TaskFailed
from loom.client.errors import LoomError
from loom.client.tasks import py_task


@py_task(n_direct_args=1)
def make(rows):
    return pa.table({"n": list(range(rows)), "s": [str(i) for i in range(rows)]})


@py_task()
def describe(x):
    table = x.unwrap()
    stream = pa.ipc.open_stream(x.view()).read_all()
    return repr((type(table).__name__, table.num_rows, stream.equals(table), len(x), x.size() > 0))


@py_task()
def pair(x):
    return [x, x.unwrap().slice(1, 2), pa.record_batch({"a": [1.5, None]})]


@py_task()
def length_of_bytes(x):
    return str(len(x.read()) == x.size())


def failure_of(client, task):
    try:
        return client.submit_one(task).gather()
    except (TaskFailed, LoomError) as error:
        return str(error)


def main():
    with Client("127.0.0.1", int(sys.argv[1])) as client:
        if "without" in sys.argv:
            result = {"unwrap": failure_of(client, describe(make(3)))}
        else:
            small, large = make(3), make(300_000)
            futures = client.submit([small, large, describe(large), pair(small)])
            first, second, text, three = client.gather(futures)
            result = {
                "first": first.to_pydict(),
                "second": [second.num_rows, second["n"][-1].as_py(), second["s"][-1].as_py()],
                "described": text.decode(),
                "three": [table.to_pydict() for table in three],
                "bytes": client.submit_one(length_of_bytes(small)).gather().decode(),
            }
            future = client.submit_one(make(2))
            future.wait()
            sys.modules["pyarrow"] = None
            try:
                future.gather()
            except LoomError as error:
                result["missing"] = [error.code, str(error)]
    print(json.dumps(result))


main()
