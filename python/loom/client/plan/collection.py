"""Python's collector of reference cycles."""

import gc
from contextlib import contextmanager
from typing import Iterator


@contextmanager
def without_collection() -> Iterator[None]:
    """Pauses the collector while a plan is encoded. Nothing there makes a cycle, and every full
    collection would visit all of its tasks: a second or more for a million."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
