"""A client's side of one connection: its plans, and whatever waits for an answer."""

import json
import os
import random
import socket
import sys
import threading
import time
from collections import deque
from typing import (
    Callable,
    Deque,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from .. import forks
from ..errors import LoomError, ProtocolError
from ..plan.ledger import Ledger
from ..plan.submitted import PENDING, SubmittedPlan
from ..wire import requests
from ..wire.responses import Attached, ErrorInfo, Response, ResponseType
from .at_exit import close_at_exit
from .connection import Connection, Piece
from .failures import fresh, plan_lost, plan_refused, server_lost, task_failed
from .fetches import Fetches, ResultReceiver
from .kept import KeptPlan, KeptPlans, Result, list_held
from .link import AWAY, JOINING, LIVE, RETURNING, Link
from .reader import ResponseReader
from .replies import Reply, ResultReply

#: While more than this waits to be written, `send_plan` waits too.
_MAX_UNSENT_BYTES = 256 * 1024 * 1024
#: How long a server that does not read may hold up the closing of a client.
_CLOSE_TIMEOUT_S = 1.0
#: Ids in one request, well below its limit of bytes.
_RELEASES_PER_REQUEST = 65_536


class Ticket(NamedTuple):
    """With what the server lets this client come back."""

    session: str
    secret: bytes


class Comeback(NamedTuple):
    """How to come back when the connection breaks."""

    connect: Callable[[], socket.socket]
    register_frame: Callable[[Ticket], bytes]
    #: For how long to try; None: as long as the server waits.
    for_s: Optional[float]


class Session:
    """While there is no connection nothing is sent; when there is one again, all that is not
    answered is asked again.

    All state is changed by the I/O thread alone, which calls `target` and the `on_` methods: an
    interrupt, which only the main thread sees, can stop its waiting and nothing else. Other threads
    post actions, which that thread carries out in order, and look at the state while they hold
    `lock` (a plain lock, because entering and leaving that cannot be interrupted half-way).
    """

    def __init__(
        self,
        server: str,
        on_notice: Callable[[str], None],
        first_id: int = 0,
        comeback: Optional[Comeback] = None,
    ) -> None:
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
        # The server can cancel.
        self.takes_cancels = False
        # What it was asked to cancel and has said nothing of.
        self._cancels: List[Tuple[SubmittedPlan, int]] = []
        self._dictionary = Reply()
        # Traces are asked for with a STATS request after them, whose answer says that no ERROR came.
        self._stats: Deque[Tuple[str, Reply, bytes]] = deque()
        # Status, explanations and what is asked about plans are answered in the order of the requests.
        self._json_answers: Deque[Tuple[Reply, bytes]] = deque()
        self._comeback = comeback
        self._link = Link()
        self._ticket: Optional[Ticket] = None
        self._kept = KeptPlans()
        # What the server was told of when this client came back.
        self._told_plans: Set[int] = set()
        self._release_late: List[int] = []
        # Why the connection broke at first, and why it is given up.
        self._broken_by = ""
        self._lost_by: Optional[str] = None
        self._is_terminating = False
        #: The server takes plans that live without their client.
        self.takes_names = False
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

    def send_plan(
        self, plan: SubmittedPlan, pieces: Sequence[Piece], inputs: Sequence[Result] = ()
    ) -> None:
        """`inputs`: the results of earlier plans that it uses."""
        connection = self._connection
        while connection is not None and connection.unsent_bytes > _MAX_UNSENT_BYTES:
            self.check()
            time.sleep(0.005)
        self._post(lambda: self._submit(plan, pieces, inputs))

    def terminate(self) -> None:
        def act() -> None:
            self._is_terminating = True
            self._send(requests.terminate_frame())

        self._post(act)

    def attach_plan(self, plan: SubmittedPlan) -> None:
        """Has the server tell of a plan that lives without a client."""

        def act() -> None:
            self._submit(plan, (_attach_plan_frame(plan),), ())
            self._kept.forget(plan)

        self._post(act)

    def ask_plan(self, frame: bytes) -> Reply:
        """About one plan, or all, that live without their clients."""
        return self._ask("json", frame)

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

    def cancel(self, results: Iterable[Tuple[SubmittedPlan, int]]) -> None:
        """Asks the server to; what became of them it says later."""
        listed = list(results)

        def act() -> None:
            self._cancels = [one for one in self._cancels if _is_pending(*one)]
            wanted = [one for one in listed if _is_pending(*one)]
            self._cancels += wanted
            self._send_cancels(wanted)

        self._post(act)

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
            self._post(lambda: self._leave(closed))
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
                self._json_answers.append((reply, frame))
            else:
                self._stats.append((kind, reply, frame))
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

    def on_broken(self, reason: Optional[OSError]) -> Optional[float]:
        with self.lock:
            if self.ended is not None or self._last_error is not None or self._is_terminating:
                return None
            why = (reason and (reason.strerror or str(reason))) or "it closed the connection"
            pause_s = self._link.broken(time.monotonic())
            if pause_s is None:
                tried_s = round(time.monotonic() - self._link.away_since)
                first = self._broken_by or why
                self._lost_by = (
                    f"{first}, and in {tried_s} s no way back was found" if tried_s else first
                )
                return None
            if not self._broken_by:
                self._broken_by = why
                self._notices.append(
                    f"The connection to the server at {self.server} broke: {why}. Trying for "
                    f"{self._link.grace_s:.0f} s to come back; the work goes on there meanwhile"
                )
        self._tell_notices()
        return pause_s * random.uniform(0.5, 1)

    def reconnect(self) -> socket.socket:
        if self._comeback is None:
            raise OSError("there is no way back")
        return self._comeback.connect()

    def on_connected(self) -> None:
        self._reader = ResponseReader(self)
        if self._comeback is not None and self._ticket is not None and self._connection is not None:
            self._connection.send(self._comeback.register_frame(self._ticket))

    def is_answered(self) -> bool:
        return self._link.phase not in (AWAY, RETURNING)

    def on_end(self, reason: Optional[OSError]) -> None:
        with self.lock:
            why = self._last_error or self._lost_by or (reason and (reason.strerror or str(reason)))
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
        elif kind is ResponseType.RESULTS_CANCELED:
            self.ledger.cancel(response.canceled)
        elif kind is ResponseType.TASK_FAILED:
            plan = self.ledger.find(response.error.id or 0)
            if plan is not None and response.error.plan_goes_on:
                failure = task_failed(response.error)
                self.ledger.fail_one(plan, failure.id, failure)
            elif plan is not None:
                self._kept.forget(plan)
                self.ledger.fail(plan, task_failed(response.error))
        elif kind is ResponseType.ERROR:
            self._on_error(response.error)
        elif kind is ResponseType.NOTICE:
            self._notices.append(response.error.error_msg)
        elif kind is ResponseType.DICTIONARY:
            self.symbols = response.symbols
            self.symbol_ids = {name: number for number, name in enumerate(response.symbols)}
            self._takes_releases = "releases" in response.capabilities
            self.takes_cancels = "cancel" in response.capabilities
            self.takes_names = "sessions" in response.capabilities
            self._on_dictionary(response)
        elif kind is ResponseType.PLAN_ACCEPTED:
            self._kept.accept(response.id)
        elif kind is ResponseType.ATTACHED:
            self._on_attached(response.attached)
        elif kind is ResponseType.FAREWELL:
            self._finish(server_lost(self.server, _as_clause(response.error.error_msg)))
        elif kind is ResponseType.STATS:
            if not self._stats:
                raise ProtocolError("stats that nobody asked for")
            asked_for, reply, _ = self._stats.popleft()
            if not reply.done:
                reply.resolve(response.stats if asked_for == "stats" else None)
        elif kind in _JSON_ANSWERS:
            if not self._json_answers:
                raise ProtocolError("an answer that nobody asked for")
            reply, _ = self._json_answers.popleft()
            answer = _parse_json(response.json)
            if kind is ResponseType.PLAN:
                reply.resolve((answer, response.roots, response.labels))
            else:
                reply.resolve(answer)

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

    def _on_dictionary(self, response: Response) -> None:
        comeback = self._comeback
        grace_s = 0.0
        if comeback is not None and response.session is not None:
            self._ticket = Ticket(response.session, response.session_secret)
            grace_s = response.grace_ms / 1000 if comeback.for_s is None else comeback.for_s
        if not self._link.registered(grace_s):
            if grace_s > 0:
                close_at_exit(self)
            self._dictionary.resolve(None)
            return
        plans = self.ledger.list()
        held = list_held(plans, self._kept.needed(plans))
        self._releases.clear()
        self._told_plans, self._release_late = held.plan_bases, held.release_late
        if self._connection is not None:
            self._connection.send(*held.frames)

    def _on_attached(self, attached: Attached) -> None:
        """The server has what this client says that it has: the rest is sent, and asked, again."""
        if not self._link.attached():
            raise ProtocolError("an ATTACHED that nobody asked for")
        self._broken_by = ""
        self._notices.append(f"The server at {self.server} was found again")
        unknown = set(attached.unknown_plans)
        # What was released since then may be an input of a plan that is sent again.
        releases = self._release_late + self._releases
        self._release_late = []
        self._releases.clear()
        for kept in self._kept.needed(self.ledger.list()):
            plan = kept.plan
            if (
                plan.name is not None
                or plan.id_base in unknown
                or plan.id_base not in self._told_plans
            ):
                self._send(*kept.pieces)
        self._cancels = [one for one in self._cancels if _is_pending(*one)]
        self._send_cancels(self._cancels)
        for plan in self.ledger.list():
            if self._kept.has(plan):
                continue
            if plan.name is not None:
                self._send(_attach_plan_frame(plan))
            elif plan.id_base in unknown:
                self.ledger.fail(plan, plan_lost(self.server))
        self._releases += releases
        frames = [requests.fetch_frame(task_id) for task_id in self._fetches.asked_ids()]
        frames += [frame for _, _, frame in self._stats]
        frames += [frame for _, frame in self._json_answers]
        self._send(*frames)

    def _submit(
        self, plan: SubmittedPlan, pieces: Sequence[Piece], inputs: Sequence[Result]
    ) -> None:
        self.ledger.add(plan)
        if self.ended is None:
            if self._link.grace_s > 0:
                self._kept.add(KeptPlan(plan, pieces, inputs))
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
        if self._link.phase not in (JOINING, LIVE):
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

    def _send_cancels(self, results: Sequence[Tuple[SubmittedPlan, int]]) -> None:
        ids = [task_id for _, task_id in results]
        for start in range(0, len(ids), _RELEASES_PER_REQUEST):
            self._send(requests.cancel_frame(ids[start : start + _RELEASES_PER_REQUEST]))

    def _release(self, results: Iterable[Tuple[SubmittedPlan, int]]) -> None:
        for plan, task_id in results:
            # An interrupted submit may leave futures of a plan that was never sent.
            is_known = self.ledger.find(task_id) is plan
            # What lives without this client is kept until it is forgotten.
            if self.ledger.release(plan, task_id) and is_known and plan.name is None:
                self._fetches.release(task_id)

    def _on_error(self, error: ErrorInfo) -> None:
        """Finds what an ERROR is about: it says so of plans and results, and by its time of traces."""
        message = error.error_msg
        if error.plan_refused:
            plan = self.ledger.oldest_pending() if error.id is None else self.ledger.find(error.id)
            if plan is not None:
                self._kept.forget(plan)
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

    def _leave(self, error: LoomError) -> None:
        if self._ticket is not None:
            self._send(requests.goodbye_frame())
        self._finish(error)

    def _finish(self, error: LoomError) -> None:
        """Nothing will be answered any more. Only the first reason counts."""
        if self.ended is not None:
            return
        self.ended = error
        self._link.end()
        self._kept.clear()
        self.ledger.fail_all(error)
        self._fetches.fail_all(error)
        replies: List[Reply] = [self._dictionary]
        replies += [reply for reply, _ in self._json_answers]
        replies += [reply for _, reply, _ in self._stats]
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


_JSON_ANSWERS = (
    ResponseType.STATUS,
    ResponseType.EXPLANATIONS,
    ResponseType.PLANS,
    ResponseType.PLAN,
)


def _is_pending(plan: SubmittedPlan, task_id: int) -> bool:
    return plan.state_of(task_id) == PENDING


def _attach_plan_frame(plan: SubmittedPlan) -> bytes:
    return requests.attach_plan_frame(plan.name or "", plan.id_base)


def _as_clause(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ProtocolError("expected an answer in JSON, got something else") from None
