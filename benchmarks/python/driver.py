"""One client process in Python: runs one scenario, prints what it measured as one line of JSON."""

import json
import os
import sys
import time
from pathlib import Path

from loom.client import Client, tasks

# Plans before the one that is measured, besides the first.
WARM_PLANS = 3


def cpu_seconds(pid: int) -> float:
    """CPU of all threads of a process and of its descendants, those that ended included."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    total = 0.0
    stack = [pid]
    while stack:
        current = stack.pop()
        stack += parents.get(current, [])
        try:
            fields = Path(f"/proc/{current}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return total


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


class Meter:
    """Wall clock and CPU of all processes of a run over the part that counts."""

    def __init__(self, pids: dict[str, int]):
        self.pids = {**pids, "client": os.getpid()}

    def start(self) -> None:
        self.before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}
        self.began = time.perf_counter()

    def stop(self) -> float:
        self.seconds = time.perf_counter() - self.began
        self.cpu = {name: cpu_seconds(pid) - self.before[name] for name, pid in self.pids.items()}
        return self.seconds

    def sample(self, **figures: float) -> dict:
        return {
            "wallSeconds": self.seconds,
            "cpuSeconds": self.cpu,
            "peakBytes": {name: peak_bytes(pid) for name, pid in self.pids.items()},
            "figures": figures,
        }


def accept(client: Client, meter: Meter, size: int) -> dict:
    """Builds and sends a plan of independent tasks to a server without workers."""
    meter.start()
    began = time.perf_counter()
    root = tasks.array_make([tasks.const("x") for _ in range(size)])
    built = time.perf_counter()
    future = client.submit_one(root)
    submitted = time.perf_counter()
    # Answered after the plan was taken.
    client.get_stats()
    accepted = time.perf_counter()
    meter.stop()
    future.release()
    return meter.sample(
        buildAndEncodeSeconds=submitted - began,
        buildSeconds=built - began,
        acceptSeconds=accepted - submitted,
    )


@tasks.py_task(n_direct_args=1)
def increment(value):
    return str(value + 1)


def function_calls(client: Client, meter: Meter, count: int) -> dict:
    """Calls of a function that costs nothing, all of them results."""

    def run(calls: int) -> None:
        futures = client.submit([increment(i) for i in range(calls)])
        client.wait(futures)
        client.release(futures)

    began = time.perf_counter()
    run(count)
    cold = time.perf_counter() - began
    # The first plan's code is not compiled yet.
    for _ in range(WARM_PLANS):
        run(count)
    meter.start()
    run(count)
    seconds = meter.stop()
    return meter.sample(callsPerSecond=count / seconds, coldCallsPerSecond=count / cold)


@tasks.py_task(n_direct_args=1)
def count_down(turns):
    while turns:
        turns -= 1
    return ""


def busy_calls(client: Client, meter: Meter, count: int, cpus: int) -> dict:
    """Functions that keep the interpreter busy, one at a time and all at once."""
    turns = 2_000_000

    def run(calls: int) -> float:
        began = time.perf_counter()
        futures = client.submit([count_down(turns) for _ in range(calls)])
        client.wait(futures)
        client.release(futures)
        return time.perf_counter() - began

    run(2 * cpus)
    one = sum(run(1) for _ in range(count)) / count
    meter.start()
    many = run(count * cpus) / (count * cpus)
    meter.stop()
    return meter.sample(speedUp=one / many)


SCENARIOS = {"accept": accept, "functionCalls": function_calls, "busyCalls": busy_calls}


def main() -> None:
    request = json.loads(sys.argv[1])
    with Client(request["host"], request["port"]) as client:
        while client.get_stats()["n_workers"] < request["workers"]:
            time.sleep(0.01)
        meter = Meter(request["pids"])
        scenario = SCENARIOS[request["scenario"]]
        sample = scenario(client, meter, **request["parameters"])
    print(json.dumps(sample))


main()
