"""The handle to a result."""

from typing import TYPE_CHECKING, Dict, Generator, Optional

from .errors import LoomException

if TYPE_CHECKING:
    from .client import Client
    from .plan.submitted import SubmittedPlan

_UNKNOWN = object()


class Future:
    """A result that is computed, or kept, by the cluster. Made by `Client.submit`.

    It is an input of later tasks like a task is. The result is kept until it is released, until
    nobody refers to the future any more, or until its client is closed.

    `await future` gives the value, as `fetch` does, without blocking the event loop.
    """

    __slots__ = ("task_id", "_client", "_plan", "_value", "__weakref__")

    def __init__(self, client: "Client", plan: "SubmittedPlan", task_id: int) -> None:
        #: The client's number of the task, as errors name it.
        self.task_id = task_id
        # Keeps the client open while there are futures of it.
        self._client = client
        self._plan = plan
        self._value: object = _UNKNOWN

    def wait(self, timeout: Optional[float] = None) -> None:
        """Returns when the result is finished. Raises TaskFailed if it cannot be, LoomError if it
        was released or the server is lost, TimeoutError after `timeout` seconds."""
        self._client.wait_one(self, timeout)

    def fetch(self) -> object:
        """Waits for the result and copies it here; the cluster keeps it, and so does this future.

        Raw data is bytes, an array a list, an index (of tasks.split) a list of bytes; a Python
        object is itself. Raises as `wait` does.
        """
        return self._client.fetch_one(self)

    def gather(self) -> object:
        """`fetch`, then `release`. A result that could not be fetched is not released."""
        return self._client.gather_one(self)

    def release(self) -> None:
        """Tells the cluster that the result is not needed any more. If it is not finished, what
        nobody else needs is canceled. Does nothing the second time."""
        self._client.release_one(self)

    def cancel(self) -> None:
        """Has the cluster end the task and whatever needs it, unless that is finished by then; the
        rest of its plan goes on. Programs get SIGTERM, and SIGKILL after a grace. The future is
        `canceled` when the server has said so; whoever waits for it gets TaskCanceled."""
        self._client.cancel((self,))

    def explain(self) -> Dict[str, object]:
        """Asks the server why the task waits, is where it is, or ran again; `text` says it in
        sentences. Raises LoomError if the server knows nothing of it any more."""
        return self._client.explain_one(self)

    def finished(self) -> bool:
        """The result is there and can be fetched."""
        return self._state == "finished"

    def running(self) -> bool:
        """The result is not there yet."""
        return self._state == "running"

    def released(self) -> bool:
        """The cluster does not keep the result any more; what was fetched is still here."""
        return self._state == "released"

    def failed(self) -> bool:
        """The result will never be there; `error` says why."""
        return self._state == "failed"

    def canceled(self) -> bool:
        """Somebody canceled it, or what it needs, before it was finished."""
        return self._state == "canceled"

    def active(self) -> bool:
        """It can be an input of a task: it is running or finished."""
        return self._state in ("running", "finished")

    @property
    def error(self) -> Optional[LoomException]:
        """Why it failed, if it did."""
        return self._plan.failure_of(self.task_id) if self._state == "failed" else None

    @property
    def _state(self) -> str:
        return _STATE_NAMES[self._plan.state_of(self.task_id)]

    @property
    def _has_value(self) -> bool:
        return self._value is not _UNKNOWN

    def __await__(self) -> Generator[object, None, object]:
        return self._client._fetch_async(self).__await__()

    def __del__(self) -> None:
        plan = getattr(self, "_plan", None)
        if plan is not None:
            self._client._on_future_garbage(plan, self.task_id)

    def __reduce__(self):  # type: ignore[no-untyped-def]
        raise TypeError(
            f"{self!r} cannot be pickled: it belongs to a connection. Make it an input of the task"
        )

    def __repr__(self) -> str:
        return f"<Future {self.task_id} {self._state}>"


# In the order of the numbers in plan/submitted.py, which cannot be imported here.
_STATE_NAMES = ("running", "finished", "failed", "released", "canceled")
