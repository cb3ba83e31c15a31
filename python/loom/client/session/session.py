"""A client's side of one connection: its plans, and whatever waits for an answer."""

import json
import os
import sys
import threading
from collections import deque
from typing import Callable, Deque, Dict, Iterable, List, Optional, Sequence, Tuple

from .. import forks
from ..errors import LoomError, ProtocolError
from ..plan.ledger import Ledger
from ..plan.submitted import SubmittedPlan
from ..wire import requests
from ..wire.responses import ErrorInfo, Response, ResponseType
from .connection import Connection, Piece
from .failures import plan_refused, server_lost, task_failed
from .fetches import Fetches, ResultReceiver
from .reader import ResponseReader
from .replies import Reply, ResultReply

#: While more than this waits to be written, `send_plan` waits too.
_MAX_UNSENT_BYTES = 256 * 1024 * 1024
#: How long a server that does not read may hold up the closing of a client.
_CLOSE_TIMEOUT_S = 1.0


class Session:
    """Everything here is guarded by `changed`, which is notified whenever something has come.

    The I/O thread calls `target` and the `on_` methods; any thread may call the others.
    """

    def __init__(self, server: str, on_notice: Callable[[str], None], first_id: int = 0) -> None:
        self.server = server
        self.changed = threading.Condition(threading.Lock())
        self.ledger = Ledger(first_id)
        #: The server's names by id, and ids by name.
        self.symbols: Sequence[str] = ()
        self.symbol_ids: Dict[str, int] = {}
        #: Why nothing can be asked any more.
        self.ended: Optional[LoomError] = None
        self._on_notice = on_notice
        self._reader = ResponseReader(self)
        self._fetches = Fetches(lambda task_id: self._releases.append(task_id))
        # Ids whose RELEASE goes out with the next bytes.
        self._releases: List[int] = []
        self._dictionary = Reply()
        # Traces are asked for with a STATS request after them, whose answer says that no ERROR came.
        self._stats: Deque[Tuple[str, Reply]] = deque()
        self._status: Deque[Reply] = deque()
        self._connection: Optional[Connection] = None
        # Results whose futures were collected; filled by finalizers, which must not wait for locks.
        self._garbage: Deque[Tuple[SubmittedPlan, int]] = deque()
        self._is_abandoned = False
        # An ERROR that is about no request: the server closes the connection after it.
        self._last_error: Optional[str] = None
        self._notices: List[str] = []
        forks.forget_in_children(self)

    def attach(self, connection: Connection) -> Reply:
        """Takes over a connection; the reply is done when the server has answered `registration`."""
        self._connection = connection
        return self._dictionary

    # What callers ask for.

    def check(self) -> None:
        """Raises the error that ended the session, if it has ended."""
        if self.ended is not None:
            raise LoomError(self.ended.message, self.ended.code)

    def wait_for(self, is_done: Callable[[], bool], timeout: Optional[float] = None) -> bool:
        """Waits, with the lock held, until something is so; false after `timeout` seconds."""
        return self.changed.wait_for(is_done, timeout)

    def send(self, frame: bytes) -> None:
        with self.changed:
            self.check()
            self._send(frame)

    def send_plan(self, plan: SubmittedPlan, pieces: Iterable[Piece]) -> None:
        with self.changed:
            self.check()
            while self._connection and self._connection.unsent_bytes > _MAX_UNSENT_BYTES:
                self.changed.wait(0.01)
                self.check()
            self.ledger.add(plan)
            self._send(*pieces)

    def fetch(self, replies: Sequence[ResultReply]) -> None:
        """Asks for results, all of them in one write."""
        with self.changed:
            self.check()
            for reply in replies:
                self._fetches.add(reply)
            self._send(b"".join(requests.fetch_frame(reply.task_id) for reply in replies))

    def release(self, results: Iterable[Tuple[SubmittedPlan, int]]) -> None:
        with self.changed:
            self._release(results)
            self._send()
            self.changed.notify_all()

    def release_garbage(self, plan: SubmittedPlan, task_id: int) -> None:
        """For finalizers: may be called anywhere, by any thread, at any time."""
        connection = self._connection
        if self.ended is None and connection is not None:
            self._garbage.append((plan, task_id))
            connection.wake()

    def abandon(self) -> None:
        """For a finalizer: nobody uses this session any more."""
        self._is_abandoned = True
        if self._connection is not None:
            self._connection.wake()

    def ask_stats(self) -> Reply:
        with self.changed:
            self.check()
            reply = Reply()
            self._stats.append(("stats", reply))
            self._send(requests.stats_frame())
            return reply

    def ask_status(self) -> Reply:
        with self.changed:
            self.check()
            reply = Reply()
            self._status.append(reply)
            self._send(requests.status_frame())
            return reply

    def ask_trace(self, path: str) -> Reply:
        with self.changed:
            self.check()
            reply = Reply()
            self._stats.append(("trace", reply))
            self._send(requests.trace_frame(path) + requests.stats_frame())
            return reply

    def answer_to(self, reply: Reply, timeout: Optional[float] = None) -> object:
        """Waits for an answer. Raises its error, or TimeoutError."""
        with self.changed:
            if not self.wait_for(lambda: reply.done, timeout):
                raise TimeoutError(f"the server at {self.server} did not answer in {timeout} s")
        if reply.error is not None:
            raise reply.error
        return reply.value

    def close(self) -> None:
        """Ends the connection once all that was sent is written, or after a second."""
        with self.changed:
            self._finish(
                LoomError("The client was closed, and its results with it", "client-closed")
            )
        if self._connection is not None:
            self._connection.close(_CLOSE_TIMEOUT_S)

    def forget(self) -> None:
        """In a forked child: the connection belongs to the parent."""
        # The lock may have been held by a thread that does not exist here.
        self.changed = threading.Condition(threading.Lock())
        self.ended = LoomError(
            f"This client belongs to the process that process {os.getpid()} was forked from: make a "
            "client here, too",
            "client-closed",
        )

    # What the I/O thread tells.

    def target(self) -> memoryview:
        return self._reader.target()

    def on_received(self, size: int) -> None:
        with self.changed:
            try:
                if self.ended is None:
                    self._reader.on_received(size)
                    if self._releases:
                        self._send()
            except ProtocolError as error:
                self._finish(
                    LoomError(
                        f"The server at {self.server} broke the protocol: {error}", error.code
                    )
                )
                raise ConnectionAbortedError("the protocol is broken") from error
            finally:
                self.changed.notify_all()
        self._tell_notices()

    def on_wake(self) -> None:
        with self.changed:
            self._send()
        if self._is_abandoned and self._connection is not None:
            self.close()

    def on_end(self, reason: Optional[OSError]) -> None:
        with self.changed:
            why = self._last_error or (reason and (reason.strerror or str(reason)))
            self._finish(server_lost(self.server, why or None))
            self.changed.notify_all()

    def on_finished(self, task_ids: List[int]) -> None:
        self.ledger.finish(task_ids)

    def on_data(self, response: Response) -> ResultReceiver:
        return self._fetches.receive(response)

    def on_response(self, response: Response) -> None:
        kind = response.type
        if kind is ResponseType.TASK_FINISHED:
            self.ledger.finish((response.id,))
        elif kind is ResponseType.TASK_FAILED:
            plan = self.ledger.find(response.error.id or 0)
            if plan is not None:
                self.ledger.fail(plan, task_failed(response.error))
        elif kind is ResponseType.ERROR:
            self._on_error(response.error)
        elif kind is ResponseType.NOTICE:
            self._notices.append(response.error.error_msg)
        elif kind is ResponseType.DICTIONARY:
            self.symbols = response.symbols
            self.symbol_ids = {name: number for number, name in enumerate(response.symbols)}
            self._dictionary.resolve(None)
        elif kind is ResponseType.STATS:
            if not self._stats:
                raise ProtocolError("stats that nobody asked for")
            asked_for, reply = self._stats.popleft()
            if not reply.done:
                reply.resolve(response.stats if asked_for == "stats" else None)
        elif kind is ResponseType.STATUS:
            if not self._status:
                raise ProtocolError("a status that nobody asked for")
            self._status.popleft().resolve(_parse_status(response.status))

    # Inner parts, called with the lock held.

    def _send(self, *pieces: Piece) -> None:
        """After all releases, so that what the server counts is as the caller expects."""
        if self.ended is not None or self._connection is None:
            return
        while self._garbage:
            self._release([self._garbage.popleft()])
        if self._releases:
            frames = b"".join(map(requests.release_frame, self._releases))
            self._releases.clear()
            pieces = (frames, *pieces)
        if pieces:
            self._connection.send(*pieces)

    def _release(self, results: Iterable[Tuple[SubmittedPlan, int]]) -> None:
        for plan, task_id in results:
            if self.ledger.release(plan, task_id):
                self._fetches.release(task_id)

    def _on_error(self, error: ErrorInfo) -> None:
        """Finds what an ERROR is about: it says so of plans and results, and by its time of traces."""
        message = error.error_msg
        if error.plan_refused:
            plan = self.ledger.oldest_pending() if error.id is None else self.ledger.find(error.id)
            if plan is not None:
                self.ledger.fail(plan, plan_refused(error, plan))
            return
        if not self._dictionary.done:
            self._finish(
                LoomError(
                    f"The server at {self.server} refused this client: {message}", "server-refused"
                )
            )
            return
        refused = LoomError(f"The server refused a request: {message}", "request-refused")
        if error.id is not None and self._fetches.finish(error.id, refused):
            return
        if self._stats and self._stats[0][0] == "trace":
            self._stats[0][1].reject(LoomError(f"No trace is written: {message}", "trace-refused"))
            return
        self._last_error = message
        self._notices.append(message)

    def _finish(self, error: LoomError) -> None:
        """Nothing will be answered any more. Only the first reason counts."""
        if self.ended is not None:
            return
        self.ended = error
        self.ledger.fail_all(error)
        self._fetches.fail_all(error)
        replies: List[Reply] = [self._dictionary, *self._status]
        replies += [reply for _, reply in self._stats]
        for reply in replies:
            reply.reject(error)
        self._stats.clear()
        self._status.clear()
        self._garbage.clear()

    def _tell_notices(self) -> None:
        """Without the lock: a caller's function may do anything, but not end the I/O thread."""
        notices, self._notices = self._notices, []
        for message in notices:
            try:
                self._on_notice(message)
            except Exception:  # The traceback is for whoever wrote that function.
                threading.excepthook(
                    threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
                )


def _parse_status(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ProtocolError("expected a status in JSON, got something else") from None
