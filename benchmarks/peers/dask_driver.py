"""The scenarios that Dask can run as well: starts a Dask cluster, prints what was measured as JSON.

Nothing here is tuned against Dask: graphs are given as it takes them fastest, as plain dictionaries
of keys, and data is what its tasks return.
"""

import json
import os
import statistics
import sys
import time

from distributed import Client, LocalCluster, wait

UNAVAILABLE_STATUS = 75
# Above this a run takes minutes.
TASKS_MAX = 150_000


def unavailable(reason: str) -> None:
    print(reason)
    sys.exit(UNAVAILABLE_STATUS)


def const(_i):
    return b"x"


def merge(*parts):
    return b"".join(parts)


def increment(value):
    return value + 1


def constants(size):
    return {f"c{i}": (const, i) for i in range(size)}


def tree_graph(size):
    graph = constants(size)
    level = list(graph)
    while len(level) > 1:
        above = [f"m{len(graph)}-{i}" for i in range(0, len(level), 2)]
        for key, i in zip(above, range(0, len(level), 2)):
            graph[key] = (merge, *level[i : i + 2])
        level = above
    return graph, level[0]


def chain_graph(size):
    graph = {"s0": (const, 0)}
    for i in range(size):
        graph[f"s{i + 1}"] = (merge, f"s{i}")
    return graph, f"s{size}"


GRAPHS = {
    "tree": tree_graph,
    "chain": chain_graph,
}


def independent(client, shape, size):
    """Constants, all of them results, or inputs of one task."""
    for _ in range(2):
        began = time.perf_counter()
        futures = client.map(const, range(size), pure=False)
        wait(futures if shape == "results" else client.submit(length_of, futures, pure=False))
        seconds = time.perf_counter() - began
    return {"tasksPerSecond": size / seconds, "usPerTask": seconds / size * 1e6}


def plans(client, parameters):
    shape, size = parameters["shape"], parameters["size"]
    if size > TASKS_MAX:
        unavailable(f"{size} tasks take Dask too long")
    if shape in ("array", "merge", "results"):
        return independent(client, shape, size)
    if shape not in GRAPHS:
        unavailable(f"there is no {shape} for Dask")
    times = []
    graph, keys = GRAPHS[shape](size)
    # The first plan warms it up; more would take long and change nothing.
    for number in range(2):
        renamed = f"-{number}"
        copy = {key + renamed: rename(task, renamed, graph) for key, task in graph.items()}
        wanted = [key + renamed for key in keys] if isinstance(keys, list) else keys + renamed
        began = time.perf_counter()
        futures = client.get(copy, wanted, sync=False)
        wait(futures)
        times.append(time.perf_counter() - began)
        del futures
    count = len(graph)
    return {"tasksPerSecond": count / times[-1], "usPerTask": times[-1] / count * 1e6}


def rename(task, suffix, graph):
    """Tasks of one graph with other keys: Dask would otherwise know their results."""
    if isinstance(task, list):
        return [rename(item, suffix, graph) for item in task]
    if isinstance(task, tuple):
        return tuple(rename(item, suffix, graph) for item in task)
    return task + suffix if isinstance(task, str) and task in graph else task


def chain_steps(client, parameters):
    figures = plans(client, parameters)
    return {"usPerStep": figures["usPerTask"]}


def round_trips(client, parameters):
    times = []
    for i in range(parameters["count"] + 50):
        began = time.perf_counter()
        client.submit(increment, i, pure=False).result()
        times.append((time.perf_counter() - began) * 1e6)
    times = sorted(times[50:])
    return {"p50Us": statistics.median(times), "p99Us": times[int(len(times) * 0.99)]}


def function_calls(client, parameters):
    wait(client.map(increment, range(100), pure=False))
    count = parameters["count"]
    began = time.perf_counter()
    futures = client.map(increment, range(count), pure=False)
    wait(futures)
    return {"callsPerSecond": count / (time.perf_counter() - began)}


def zeros(size):
    return bytes(size)


def length_of(objects):
    return sum(len(item) for item in objects)


def ends(client):
    return list(client.scheduler_info()["workers"])[:2]


def transfer(client, count, size):
    left, right = ends(client)
    objects = [client.submit(zeros, size, workers=[left], pure=False) for _ in range(count)]
    wait(objects)
    began = time.perf_counter()
    wait(client.submit(length_of, objects, workers=[right], pure=False))
    return time.perf_counter() - began


def transfer_large(client, parameters):
    transfer(client, 1, 1 << 20)
    size = parameters["sizeBytes"]
    return {"bytesPerSecond": size / statistics.median(transfer(client, 1, size) for _ in range(3))}


def transfer_small(client, parameters):
    count, size = parameters["count"], parameters["sizeBytes"]
    seconds = transfer(client, count, size)
    return {"objectsPerSecond": count / seconds, "bytesPerSecond": count * size / seconds}


def fetch_large(client, parameters):
    size = parameters["sizeBytes"]
    times = []
    for _ in range(3):
        future = client.submit(zeros, size, workers=ends(client)[:1], pure=False)
        wait(future)
        began = time.perf_counter()
        future.result()
        times.append(time.perf_counter() - began)
    return {"bytesPerSecond": size / statistics.median(times)}


SCENARIOS = {
    "plans": plans,
    "chainSteps": chain_steps,
    "roundTrips": round_trips,
    "functionCalls": function_calls,
    "transferLarge": transfer_large,
    "transferSmall": transfer_small,
    "fetchLarge": fetch_large,
}


def main():
    name, parameters = sys.argv[1], json.loads(sys.argv[2])
    if name not in SCENARIOS:
        unavailable(f"there is no {name} for Dask")
    began = time.perf_counter()
    workers = max(1, parameters.get("workers", 1))
    options = {"dashboard_address": None, "silence_logs": 50, "threads_per_worker": 1}
    cluster = LocalCluster(n_workers=workers, processes=True, **options)
    with cluster, Client(cluster) as client:
        figures = SCENARIOS[name](client, parameters)
    times = os.times()
    sample = {
        "wallSeconds": time.perf_counter() - began,
        # Client and scheduler are one process, the workers its children.
        "cpuSeconds": {
            "client": times.user + times.system,
            "worker": times.children_user + times.children_system,
        },
        "peakBytes": {},
        "figures": figures,
    }
    print(json.dumps(sample))


if __name__ == "__main__":
    main()
