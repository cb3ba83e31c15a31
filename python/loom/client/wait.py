"""Waits until enough workers have joined:

    python3 -m loom.client.wait SERVER PORT N_WORKERS TIMEOUT

The timeout is in seconds. Exit status: 0 when there are at least so many workers, 1 at the timeout
or where no server is, 2 for wrong arguments.
"""

import sys
import time
from typing import List

from .client import Client
from .errors import LoomException

_POLL_EVERY_S = 0.02


def wait_for_workers(server: str, port: int, n_workers: int, timeout: float) -> int:
    """How many workers the server has, which may be less than asked for at the timeout."""
    deadline = time.monotonic() + timeout
    with Client(server, port, timeout=timeout, name="wait") as client:
        while True:
            found = client.get_stats().n_workers
            if found >= n_workers or time.monotonic() >= deadline:
                return found
            time.sleep(_POLL_EVERY_S)


def main(args: List[str]) -> int:
    try:
        server, port, n_workers, timeout = args[0], int(args[1]), int(args[2]), float(args[3])
        if len(args) > 4:
            raise ValueError
    except (IndexError, ValueError):
        sys.stderr.write("usage: python3 -m loom.client.wait SERVER PORT N_WORKERS TIMEOUT\n")
        return 2
    try:
        found = wait_for_workers(server, port, n_workers, timeout)
    except LoomException as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if found >= n_workers:
        return 0
    sys.stderr.write(f"{found} of {n_workers} workers have joined {server}:{port} in {timeout} s\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
