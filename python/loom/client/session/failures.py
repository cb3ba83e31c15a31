"""From what a server says to the errors that a caller sees."""

import copy
from typing import Optional

from ..errors import LoomError, LoomException, TaskCanceled, TaskFailed
from ..plan.submitted import SubmittedPlan
from ..wire.responses import ErrorInfo


def task_failed(error: ErrorInfo) -> TaskFailed:
    """The error of a TASK_FAILED message."""
    failure = TaskFailed(error.id or 0, error.worker, error.error_msg)
    failure.label = error.label or None
    failure.exit_code = error.exit_code
    failure.signal = error.signal or None
    failure.stderr = error.stderr
    failure.attempts = error.attempts
    failure.cause_id = error.cause_id
    failure.kind = error.kind or "error"
    failure.story = error.story
    return failure


def plan_refused(error: ErrorInfo, plan: SubmittedPlan) -> LoomException:
    """The error of a plan that the server did not take."""
    # It may not have told yet that an input had failed when the plan was sent.
    for earlier in plan.earlier:
        if earlier.failure is not None:
            return earlier.failure
    return LoomError(f"The server refused the plan: {error.error_msg}", "plan-refused")


def canceled(task_id: int) -> TaskCanceled:
    return TaskCanceled(f"Task {task_id} was canceled, or one that it needs")


def released(task_id: int) -> LoomError:
    return LoomError(
        f"The result of task {task_id} was released: release it after its last use",
        "future-released",
    )


def fresh(error: LoomException) -> LoomException:
    """A copy to raise: one exception raised in many places would gather all their tracebacks."""
    return copy.copy(error)


def plan_lost(server: str) -> LoomError:
    return LoomError(f"The server at {server} does not know the plan any more", "server-lost")


def server_lost(server: str, why: Optional[str]) -> LoomError:
    return LoomError(
        f"The server at {server} is lost: {why or 'it closed the connection'}. Its results are "
        "gone; connect again and submit again",
        "server-lost",
    )
