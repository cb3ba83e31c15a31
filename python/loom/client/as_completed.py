"""Futures in the order in which they finish."""

from collections import deque
from typing import TYPE_CHECKING, Deque, Dict, Iterable, List, Optional, Tuple

from .future import Future
from .plan.submitted import PENDING

if TYPE_CHECKING:
    import asyncio

    from .session.session import Session


class AsCompleted:
    """An iterator, for `for` and `async for`; made by `Client.as_completed`. O(1) for each future.

    A future that is given twice comes twice. Raises the error of the first that fails.
    """

    def __init__(self, session: "Session", futures: Iterable[Future]) -> None:
        self._session = session
        self._ready: Deque[Future] = deque()
        self._waiter: Optional[Tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = None
        self._pending: Dict[int, List[Future]] = {}
        with session.lock:
            for future in futures:
                if future._plan.state_of(future.task_id) != PENDING:
                    self._ready.append(future)
                    continue
                copies = self._pending.setdefault(future.task_id, [])
                if not copies:
                    session.ledger.watch(future.task_id, self._on_settled)
                copies.append(future)

    def __iter__(self) -> "AsCompleted":
        return self

    def __next__(self) -> Future:
        self._session.wait_for(lambda: bool(self._ready) or not self._pending)
        if not self._ready:
            raise StopIteration
        return self._checked(self._ready.popleft())

    def __aiter__(self) -> "AsCompleted":
        return self

    async def __anext__(self) -> Future:
        import asyncio  # Most programs do without, and start faster.

        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        with self._session.lock:
            must_wait = not self._ready and bool(self._pending)
            if must_wait:
                self._waiter = (loop, waiter)
        if must_wait:
            await waiter
        if not self._ready:
            raise StopAsyncIteration
        return self._checked(self._ready.popleft())

    def _checked(self, future: Future) -> Future:
        # A failed or released one raises here.
        if not future.finished():
            future.wait()
        return future

    def _on_settled(self, task_id: int) -> None:
        """Called by the I/O thread, with the lock held."""
        self._ready.extend(self._pending.pop(task_id))
        if self._waiter is not None:
            loop, waiter = self._waiter
            self._waiter = None
            resolve_from_thread(loop, waiter)


def resolve_from_thread(loop: "asyncio.AbstractEventLoop", waiter: "asyncio.Future[None]") -> None:
    """Wakes a coroutine up from another thread; one whose loop has ended needs no waking."""
    try:
        loop.call_soon_threadsafe(_resolve, waiter)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _resolve(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
