"""What a function that wants it gets as its first argument."""

import json
from typing import Any, Callable

from loom.call_options import append_versions

from .inputs import Made, Wrapper


class Context:
    """The task that a function runs for. Valid during the call."""

    __slots__ = ("task_id", "attempt", "_log", "_progress")

    def __init__(
        self,
        task_id: int,
        attempt: int,
        log: Callable[[str, str], None],
        progress: Callable[[float, str], None],
    ) -> None:
        #: The client's number of the task.
        self.task_id = task_id
        #: The server's number of this try; it rises with each.
        self.attempt = attempt
        self._log = log
        self._progress = progress

    def log_debug(self, text: Any) -> None:
        """Writes a line to the worker's log, if that shows such lines."""
        self._log("debug", str(text))

    def log_info(self, text: Any) -> None:
        self._log("info", str(text))

    def log_warn(self, text: Any) -> None:
        self._log("warning", str(text))

    def log_error(self, text: Any) -> None:
        self._log("error", str(text))

    def log_critical(self, text: Any) -> None:
        self._log("error", str(text))

    def progress(self, fraction: float, message: str = "") -> None:
        """Says how far the task is, from 0 to 1."""
        self._progress(float(fraction), message)

    def wrap(self, value: Any) -> Wrapper:
        """Makes a Python object a result, for functions to `unwrap`. A wrapper stays what it is."""
        if isinstance(value, Wrapper):
            return value
        import cloudpickle

        return Made("pyobj", append_versions(cloudpickle.dumps(value)), value)

    def json(self, value: Any) -> Wrapper:
        """Makes a result of it that functions of other languages read as well: numbers, text, None,
        booleans, and lists and dicts of them."""
        return Made("json", json.dumps(value, allow_nan=False).encode(), value)
