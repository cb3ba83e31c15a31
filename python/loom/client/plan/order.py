"""Which tasks a plan needs, and in which order."""

import threading
from typing import Iterable, Iterator, List, NamedTuple, Set, Tuple

from ..errors import LoomError
from ..future import Future
from ..task import Task

#: Held from the ordering of a plan until its tasks are encoded: marks are written into the tasks,
#: and two plans may share tasks.
ORDERING = threading.Lock()


class OrderedPlan(NamedTuple):
    """The tasks of a plan; task i has the mark `mark_base + i`."""

    tasks: List[Task]
    mark_base: int
    #: Results of earlier plans that tasks of this one use.
    futures: Set[Future]


# Marks only ever grow, so that those of earlier plans need not be erased.
_next_mark = 0


def order_plan(roots: Iterable[Task]) -> OrderedPlan:
    """All that `roots` need, each task once, inputs before what they are inputs of, and whatever
    belongs together close together. To be called while ORDERING is held.

    Iterative, so that plans may be of any depth. Raises LoomError where an input is neither a task
    nor a future, or a task needs itself.
    """
    global _next_mark
    open_mark, base = _next_mark, _next_mark + 1
    tasks: List[Task] = []
    futures: Set[Future] = set()
    try:
        for root in roots:
            if type(root) is not Task:
                _check_root(root)
            if root._mark >= base:
                continue
            if root.inputs:
                _add_with_inputs(root, open_mark, tasks, futures)
            else:
                root._mark = base + len(tasks)
                tasks.append(root)
    finally:
        _next_mark = base + len(tasks)
    return OrderedPlan(tasks, base, futures)


def _add_with_inputs(root: Task, open_mark: int, tasks: List[Task], futures: Set[Future]) -> None:
    base = open_mark + 1
    append = tasks.append
    # The tasks between the root and where we are, each with its inputs not looked at yet.
    stack: List[Tuple[Task, Iterator[object]]] = []
    task = root
    inputs = iter(root.inputs)
    root._mark = open_mark
    while True:
        for item in inputs:
            if type(item) is not Task and not _is_task(item, task, futures):
                continue
            mark = item._mark  # type: ignore[attr-defined]
            if mark >= base:
                continue
            if mark == open_mark:
                raise LoomError(f"{item!r} is an input of itself, by way of {task!r}")
            if not item.inputs:  # type: ignore[attr-defined]
                item._mark = base + len(tasks)  # type: ignore[attr-defined]
                append(item)  # type: ignore[arg-type]
                continue
            stack.append((task, inputs))
            task = item  # type: ignore[assignment]
            task._mark = open_mark
            inputs = iter(task.inputs)
            break
        else:
            task._mark = base + len(tasks)
            append(task)
            if not stack:
                return
            task, inputs = stack.pop()


def _is_task(item: object, task: Task, futures: Set[Future]) -> bool:
    """False for a future, which is noted. Raises LoomError for everything else."""
    if isinstance(item, Task):
        return True
    if isinstance(item, Future):
        futures.add(item)
        return False
    raise LoomError(
        f"An input of {task!r} must be a Task or a Future, not {type(item).__name__}: make a plain "
        "value a task with tasks.const or tasks.py_value, or pass it as a direct argument"
    )


def _check_root(root: object) -> None:
    if isinstance(root, Task):
        return
    if isinstance(root, Future):
        raise LoomError(
            f"{root!r} cannot be submitted, because it was: wait for it, or make it an input"
        )
    raise LoomError(f"A Task can be submitted, not {type(root).__name__}")
