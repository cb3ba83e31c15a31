"""What has become of the plans of a client."""

from typing import Callable, Dict, Iterable, List, Optional

from ..errors import LoomException
from ..wire.finished import FinishedResults
from .submitted import CANCELED, FAILED, FINISHED, PENDING, RELEASED, SubmittedPlan
from .table import PlanTable

#: Told once, with the id, when a pending result is pending no more. Must be quick and not raise.
Watcher = Callable[[int], None]


class Ledger:
    """Knows the state of every result. Whoever calls it holds the session's lock."""

    def __init__(self, first_id: int = 0) -> None:
        self._plans = PlanTable(first_id)
        self._watchers: Dict[int, List[Watcher]] = {}
        #: How often plans have failed, or results been released while they were pending: whoever
        #: waits for many looks at all of them again only when this has changed.
        self.upset_count = 0

    def take_ids(self, count: int) -> int:
        return self._plans.take_ids(count)

    def find(self, task_id: int) -> Optional[SubmittedPlan]:
        return self._plans.find(task_id)

    def list(self) -> "List[SubmittedPlan]":
        """All plans, lowest ids first."""
        return self._plans.list()

    def oldest_pending(self) -> Optional[SubmittedPlan]:
        """The first plan that has pending results."""
        return next((plan for plan in self._plans.list() if plan.pending_count > 0), None)

    def add(self, plan: SubmittedPlan) -> None:
        self._plans.add(plan)
        for earlier in plan.earlier:
            earlier.user_count += 1

    def watch(self, task_id: int, watcher: Watcher) -> None:
        """To be called for a pending result."""
        self._watchers.setdefault(task_id, []).append(watcher)

    def unwatch(self, task_id: int, watcher: Watcher) -> None:
        watchers = self._watchers.get(task_id, [])
        if watcher in watchers:
            watchers.remove(watcher)
            if not watchers:
                del self._watchers[task_id]

    def finish(self, task_ids: Iterable[int]) -> None:
        """What is not pending, or not known any more, stays as it is."""
        watchers = self._watchers
        plan: Optional[SubmittedPlan] = None
        id_base = end_id = count = 0
        states = bytearray()
        for task_id in task_ids:
            if not id_base <= task_id < end_id:
                if plan is not None:
                    self._settled(plan, count)
                plan, count = self._plans.find(task_id), 0
                if plan is None:
                    id_base = end_id = 0
                    continue
                id_base, end_id, states = plan.id_base, plan.end_id, plan.states
            if states[task_id - id_base] == PENDING:
                states[task_id - id_base] = FINISHED
                count += 1
                if watchers:
                    self._tell(task_id)
        if plan is not None:
            self._settled(plan, count)

    def carry(self, results: FinishedResults) -> None:
        """Keeps the values that came along, before their tasks are told finished."""
        plan: Optional[SubmittedPlan] = None
        for entry, task_id in enumerate(results.carried_ids()):
            if plan is None or not plan.id_base <= task_id < plan.end_id:
                plan = self._plans.find(task_id)
            if plan is not None and plan.states[task_id - plan.id_base] == PENDING:
                plan.carried[task_id] = (results, entry)

    def cancel(self, task_ids: Iterable[int]) -> None:
        """What is not pending, or not known any more, stays as it is."""
        for task_id in task_ids:
            plan = self._plans.find(task_id)
            if plan is None or plan.states[task_id - plan.id_base] != PENDING:
                continue
            self.upset_count += 1
            plan.states[task_id - plan.id_base] = CANCELED
            plan.held_count -= 1
            self._tell(task_id)
            self._settled(plan, 1)

    def fail(self, plan: SubmittedPlan, failure: LoomException) -> None:
        """Gives up what is pending of the plan."""
        if plan.pending_count == 0:
            return
        self.upset_count += 1
        plan.fail_pending(failure)
        for task_id in [i for i in self._watchers if plan.id_base <= i < plan.end_id]:
            self._tell(task_id)
        self._settled(plan, plan.pending_count)

    def fail_one(self, plan: SubmittedPlan, task_id: int, failure: LoomException) -> None:
        """A task failed, and its plan goes on. Its result stays held, since the server knows it."""
        plan.failures[task_id] = failure
        row = task_id - plan.id_base
        if plan.results is None or task_id not in plan.results or plan.states[row] != PENDING:
            return
        plan.states[row] = FAILED
        self.upset_count += 1
        self._tell(task_id)
        self._settled(plan, 1)

    def fail_all(self, failure: LoomException) -> None:
        for plan in self._plans.list():
            self.fail(plan, failure)

    def release(self, plan: SubmittedPlan, task_id: int) -> bool:
        """True unless the result failed or was released already."""
        row = task_id - plan.id_base
        state = plan.states[row]
        if state in (RELEASED, CANCELED) or (state == FAILED and task_id not in plan.failures):
            return False
        plan.states[row] = RELEASED
        plan.carried.pop(task_id, None)
        plan.held_count -= 1
        if state == FAILED:
            del plan.failures[task_id]
        if state == PENDING:
            self.upset_count += 1
            self._tell(task_id)
            self._settled(plan, 1)
        else:
            self._remove_if_unused(plan)
        return True

    def _tell(self, task_id: int) -> None:
        for watcher in self._watchers.pop(task_id, ()):
            watcher(task_id)

    def _settled(self, plan: SubmittedPlan, count: int) -> None:
        """So many of the plan's results are pending no more."""
        plan.pending_count -= count
        if plan.pending_count > 0:
            return
        for earlier in plan.earlier:
            earlier.user_count -= 1
            self._remove_if_unused(earlier)
        plan.earlier.clear()
        self._remove_if_unused(plan)

    def _remove_if_unused(self, plan: SubmittedPlan) -> None:
        if plan.held_count == 0 and plan.user_count == 0:
            self._plans.remove(plan)
