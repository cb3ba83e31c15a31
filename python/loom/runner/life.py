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


def volunteer_for_memory() -> None:
    """If memory runs out, the system is to end a runner rather than the worker with all its data."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        # Not Linux, or not allowed: the system's choice is as good as any.
        pass
