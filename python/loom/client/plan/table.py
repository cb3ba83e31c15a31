"""The plans whose ids are in use."""

from bisect import bisect_right
from typing import List, Optional, Set

from ..errors import LoomError
from .submitted import SubmittedPlan

_END_OF_IDS = 2**31


class PlanTable:
    """Ids count up from 0; after the last int32 they begin again and skip what is still in use.

    Finding a plan costs O(log plans), adding and removing O(1) amortized.
    """

    def __init__(self, first_id: int = 0) -> None:
        # Ascending; a removed plan stays until half of them are.
        self._plans: List[SubmittedPlan] = []
        self._bases: List[int] = []
        self._removed: Set[SubmittedPlan] = set()
        self._next_id = first_id
        # First id above the next one that is in use.
        self._end_id = _END_OF_IDS

    def take_ids(self, count: int) -> int:
        """Takes `count` ids in a row and returns the first."""
        if count > self._end_id - self._next_id:
            self._find_gap(count)
        id_base = self._next_id
        self._next_id += count
        return id_base

    def add(self, plan: SubmittedPlan) -> None:
        at = bisect_right(self._bases, plan.id_base)
        self._bases.insert(at, plan.id_base)
        self._plans.insert(at, plan)

    def remove(self, plan: SubmittedPlan) -> None:
        """Does nothing if the plan is not there."""
        if self.find(plan.id_base) is not plan:
            return
        self._removed.add(plan)
        if len(self._removed) > 16 and 2 * len(self._removed) > len(self._plans):
            self._compact()

    def find(self, task_id: int) -> Optional[SubmittedPlan]:
        """The plan that has the task with this id."""
        plans = self._plans
        at = bisect_right(self._bases, task_id) - 1
        if at < 0:
            return None
        plan = plans[at]
        return None if task_id >= plan.end_id or plan in self._removed else plan

    def list(self) -> "List[SubmittedPlan]":
        """All of them, lowest ids first."""
        self._compact()
        return self._plans.copy()

    def _compact(self) -> None:
        if self._removed:
            self._plans = [plan for plan in self._plans if plan not in self._removed]
            self._bases = [plan.id_base for plan in self._plans]
            self._removed.clear()

    def _find_gap(self, count: int) -> None:
        """Looks for `count` free ids in a row from the next id on, then from 0 on."""
        self._compact()
        for start in (self._next_id, 0):
            for plan in self._plans:
                if plan.end_id <= start:
                    continue
                if plan.id_base - start >= count:
                    self._next_id, self._end_id = start, plan.id_base
                    return
                start = plan.end_id
            if _END_OF_IDS - start >= count:
                self._next_id, self._end_id = start, _END_OF_IDS
                return
        raise LoomError(f"No {count} task ids in a row are free: release results of earlier plans")
