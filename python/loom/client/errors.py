"""The errors of the client. All of them are LoomExceptions."""

from typing import Optional, Sequence


class LoomException(Exception):
    """Whatever goes wrong with HyperLoom."""


class LoomError(LoomException):
    """The world, or the caller, misbehaves: the message says what to do next.

    `code` is for programs; docs/errors.md of the project lists most of them.
    """

    def __init__(self, message: str, code: str = "invalid-argument") -> None:
        super().__init__(message, code)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message


class TaskCanceled(LoomError):
    """Somebody canceled the task, or one that it needs."""

    #: For programs, as the kinds of failures are.
    kind = "canceled"

    def __init__(self, message: str, code: str = "task-canceled") -> None:
        super().__init__(message, code)


class ProtocolError(LoomError):
    """The peer sent bytes that are not the protocol."""

    def __init__(self, message: str, code: str = "protocol-broken") -> None:
        super().__init__(message, code)


class TaskFailed(LoomException):
    """A task failed by its own fault, and with it whatever else of its plan was unfinished.

    `id` is the failed task's `task_id`. What the server did not tell is None.
    """

    #: The label that the task was given.
    label: Optional[str] = None
    #: Exit code of its program, where one ran and exited.
    exit_code: Optional[int] = None
    #: The signal that ended its program, such as SIGKILL.
    signal: Optional[str] = None
    #: What its program wrote to its standard error, cut at 128 KiB.
    stderr: Optional[bytes] = None
    #: How often it was tried.
    attempts: Optional[int] = None
    #: `task_id` of the task in an earlier plan whose failure is the root of this one.
    cause_id: Optional[int] = None
    #: What kind of failure it was, such as "timed-out"; "input-failed" where a task that it needs
    #: failed.
    kind: str = "error"
    #: What became of the attempts before the last, a line each.
    story: Sequence[str] = ()

    def __init__(self, id: int, worker: str, error_msg: str) -> None:
        super().__init__(id, worker, error_msg)
        self.id = id
        self.worker = worker
        self.error_msg = error_msg

    def __str__(self) -> str:
        return f"Task id={self.id} failed: {self.error_msg}"
