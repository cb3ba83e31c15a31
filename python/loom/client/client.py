"""A connection to a server."""

import logging
import os
from types import TracebackType
from typing import (
    Any,
    Callable,
    Coroutine,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    cast,
)

from .address import SERVER_VARIABLE, parse_address
from .as_completed import AsCompleted
from .detached import DetachedPlan
from .errors import LoomError
from .future import Future
from .plan.collection import without_collection
from .plan.encode import PlanEncoder
from .plan.order import ORDERING, OrderedPlan, order_plan
from .plan.submitted import SubmittedPlan
from .policies import OptionalInput, PlanRules, make_plan_rules
from .security.access import find_access, named_access
from .session.connect import CONNECT_TIMEOUT_S, connect_session
from .session.connection import Piece
from .session.results import fetch_all, fetch_async, wait_for_all, why_unusable
from .task import Task
from .wire import requests
from .wire.responses import ServerStats

#: How long a server may take to end.
_TERMINATE_TIMEOUT_S = 10.0

#: Labels that are longer together stay here; results can still be found by their place.
_MAX_LABEL_CHARACTERS = 1 << 20

_log = logging.getLogger("loom.client")


class Client:
    """Submits plans and fetches results. Use it in a `with` statement, or close it.

    Its results live no longer than it does. It may be used by several threads, and by coroutines:
    `submit` and `release` return at once, `await future` and `async for` do not block the loop.
    """

    def __init__(
        self,
        address: Optional[str] = None,
        port: Optional[int] = None,
        *,
        name: Optional[str] = None,
        timeout: float = CONNECT_TIMEOUT_S,
        on_notice: Optional[Callable[[str], None]] = None,
        reconnect: Optional[float] = None,
        access_file: Optional[str] = None,
        defaults: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Connects to `Client("localhost", 9010)` or `Client("localhost:9010")`; without an address
        to the server that HYPERLOOM_SERVER names, else to that of the access file that was named,
        else to the one on this machine. The port is 9010 unless it is given.

        A refused connection is tried again every 20 ms for `timeout` seconds. `name` is how logs and
        the status call this client. `on_notice` is told what the user should know though nothing
        has failed, such as that no worker can satisfy a request; by default it is logged as a
        warning of the logger `loom.client`. `defaults` are what `submit` is told of failures and
        priorities where it is not told otherwise, such as {"retries": 2}. Raises LoomError.

        When the connection breaks, the client tries for `reconnect` seconds to come back, and its
        futures stay as they are; by default as long as the server waits for it, which is 30 s unless
        the server was told otherwise. 0: a broken connection is the end of its plans.

        `access_file` lets it in where it would not be known; by default the file that
        HYPERLOOM_ACCESS_FILE names, or one in `~/.hyperloom`. Servers of this user on this machine
        need none.
        """
        self._defaults = dict(defaults or {})
        make_plan_rules(**self._defaults)
        named = named_access(access_file)
        if address is None and named is not None and not os.environ.get(SERVER_VARIABLE):
            parsed = named.address
        else:
            parsed = parse_address(address, port)
        access = named or find_access(parsed)
        #: The server, as host:port.
        self.address = str(parsed)
        self._session = connect_session(
            parsed, name, timeout, on_notice or _log.warning, reconnect, access
        )

    def submit_one(self, task: Task, load: bool = False, **rules: Any) -> Future:
        """Sends a task, with all that it needs, and returns its future at once. With `load`, results
        are loaded from their checkpoints where those exist. For `rules` see `submit`."""
        if not isinstance(task, Task):
            order_plan([task])  # Raises what is wrong with it.
        return self.submit([task], load, **rules)[0]

    def submit(
        self,
        tasks: Iterable[Task],
        load: bool = False,
        *,
        name: Optional[str] = None,
        detach: bool = False,
        **rules: Any,
    ) -> List[Future]:
        """Sends tasks as one plan and returns their futures, in order, at once.

        Only what these tasks need is computed, and only their results are kept. A task that is given
        twice has one future. Raises LoomError for what cannot be submitted; a failure shows on the
        futures.

        With `name` and `detach=True` the plan lives without this client, until it is forgotten:
        whoever knows the name attaches to it with `attach`, from any process and language.
        on_failure="keep-going": all that does not need a task that failed still runs, and each result
        fails by itself; else the first failure is the end of the plan.
        priority: from -1000 to 1000, added to those of the tasks: greater runs first.
        retries, retry_on, backoff, backoff_factor, backoff_max, crash_limit: as for `Task.policy`, of
        all tasks that do not say otherwise.
        """
        plan_rules = make_plan_rules(**{**self._defaults, **rules})
        if isinstance(tasks, (Task, Future)):
            raise LoomError("submit takes a list of tasks; use submit_one for one of them")
        roots = list(tasks)
        self._session.check()
        if detach != (name is not None):
            raise LoomError("A plan is detached by both name=... and detach=True")
        if name is not None:
            self._check_takes_names()
        if not roots:
            return []
        with ORDERING, without_collection():
            ordered = order_plan(roots)
            rows = [root._mark - ordered.mark_base for root in roots]
            self._check_inputs(ordered, name)
            rest = b"" if name is None else _named_plan_field(name, roots, rows)
            id_base, pieces = self._encode(ordered, rows, load, rest, plan_rules)
            inputs = [(future._plan, future.task_id) for future in ordered.futures]
            earlier = {future._plan for future in ordered.futures}
            distinct = set(rows)
            plan = SubmittedPlan(id_base, len(ordered.tasks), distinct, earlier, name)
            if plan_rules is not None or OptionalInput.used:
                plan.results = {id_base + row for row in distinct}
            if len(distinct) == len(rows):
                futures = [Future(self, plan, id_base + row) for row in rows]
            else:
                by_row = {row: Future(self, plan, id_base + row) for row in distinct}
                futures = [by_row[row] for row in rows]
        self._session.send_plan(plan, pieces, inputs)
        return futures

    def plans(self) -> List[Dict[str, object]]:
        """The plans that live without a client: `name`, `state` (running, finished, failed or
        canceled), `tasks`, `results`, `resultsFinished`, and more."""
        self._check_takes_names()
        answer = self._session.answer_to(self._session.ask_plan(requests.list_plans_frame()))
        return cast(List[Dict[str, object]], answer)

    def attach(self, name: str) -> DetachedPlan:
        """Attaches to a plan that was submitted with `name` and `detach`, by whomever. Raises
        LoomError, with the code no-such-plan, where there is none."""
        found, roots, labels = self._find_plan(requests.find_plan_frame(name))
        task_count = cast(int, found["tasks"])
        with self._session.lock:
            id_base = self._session.ledger.take_ids(task_count)
        plan = SubmittedPlan(id_base, task_count, set(roots), (), name)
        by_row = {row: Future(self, plan, id_base + row) for row in roots}
        self._session.attach_plan(plan)
        return DetachedPlan(self, name, [by_row[row] for row in roots], labels)

    def _ask_plan(self, what: str, name: str) -> Dict[str, object]:
        frame = getattr(requests, f"{what}_plan_frame")(name)
        return self._find_plan(frame)[0]

    def _find_plan(self, frame: bytes) -> Tuple[Dict[str, object], Sequence[int], Sequence[str]]:
        self._check_takes_names()
        answer = self._session.answer_to(self._session.ask_plan(frame))
        found, roots, labels = cast(Tuple[Dict[str, object], Sequence[int], Sequence[str]], answer)
        if "plan" not in found:
            raise LoomError(str(found.get("error")), "no-such-plan")
        return cast(Dict[str, object], found["plan"]), roots, labels

    def _check_takes_names(self) -> None:
        self._session.check()
        if not self._session.takes_names:
            raise LoomError(
                f"The server at {self.address} is too old for plans that live without their client",
                "request-refused",
            )

    def wait(self, futures: Iterable[Future], timeout: Optional[float] = None) -> None:
        """Returns when all are finished. Raises as soon as one cannot be (see `Future.wait`), and
        TimeoutError after `timeout` seconds."""
        wait_for_all(self._session, self._own(futures), timeout)

    def wait_one(self, future: Future, timeout: Optional[float] = None) -> None:
        """`wait` for one future."""
        self.wait((future,), timeout)

    def fetch(self, futures: Iterable[Future]) -> List[object]:
        """Waits for all and copies their values here; order and duplicates stay. The futures keep
        their values, and the cluster keeps the results."""
        own = self._own(futures)
        fetch_all(self._session, own)
        return [future._value for future in own]

    def fetch_one(self, future: Future) -> object:
        """`fetch` of one future."""
        return self.fetch((future,))[0]

    def gather(self, futures: Iterable[Future]) -> List[object]:
        """`fetch`, then `release` of all. If one cannot be fetched, none is released."""
        own = self._own(futures)
        values = self.fetch(own)
        self.release(own)
        return values

    def gather_one(self, future: Future) -> object:
        """`gather` of one future."""
        return self.gather((future,))[0]

    def explain_one(self, future: Future) -> Dict[str, object]:
        """Why its task waits, is where it is, or ran again; `text` says it in sentences. Raises
        LoomError if the server knows nothing of it any more."""
        (own,) = self._own((future,))
        session = self._session
        answer = session.answer_to(session.ask_explanations(own.task_id))
        explanations = cast(List[Dict[str, object]], answer)
        if not explanations:
            raise LoomError(f"The server knows nothing of task {own.task_id} any more: {own!r}")
        return explanations[0]

    def release(self, futures: Iterable[Future]) -> None:
        """Tells the cluster that the results are not needed any more. What is not finished, and
        nobody else needs, is canceled. Futures that are released already stay so."""
        self._session.release((future._plan, future.task_id) for future in self._own(futures))

    def cancel(self, futures: Iterable[Future]) -> None:
        """Has the cluster end these tasks and whatever needs them, as `Future.cancel` does for one.
        What is finished by then stays."""
        own = self._own(futures)
        for future in own:
            if future._plan.name is not None:
                raise LoomError(
                    f"{future!r} is of the plan '{future._plan.name}', which lives without this "
                    "client: cancel that, by Client.attach"
                )
        if not self._session.takes_cancels:
            raise LoomError("The server is of a version that cannot cancel", "request-refused")
        self._session.cancel((future._plan, future.task_id) for future in own)

    def release_one(self, future: Future) -> None:
        """`release` of one future."""
        self.release((future,))

    def as_completed(self, futures: Iterable[Future]) -> AsCompleted:
        """The futures as they finish, for `for` and `async for`; those that are finished at first.
        Raises the error of the first that fails."""
        return AsCompleted(self._session, self._own(futures))

    def get_stats(self) -> ServerStats:
        """What the whole server holds now: `n_workers` and `n_data_objects`."""
        return cast(ServerStats, self._session.answer_to(self._session.ask_stats()))

    def get_status(self) -> Dict[str, object]:
        """What the server and its workers are doing now, as `hyperloom status --json` shows it."""
        return cast(Dict[str, object], self._session.answer_to(self._session.ask_status()))

    def explain(self, query: str) -> List[Dict[str, object]]:
        """Why tasks wait, are where they are, or ran again; `text` of each says it in sentences.

        `query` is the number of a task, `CLIENT/NUMBER` where several clients have one of that
        number, or a label. At most 20 are explained; none if no task of that name exists now.
        """
        answer = self._session.answer_to(self._session.ask_explanations(0, query))
        return cast(List[Dict[str, object]], answer)

    def set_trace(self, path: str) -> None:
        """Has the server write a trace into the directory `path` from now on. Raises LoomError
        where it cannot."""
        self._session.answer_to(self._session.ask_trace(path))

    def terminate(self) -> None:
        """Stops the server and its workers, for all clients, and closes this one."""
        session = self._session
        session.terminate()
        session.wait_for(lambda: session.ended is not None, _TERMINATE_TIMEOUT_S)
        self.close()

    @property
    def closed(self) -> bool:
        """The connection has ended, or was closed here."""
        return self._session.ended is not None

    def close(self) -> None:
        """Leaves the server, which then drops this client's plans and results, but for detached
        plans."""
        self._session.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Futures refer to their client, so nobody can ask for anything any more.
        session = getattr(self, "_session", None)
        if session is not None:
            session.abandon()

    def __repr__(self) -> str:
        return f"<Client of {self.address}{', closed' if self.closed else ''}>"

    def _encode(
        self,
        ordered: OrderedPlan,
        rows: Iterable[int],
        load: bool,
        rest: bytes,
        rules: Optional[PlanRules],
    ) -> Tuple[int, Sequence[Piece]]:
        is_result = bytearray(len(ordered.tasks))
        for row in rows:
            is_result[row] = 1
        with self._session.lock:
            id_base = self._session.ledger.take_ids(len(ordered.tasks))
        encoder = PlanEncoder(self._session.symbol_ids, rules)
        return id_base, encoder.encode(ordered, is_result, id_base, load, rest)

    def _check_inputs(self, ordered: OrderedPlan, name: Optional[str]) -> None:
        """Inputs of tasks must be living results of this client, and end with it."""
        self._own(ordered.futures)
        for future in ordered.futures:
            if name is not None or future._plan.name is not None:
                raise LoomError(
                    f"{future!r} cannot be an input, because one of the two plans lives without this "
                    "client: make its task a part of the plan, or fetch it and submit its value"
                )
        for future in ordered.futures:
            # What failed while its plan went on, the server knows, and who can do without it.
            if not future.active() and future.task_id not in future._plan.failures:
                raise LoomError(
                    f"{future!r} cannot be an input, because it is not active: "
                    f"{why_unusable(future)}",
                    "future-released" if future.released() else "invalid-argument",
                ) from future.error

    def _own(self, futures: Iterable[Future]) -> Sequence[Future]:
        """Checks that all are futures of this client."""
        if isinstance(futures, (Future, Task)):
            raise LoomError(f"A list of futures is expected, not {futures!r}: use the method _one")
        own = tuple(futures)
        for future in own:
            if not isinstance(future, Future):
                raise LoomError(f"A Future is expected, not {type(future).__name__}")
            if future._client is not self:
                raise LoomError(
                    f"{future!r} belongs to another client: fetch it there and submit its value",
                    "future-of-another-client",
                )
        return own

    def _fetch_async(self, future: Future) -> Coroutine[object, object, object]:
        return fetch_async(self._session, future)

    def _on_future_garbage(self, plan: SubmittedPlan, task_id: int) -> None:
        self._session.release_garbage(plan, task_id)


def _named_plan_field(name: str, roots: Sequence[Task], rows: Sequence[int]) -> bytes:
    labels = [root.label or "" for root in roots]
    is_short = 0 < sum(map(len, labels)) <= _MAX_LABEL_CHARACTERS
    return requests.named_plan_field(name, os.urandom(16), rows, labels if is_short else ())
