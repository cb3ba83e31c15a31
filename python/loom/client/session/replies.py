"""Answers that somebody waits for."""

from typing import Callable, List, Optional

from ..errors import LoomException


class Reply:
    """The answer to one request. Written by the I/O thread."""

    __slots__ = ("done", "value", "error", "on_done")

    def __init__(self, on_done: Optional[Callable[[], None]] = None) -> None:
        self.done = False
        self.value: object = None
        self.error: Optional[LoomException] = None
        #: Told once, when it is done. Must be quick and not raise.
        self.on_done = on_done

    def resolve(self, value: object) -> None:
        self.value = value
        self._finish()

    def reject(self, error: LoomException) -> None:
        """Only the first answer counts."""
        if not self.done:
            self.error = error
            self._finish()

    def _finish(self) -> None:
        self.done = True
        if self.on_done is not None:
            self.on_done()


class ResultReply(Reply):
    """The answer to a FETCH: the frames of a result, not decoded, for whoever waits does that."""

    __slots__ = ("task_id", "type_id", "frames", "has_no_memory")

    def __init__(self, task_id: int, on_done: Optional[Callable[[], None]] = None) -> None:
        super().__init__(on_done)
        self.task_id = task_id
        self.type_id = -1
        self.frames: List[bytes] = []
        self.has_no_memory = False
