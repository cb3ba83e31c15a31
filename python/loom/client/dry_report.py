"""A report of a plan that is not submitted."""

import json
from collections import Counter
from typing import Dict, Iterable, List

from .plan.encode import PlanEncoder
from .plan.order import ORDERING, OrderedPlan, order_plan
from .task import Task

#: Of the file, for whoever reads it.
FORMAT = "hyperloom plan 1"


def make_dry_report(tasks: Iterable[Task], filename: str) -> Dict[str, object]:
    """Checks a plan as `Client.submit` would, without a server, and writes what is in it to a file,
    as JSON; `loom.lore.report.Report` reads it. Returns what was written.

    Raises LoomError for a plan that could not be submitted.
    """
    roots = list(tasks)
    with ORDERING:
        plan = order_plan(roots)
        rows = sorted({root._mark - plan.mark_base for root in roots})
        inputs = [_input_rows(task, plan.mark_base) for task in plan.tasks]
        plan_bytes = _encoded_size(plan, rows)
    report = _summary(plan, inputs)
    report["results"] = rows
    report["plan_bytes"] = plan_bytes
    report["tasks"] = [_describe(task, rows_of) for task, rows_of in zip(plan.tasks, inputs)]
    with open(filename, "w", encoding="utf-8") as file:
        json.dump(report, file)
    return report


def _encoded_size(plan: OrderedPlan, rows: List[int]) -> int:
    """Encoding is the check: it refuses what a task must not have."""
    is_result = bytearray(len(plan.tasks))
    for row in rows:
        is_result[row] = 1
    return sum(map(len, PlanEncoder({}).encode(plan, is_result, 0, False)))


def _input_rows(task: Task, mark_base: int) -> List[int]:
    """Inputs by position in the plan; -1 is a result of an earlier plan."""
    return [item._mark - mark_base if isinstance(item, Task) else -1 for item in task.inputs]


def _summary(plan: OrderedPlan, inputs: List[List[int]]) -> Dict[str, object]:
    depths: List[int] = []
    for rows in inputs:
        depths.append(1 + max((depths[row] for row in rows if row >= 0), default=0))
    return {
        "format": FORMAT,
        "n_tasks": len(plan.tasks),
        "n_inputs": sum(map(len, inputs)),
        # Tasks on the longest path: at least so many run one after another.
        "depth": max(depths, default=0),
        # The most tasks of one depth: about so many may run at a time.
        "width": max(Counter(depths).values(), default=0),
        "task_types": dict(Counter(task.task_type for task in plan.tasks).most_common()),
        "groups": dict(Counter(_group_of(task) for task in plan.tasks if task.label).most_common()),
        "earlier_results": len(plan.futures),
    }


def _group_of(task: Task) -> str:
    return (task.label or "").split(":")[0]


def _describe(task: Task, input_rows: List[int]) -> Dict[str, object]:
    config = task.config
    described: Dict[str, object] = {
        "type": task.task_type,
        "inputs": input_rows,
        "config_bytes": len(config.encode() if isinstance(config, str) else config),
    }
    if task.label:
        described["label"] = task.label
    if task.resource_request is not None:
        described["resources"] = task.resource_request.resources
    if task.checkpoint_path:
        described["checkpoint_path"] = task.checkpoint_path
    return described
