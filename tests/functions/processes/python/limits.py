"""Time limits, and many functions at once. Prints what came of them as JSON.

limits.py PORT late|many DIRECTORY
"""

import json
import os
import pickle
import sys
import time

from loom.client import Client, Task, TaskFailed, tasks
from loom.client.tasks import cpu1, cpus, py_task, py_value


def with_options(arguments, options):
    """The config of a call with options behind its arguments."""
    text = json.dumps(options).encode()
    return pickle.dumps(arguments) + text + len(text).to_bytes(4, "little") + b"LOOMOPTS"


def py_value_with(options, function):
    import cloudpickle

    text = json.dumps(options).encode()
    pickled = cloudpickle.dumps(function) + text + len(text).to_bytes(4, "little") + b"LOOMOPTS"
    return Task("loom/py/value", (), pickled)


def spin(x=None):
    while True:
        pass


def quick(x=None):
    return "quick"


class Counter:
    """Of this script, so it is pickled with its code."""


def class_of(x):
    return type(x.unwrap()).__name__


def late(client):
    limited = with_options((), {"time_limit_ms": 300, "python": "9.9", "cloudpickle": "8.8"})
    started = time.monotonic()
    other = {"python": "2.7.18", "cloudpickle": "1.0"}
    told = {}
    for name, code, config in (
        ("late", py_value(spin), limited),
        ("in_time", py_value(quick), limited),
        ("wrong", py_value(quick), with_options((), {"time_limit_ms": -1})),
        ("other_version", py_value_with({"python": "2.7.18"}, quick), b""),
        ("other_object", py_value(class_of), py_value_with({"python": "2.7.18"}, Counter())),
        ("plain_object", py_value(class_of), py_value_with(other, {"a": 1})),
        ("future_pickle", py_value(class_of), Task("loom/py/value", (), b"\x80\x63N.")),
        ("versions", Task("loom/py/value", (), b"no pickle"), limited),
    ):
        inputs = [config] if isinstance(config, Task) else []
        task = Task("loom/py/call", [code, *inputs], b"" if inputs else config, cpu1)
        try:
            told[name] = client.gather_one(client.submit_one(task)).decode()
        except TaskFailed as error:
            told[name] = str(error)
    told["seconds"] = time.monotonic() - started
    return told


def many(client):
    """1,000 functions of several kinds; each notes when it began and ended."""

    @py_task(n_direct_args=1)
    def small(n):
        start = time.monotonic()
        return repr((start, time.monotonic()))

    @py_task(n_direct_args=1)
    def slow(n):
        start = time.monotonic()
        while time.monotonic() - start < 0.01:
            pass
        return repr((start, time.monotonic()))

    @py_task(n_direct_args=1, request=cpus(2))
    def wide(n):
        start = time.monotonic()
        time.sleep(0.005)
        return repr((start, time.monotonic()))

    n_cpus = int(sys.argv[3])
    kinds = [(small, 1)] * 7 + [(slow, 1)] * 2 + [(wide, 2) if n_cpus > 1 else (slow, 1)]
    chosen = [kinds[(7 * n) % 10] for n in range(1000)]
    futures = client.submit([build(n) for n, (build, _) in enumerate(chosen)])
    spans = [eval(value) for value in client.gather(futures)]
    events = []
    for (start, end), (_, weight) in zip(spans, chosen):
        events += [(start, weight), (end, -weight)]
    used = greatest = 0
    # What ends at the moment that another begins comes first.
    for _, weight in sorted(events):
        used += weight
        greatest = max(greatest, used)
    return {"greatest": greatest, "count": len(spans)}


with Client("127.0.0.1", int(sys.argv[1])) as client:
    print(json.dumps({"late": late, "many": many}[sys.argv[2]](client)))
