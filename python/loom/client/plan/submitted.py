"""A plan that the server has."""

from typing import Collection, Dict, Iterable, Optional, Set

from ..errors import LoomException
from ..wire.finished import CarriedPlace

#: INNER: no result at all, so nothing is ever told of it.
PENDING, FINISHED, FAILED, RELEASED, CANCELED, INNER = range(6)

#: What becomes of all states of a plan that fails.
_FAIL_PENDING = bytes(FAILED if state == PENDING else state for state in range(256))
_ONE_INNER = bytes((INNER,))


class SubmittedPlan:
    """Kept while one of its results is, and while a later plan needs it.

    A state takes one byte, and nothing here refers to the futures or the client: futures find their
    state by id, and the result of one that is garbage can be released.
    """

    __slots__ = (
        "id_base",
        "end_id",
        "states",
        "pending_count",
        "held_count",
        "user_count",
        "earlier",
        "failure",
        "failures",
        "results",
        "carried",
        "name",
    )

    def __init__(
        self,
        id_base: int,
        task_count: int,
        result_rows: Collection[int],
        earlier: "Iterable[SubmittedPlan]",
        name: Optional[str] = None,
    ) -> None:
        result_count = len(result_rows)
        self.id_base = id_base
        #: One more than its last id.
        self.end_id = id_base + task_count
        #: Of task i.
        self.states = bytearray(task_count)
        if result_count < task_count:
            self.states[:] = _ONE_INNER * task_count
            for row in result_rows:
                self.states[row] = PENDING
        #: Results that are pending.
        self.pending_count = result_count
        #: Results that are pending, or finished and not released.
        self.held_count = result_count
        #: Plans with pending results that use results of this one.
        self.user_count = 0
        #: Plans whose results this one uses, while it has pending ones: their ids are in use.
        self.earlier: Set[SubmittedPlan] = set(earlier)
        #: Why its failed results did.
        self.failure: Optional[LoomException] = None
        #: Of tasks that failed while the plan went on, by id; results among them are held.
        self.failures: Dict[int, LoomException] = {}
        #: Ids of its results; None where none of them can fail alone.
        self.results: Optional[Set[int]] = None
        #: Where the values are that came with the news that they are finished, by id.
        self.carried: Dict[int, CarriedPlace] = {}
        #: Of a plan that lives without this client.
        self.name = name

    def state_of(self, task_id: int) -> int:
        return self.states[task_id - self.id_base]

    def failure_of(self, task_id: int) -> Optional[LoomException]:
        """Why the result, which failed, did."""
        return self.failures.get(task_id, self.failure)

    def fail_pending(self, failure: LoomException) -> None:
        self.failure = failure
        self.states[:] = self.states.translate(_FAIL_PENDING)
        self.held_count -= self.pending_count
