"""The thread that ends this process with its worker, and gives calls back while one runs."""

import os
import signal
import threading
from typing import Callable

from .frames import EndOfFrames, FrameReader


def start_life_line(descriptor: int, take_back: Callable[[int], None]) -> None:
    """Watches the worker's line of life; `take_back` gets how many calls it has sent."""

    def watch() -> None:
        frames = FrameReader(descriptor)
        try:
            while True:
                message, _ = frames.read()
                if message["kind"] == "take-back":
                    take_back(message["sent"])
        except (EndOfFrames, OSError):
            end_group()

    threading.Thread(target=watch, name="loom-life", daemon=True).start()


def end_group() -> None:
    """Ends the process with whatever its functions have started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


class MemoryLimit:
    """What this process may use. Its worker looks at that too, but a large allocation is refused here."""

    #: Threads of libraries, mostly one for each cpu, reserve stacks and buffers and hardly use them.
    _RESERVED_BY_THREAD = 64 * 1024 * 1024

    def __init__(self) -> None:
        self._bytes = 0

    def set(self, size: int) -> None:
        """To be called before code of users runs."""
        import resource

        self._bytes = size
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = size + (os.cpu_count() or 1) * self._RESERVED_BY_THREAD
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))

    def describe(self) -> str:
        """What is said of a call that has come to it; as the worker does."""
        return (
            "The Python process that ran the function is out of memory: it needed more than "
            f"{self._bytes // (1024 * 1024)} MiB (--runner-memory)"
        )


def volunteer_for_memory() -> None:
    """If memory runs out, the system is to end a runner rather than the worker with all its data."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        # Not Linux, or not allowed: the system's choice is as good as any.
        pass
