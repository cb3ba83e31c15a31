"""The same in Python: submits plans with known results until standard input ends. Arguments: the
server's port, a seed. Prints a line for each plan."""

import random
import sys
import threading

from loom.client import Client, tasks

port, seed = sys.argv[1:]
source = random.Random(int(seed))
last = threading.Event()


def wait_for_end():
    sys.stdin.read()
    last.set()


threading.Thread(target=wait_for_end, daemon=True).start()


@tasks.py_task()
def add(left, right):
    return str(int(left.read()) + int(right.read()))


def sums():
    """Functions in warm processes, in a tree."""
    numbers = [source.randrange(1000) for _ in range(2 + source.randrange(8))]
    level = [tasks.const(str(number)) for number in numbers]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [pair[0] if len(pair) == 1 else add(pair[0], pair[1]) for pair in pairs]
    return level[0], str(sum(numbers)).encode()


def programs():
    texts = [
        f"{source.randrange(1000)}\n".encode() for _ in range(3 + source.randrange(12))
    ]
    parts = [tasks.run(["rev"], stdin=tasks.const(text)) for text in texts]
    return tasks.merge(parts), b"".join(text[:-1][::-1] + b"\n" for text in texts)


def slices():
    lines = [b"%d\n" % number for number in range(5 + source.randrange(40))]
    index = tasks.split(tasks.const(b"".join(lines)))
    return tasks.slice(index, 2, len(lines)), b"".join(lines[2:])


KINDS = [sums, programs, slices]

with Client("127.0.0.1", int(port), timeout=60) as client:
    plans = 0
    while not last.is_set():
        made = [source.choice(KINDS)() for _ in range(1 + source.randrange(3))]
        futures = client.submit([task for task, _ in made])
        for future, (_, expected) in zip(futures, made):
            found = future.gather()
            assert found == expected, (found, expected)
        plans += 1
        print(f"plan {plans}", flush=True)
