"""Plans that the server may not have, and what a client that comes back says that it has."""

import re
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..plan.submitted import FINISHED, PENDING, SubmittedPlan
from ..wire import requests
from .connection import Piece

#: A result: its plan and its id.
Result = Tuple[SubmittedPlan, int]

#: Runs in one request, well below its limit of bytes.
_RUNS_PER_REQUEST = 65_536
_RUNS = re.compile(b"%c+|%c+" % (PENDING, FINISHED), re.DOTALL)


class KeptPlan(NamedTuple):
    plan: SubmittedPlan
    #: The request.
    pieces: Sequence[Piece]
    #: Results of earlier plans that it uses.
    inputs: Sequence[Result]


class KeptPlans:
    """The bytes of plans until the server says that it cannot lose them any more, in the order of
    their submission."""

    def __init__(self) -> None:
        self._plans: Dict[int, KeptPlan] = {}

    def add(self, kept: KeptPlan) -> None:
        self._plans[kept.plan.id_base] = kept

    def forget(self, plan: SubmittedPlan) -> None:
        self.accept(plan.id_base)

    def accept(self, id_base: int) -> None:
        self._plans.pop(id_base, None)

    def has(self, plan: SubmittedPlan) -> bool:
        kept = self._plans.get(plan.id_base)
        return kept is not None and kept.plan is plan

    def list(self) -> List[KeptPlan]:
        return list(self._plans.values())

    def needed(self, listed: Sequence[SubmittedPlan]) -> List[KeptPlan]:
        """Those that are listed, or that others of these use; what nobody wants is forgotten."""
        wanted = set(listed)
        found: List[KeptPlan] = []
        for kept in reversed(self.list()):
            if kept.plan in wanted:
                found.append(kept)
                wanted.update(plan for plan, _ in kept.inputs)
            else:
                self.forget(kept.plan)
        found.reverse()
        return found

    def clear(self) -> None:
        self._plans.clear()


class Held(NamedTuple):
    frames: List[bytes]
    #: First ids of the plans that are named.
    plan_bases: Set[int]
    #: Released here, but inputs of plans that the server may not have: to be released after those.
    release_late: List[int]


def list_held(plans: Sequence[SubmittedPlan], kept: Sequence[KeptPlan]) -> Held:
    """What is pending and what is held of these plans, and of those that the server may not have."""
    own = {plan for plan in plans if plan.name is None}
    told = {plan for plan in own if plan.pending_count > 0}
    told.update(item.plan for item in kept if item.plan.name is None)
    runs = [run for plan in own for run in _runs_of(plan)]
    # Also of plans that are gone here: what was sent, and may not have arrived, uses them.
    late = {
        task_id
        for item in kept
        for plan, task_id in item.inputs
        if plan.state_of(task_id) not in (PENDING, FINISHED)
    }
    runs += [(task_id, 1, FINISHED) for task_id in late]
    runs.sort()
    plan_list = sorted(told, key=lambda plan: plan.id_base)
    length = max(len(runs), len(plan_list), 1)
    frames: List[bytes] = []
    for start in range(0, length, _RUNS_PER_REQUEST):
        end = start + _RUNS_PER_REQUEST
        some, plan_part = runs[start:end], plan_list[start:end]
        frames.append(
            requests.attach_frame(
                [plan.id_base for plan in plan_part],
                [plan.end_id - plan.id_base for plan in plan_part],
                [first for first, _, _ in some],
                [count for _, count, _ in some],
                bytes(state for _, _, state in some),
                end < length,
            )
        )
    return Held(frames, {plan.id_base for plan in plan_list}, sorted(late))


def _runs_of(plan: SubmittedPlan) -> Iterator[Tuple[int, int, int]]:
    """First id, count and state of each run."""
    states = plan.states
    for run in _RUNS.finditer(states):
        yield plan.id_base + run.start(), run.end() - run.start(), states[run.start()]
