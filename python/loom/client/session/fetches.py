"""Results that were asked for and have not come whole."""

from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Set

from ..errors import LoomError, LoomException, ProtocolError
from ..wire.responses import Response
from .replies import ResultReply


class Fetches:
    """The server answers by id, in any order; requests for one id in theirs."""

    def __init__(self, send_release: Callable[[int], None]) -> None:
        self._replies: Dict[int, Deque[ResultReply]] = {}
        self._release_when_fetched: Set[int] = set()
        self._send_release = send_release

    def add(self, reply: ResultReply) -> None:
        self._replies.setdefault(reply.task_id, deque()).append(reply)

    def release(self, task_id: int) -> None:
        """Releases a result now, or once it has come to whoever asked for it."""
        if task_id in self._replies:
            self._release_when_fetched.add(task_id)
        else:
            self._send_release(task_id)

    def receive(self, response: Response) -> "ResultReceiver":
        """A DATA message. Raises ProtocolError."""
        header = response.data
        if header is None or header.id not in self._replies:
            raise ProtocolError(f"data of a task that nobody asked for: {header}")
        reply = self._replies[header.id][0]
        # Some of it may have come on a connection that broke.
        reply.frames.clear()
        reply.has_no_memory = False
        reply.type_id = header.type_id
        return ResultReceiver(self, reply)

    def finish(self, task_id: int, error: Optional[LoomException] = None) -> bool:
        """The answer to the oldest request for `task_id` has come; False if nobody asked."""
        replies = self._replies.get(task_id)
        if replies is None:
            return False
        reply = replies.popleft()
        if not replies:
            del self._replies[task_id]
            if task_id in self._release_when_fetched:
                self._release_when_fetched.remove(task_id)
                self._send_release(task_id)
        if error is not None:
            reply.reject(error)
        elif reply.has_no_memory:
            reply.reject(_too_large(reply))
        else:
            reply.resolve(reply.frames)
        return True

    def asked_ids(self) -> List[int]:
        """An id for each request that is not answered."""
        return [reply.task_id for replies in self._replies.values() for reply in replies]

    def fail_all(self, error: LoomException) -> None:
        pending: List[ResultReply] = [
            reply for replies in self._replies.values() for reply in replies
        ]
        self._replies.clear()
        for reply in pending:
            reply.reject(error)


class ResultReceiver:
    """Gathers the frames of one result."""

    def __init__(self, fetches: Fetches, reply: ResultReply) -> None:
        self._fetches = fetches
        self._reply = reply

    def frame(self, data: Optional[bytes]) -> None:
        if data is None:
            self._reply.has_no_memory = True
            self._reply.frames.clear()
        elif not self._reply.has_no_memory:
            self._reply.frames.append(data)

    def end(self) -> None:
        self._fetches.finish(self._reply.task_id)


def _too_large(reply: ResultReply) -> LoomError:
    return LoomError(
        f"This machine has no memory for the result of task {reply.task_id}: fetch it in pieces, "
        "cut by tasks.split and tasks.slice, or let tasks.save write it",
        "result-too-large",
    )
