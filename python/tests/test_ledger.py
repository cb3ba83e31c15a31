"""Ids, and what has become of plans."""

import pytest

from loom.client import LoomError, TaskFailed
from loom.client.plan.ledger import Ledger
from loom.client.plan.submitted import FAILED, FINISHED, PENDING, RELEASED, SubmittedPlan
from loom.client.plan.table import PlanTable


def plan_of(ledger, task_count, earlier=()):
    """A plan all of whose tasks are results."""
    plan = SubmittedPlan(ledger.take_ids(task_count), task_count, range(task_count), earlier)
    ledger.add(plan)
    return plan


def test_results_finish_fail_and_are_released():
    ledger = Ledger()
    first, second = plan_of(ledger, 3), plan_of(ledger, 2)
    ledger.finish([0, 3, 1, 1, 99, -1])
    assert list(first.states) == [FINISHED, FINISHED, PENDING]
    failure = TaskFailed(2, "w", "no")
    ledger.fail(first, failure)
    assert list(first.states) == [FINISHED, FINISHED, FAILED]
    assert first.failure is failure
    assert list(second.states) == [FINISHED, PENDING]
    ledger.finish([2])
    assert first.state_of(2) == FAILED
    assert not ledger.release(first, 2)
    assert ledger.release(first, 0)
    assert not ledger.release(first, 0)
    assert ledger.release(second, 4)
    assert second.state_of(4) == RELEASED
    ledger.finish([4])
    assert second.state_of(4) == RELEASED


def test_a_plan_is_forgotten_when_nothing_of_it_is_kept_or_needed():
    ledger = Ledger()
    first = plan_of(ledger, 1)
    second = plan_of(ledger, 1, [first])
    ledger.finish([0])
    ledger.release(first, 0)
    assert ledger.find(0) is first
    ledger.finish([1])
    assert ledger.find(0) is None
    assert ledger.find(1) is second
    ledger.release(second, 1)
    assert ledger.find(1) is None


def test_watchers_are_told_once():
    ledger = Ledger()
    plan = plan_of(ledger, 4)
    told = []
    for task_id in range(4):
        ledger.watch(task_id, told.append)
    ledger.unwatch(3, told.append)
    ledger.finish([1])
    ledger.release(plan, 0)
    ledger.fail(plan, TaskFailed(2, "", ""))
    ledger.fail_all(TaskFailed(2, "", ""))
    assert told == [1, 0, 2]


def in_table(table, task_count):
    """A plan of any size, without memory for its states."""
    plan = SubmittedPlan(table.take_ids(task_count), 0, (), ())
    plan.end_id = plan.id_base + task_count
    table.add(plan)
    return plan


def test_ids_begin_again_after_the_last_and_skip_what_is_in_use():
    table = PlanTable(2**31 - 5)
    assert in_table(table, 4).id_base == 2**31 - 5
    low = in_table(table, 10)
    assert low.id_base == 0
    assert in_table(table, 2**31 - 30).id_base == 10
    table.remove(low)
    # Only the gap that `low` left has room, and one below the kept ones.
    assert {in_table(table, 10).id_base, in_table(table, 10).id_base} == {0, 2**31 - 20}
    with pytest.raises(LoomError, match="No 1000 task ids in a row are free"):
        table.take_ids(1000)


def test_finding_plans_among_removed_ones():
    table = PlanTable()
    plans = []
    for _ in range(100):
        plan = SubmittedPlan(table.take_ids(3), 3, range(3), ())
        table.add(plan)
        plans.append(plan)
    for plan in plans[::2] + plans[1:40:2]:
        table.remove(plan)
        table.remove(plan)
    kept = plans[41::2]
    assert table.list() == kept
    for plan in plans:
        expected = plan if plan in kept else None
        assert table.find(plan.id_base) is expected
        assert table.find(plan.id_base + 2) is expected
    assert table.find(300) is None
    assert table.find(-1) is None
