"""A client's side of one connection: its plans, and whatever waits for an answer."""

import json
import os
import sys
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from .. import forks
from ..errors import LoomError, ProtocolError
from ..plan.ledger import Ledger
from ..plan.submitted import SubmittedPlan
from ..wire import requests
from ..wire.responses import ErrorInfo, Response, ResponseType
from .connection import Connection, Piece
from .failures import fresh, plan_refused, server_lost, task_failed
from .fetches import Fetches, ResultReceiver
from .reader import ResponseReader
from .replies import Reply, ResultReply

#: While more than this waits to be written, `send_plan` waits too.
_MAX_UNSENT_BYTES = 256 * 1024 * 1024
#: How long a server that does not read may hold up the closing of a client.
_CLOSE_TIMEOUT_S = 1.0
#: Ids in one request, well below its limit of bytes.
_RELEASES_PER_REQUEST = 65_536


class Session:
    """All state is changed by the I/O thread alone, which calls `target` and the `on_` methods: an
    interrupt, which only the main thread sees, can stop its waiting and nothing else. Other threads
    post actions, which that thread carries out in order, and look at the state while they hold
    `lock` (a plain lock, because entering and leaving that cannot be interrupted half-way).
    """

    def __init__(self, server: str, on_notice: Callable[[str], None], first_id: int = 0) -> None:
        self.server = server
        self.lock = threading.Lock()
        self.ledger = Ledger(first_id)
        #: The server's names by id, and ids by name.
        self.symbols: Sequence[str] = ()
        self.symbol_ids: Dict[str, int] = {}
        #: Why nothing can be asked any more.
        self.ended: Optional[LoomError] = None
        self._on_notice = on_notice
        self._reader = ResponseReader(self)
        # What other threads want done, in order; a pair is a result whose future was collected.
        self._actions: Deque[Union[Callable[[], None], Tuple[SubmittedPlan, int]]] = deque()
        # Each is a lock that somebody waits to acquire, until something has changed.
        self._waiters: List[threading.Lock] = []
        self._fetches = Fetches(lambda task_id: self._releases.append(task_id))
        # Ids whose RELEASE goes out with the next bytes.
        self._releases: List[int] = []
        # The server takes releases of many results in one request.
        self._takes_releases = False
        self._dictionary = Reply()
        # Traces are asked for with a STATS request after them, whose answer says that no ERROR came.
        self._stats: Deque[Tuple[str, Reply]] = deque()
        # Status and explanations are answered in the order of the requests.
        self._json_answers: Deque[Reply] = deque()
        self._connection: Optional[Connection] = None
        self._is_abandoned = False
        # An ERROR that is about no request: the server closes the connection after it.
        self._last_error: Optional[str] = None
        self._notices: List[str] = []
        forks.forget_in_children(self)

    def attach(self, connection: Connection) -> Reply:
        """Takes over a connection; the reply is done when the server has answered the
        registration."""
        self._connection = connection
        return self._dictionary

    # What any thread may call.

    def check(self) -> None:
        """Raises the error that ended the session, if it has ended."""
        if self.ended is not None:
            raise LoomError(self.ended.message, self.ended.code)

    def wait_for(self, is_so: Callable[[], bool], timeout: Optional[float] = None) -> bool:
        """Waits until something is so, which is looked at with the lock held whenever something has
        come; false after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            change = threading.Lock()
            change.acquire()
            with self.lock:
                if is_so():
                    return True
                self._waiters.append(change)
            left = -1.0 if deadline is None else deadline - time.monotonic()
            if deadline is not None and left <= 0:
                return False
            change.acquire(timeout=left)

    def answer_to(self, reply: Reply, timeout: Optional[float] = None) -> object:
        """Waits for an answer. Raises its error, or TimeoutError."""
        if not reply.done and not self.wait_for(lambda: reply.done, timeout):
            raise TimeoutError(f"the server at {self.server} did not answer in {timeout} s")
        if reply.error is not None:
            raise fresh(reply.error)
        return reply.value

    def send(self, frame: bytes) -> None:
        self._post(lambda: self._send(frame))

    def send_plan(self, plan: SubmittedPlan, pieces: Sequence[Piece]) -> None:
        connection = self._connection
        while connection is not None and connection.unsent_bytes > _MAX_UNSENT_BYTES:
            self.check()
            time.sleep(0.005)
        self._post(lambda: self._submit(plan, pieces))

    def fetch(self, replies: Sequence[ResultReply]) -> None:
        """Asks for results, all of them in one write."""
        asked = tuple(replies)
        self._post(lambda: self._fetch(asked))

    def ask_stats(self) -> Reply:
        return self._ask("stats", requests.stats_frame())

    def ask_trace(self, path: str) -> Reply:
        return self._ask("trace", requests.trace_frame(path) + requests.stats_frame())

    def ask_status(self) -> Reply:
        return self._ask("json", requests.status_frame())

    def ask_explanations(self, task_id: int, query: str = "") -> Reply:
        return self._ask("json", requests.explain_frame(task_id, query))

    def release(self, results: Iterable[Tuple[SubmittedPlan, int]]) -> None:
        """The futures say so when this returns."""
        done = Reply()
        listed = list(results)

        def act() -> None:
            self._release(listed)
            self._send()
            done.resolve(None)

        if self.ended is None:
            self._post(act)
            self.answer_to(done)
        else:
            with self.lock:
                self._release(listed)

    def release_garbage(self, plan: SubmittedPlan, task_id: int) -> None:
        """For finalizers: may be called anywhere, by any thread, at any time."""
        connection = self._connection
        if self.ended is None and connection is not None:
            self._actions.append((plan, task_id))
            connection.wake()

    def abandon(self) -> None:
        """For a finalizer: nobody uses this session any more."""
        self._is_abandoned = True
        if self._connection is not None:
            self._connection.wake()

    def close(self) -> None:
        """Ends the connection once all that was sent is written, or after a second."""
        closed = LoomError("The client was closed, and its results with it", "client-closed")
        connection = self._connection
        if self.ended is None:
            self._post(lambda: self._finish(closed))
        if connection is not None:
            connection.close(_CLOSE_TIMEOUT_S)

    def forget(self) -> None:
        """In a forked child: the connection belongs to the parent."""
        # The lock may have been held by a thread that does not exist here.
        self.lock = threading.Lock()
        self.ended = LoomError(
            f"This client belongs to the process that process {os.getpid()} was forked from: make a "
            "client here, too",
            "client-closed",
        )

    def _post(self, action: Callable[[], None]) -> None:
        connection = self._connection
        with self.lock:
            self.check()
            self._actions.append(action)
        if connection is None or connection.is_current_thread:
            self.on_wake()
        else:
            connection.wake_now()

    def _ask(self, kind: str, frame: bytes) -> Reply:
        reply = Reply()

        def act() -> None:
            if self.ended is not None:
                reply.reject(self.ended)
            elif kind == "json":
                self._json_answers.append(reply)
            else:
                self._stats.append((kind, reply))
            self._send(frame)

        self._post(act)
        return reply

    # What the I/O thread tells.

    def target(self) -> memoryview:
        return self._reader.target()

    def on_received(self, size: int) -> None:
        with self.lock:
            try:
                if self.ended is None:
                    self._reader.on_received(size)
                    if self._releases:
                        self._send()
            except ProtocolError as error:
                message = f"The server at {self.server} broke the protocol: {error}"
                self._finish(LoomError(message, error.code))
                raise ConnectionAbortedError("the protocol is broken") from error
            finally:
                self._notify()
        self._tell_notices()

    def on_wake(self) -> None:
        with self.lock:
            self._act()
            self._send()
            self._notify()
        if self._is_abandoned and self._connection is not None:
            self.close()

    def on_end(self, reason: Optional[OSError]) -> None:
        with self.lock:
            why = self._last_error or (reason and (reason.strerror or str(reason)))
            self._finish(server_lost(self.server, why or None))
            # What was posted and not done: it is rejected now.
            self._act()
            self._notify()

    def on_finished(self, task_ids: List[int]) -> None:
        self.ledger.finish(task_ids)

    def on_data(self, response: Response) -> ResultReceiver:
        return self._fetches.receive(response)

    def on_response(self, response: Response) -> None:
        kind = response.type
        if kind is ResponseType.TASK_FINISHED:
            self.ledger.finish((response.id,))
        elif kind is ResponseType.RESULTS_FINISHED and response.finished is not None:
            self.ledger.carry(response.finished)
            self.ledger.finish(response.finished.ids)
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
            self._takes_releases = "releases" in response.capabilities
            self._dictionary.resolve(None)
        elif kind is ResponseType.STATS:
            if not self._stats:
                raise ProtocolError("stats that nobody asked for")
            asked_for, reply = self._stats.popleft()
            if not reply.done:
                reply.resolve(response.stats if asked_for == "stats" else None)
        elif kind is ResponseType.STATUS or kind is ResponseType.EXPLANATIONS:
            if not self._json_answers:
                raise ProtocolError("an answer that nobody asked for")
            self._json_answers.popleft().resolve(_parse_json(response.json))

    # The I/O thread's inner parts, called with the lock held.

    def _act(self) -> None:
        while self._actions:
            action = self._actions.popleft()
            if isinstance(action, tuple):
                self._release((action,))
            else:
                action()

    def _notify(self) -> None:
        """Has everybody who waits look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.release()

    def _submit(self, plan: SubmittedPlan, pieces: Sequence[Piece]) -> None:
        self.ledger.add(plan)
        if self.ended is None:
            self._send(*pieces)
        else:
            self.ledger.fail(plan, self.ended)

    def _fetch(self, replies: Sequence[ResultReply]) -> None:
        if self.ended is not None:
            for reply in replies:
                reply.reject(self.ended)
            return
        for reply in replies:
            self._fetches.add(reply)
        self._send(b"".join(requests.fetch_frame(reply.task_id) for reply in replies))

    def _send(self, *pieces: Piece) -> None:
        """After all releases, so that what the server counts is as the caller expects."""
        if self.ended is not None or self._connection is None:
            return
        if self._releases:
            pieces = (self._release_frames(), *pieces)
            self._releases.clear()
        if pieces:
            self._connection.send(*pieces)

    def _release_frames(self) -> bytes:
        ids = self._releases
        if len(ids) == 1 or not self._takes_releases:
            return b"".join(map(requests.release_frame, ids))
        starts = range(0, len(ids), _RELEASES_PER_REQUEST)
        return b"".join(
            requests.release_many_frame(ids[start : start + _RELEASES_PER_REQUEST])
            for start in starts
        )

    def _release(self, results: Iterable[Tuple[SubmittedPlan, int]]) -> None:
        for plan, task_id in results:
            # An interrupted submit may leave futures of a plan that was never sent.
            is_known = self.ledger.find(task_id) is plan
            if self.ledger.release(plan, task_id) and is_known:
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
        replies: List[Reply] = [self._dictionary, *self._json_answers]
        replies += [reply for _, reply in self._stats]
        for reply in replies:
            reply.reject(error)
        self._stats.clear()
        self._json_answers.clear()
        self._notify()

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


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ProtocolError("expected an answer in JSON, got something else") from None
