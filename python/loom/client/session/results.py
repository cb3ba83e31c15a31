"""Waiting for results and fetching them, in threads and in coroutines."""

from collections import deque
from typing import Deque, List, Optional, Sequence, Tuple

from ..as_completed import resolve_from_thread
from ..errors import LoomException
from ..future import Future
from ..plan.submitted import CANCELED, FAILED, FINISHED, PENDING, RELEASED
from ..values import decode_value
from .failures import canceled, fresh, released
from .replies import ResultReply
from .session import Session

#: Requests on the wire at a time: enough to hide the round trip.
_MAX_REQUESTED = 256
#: Requests in one write.
_BATCH = 64


def state_of(future: Future) -> int:
    return future._plan.state_of(future.task_id)


def why_unusable(future: Future) -> LoomException:
    """Why a future that is neither running nor finished cannot be waited for, to be raised."""
    failure = future._plan.failure_of(future.task_id)
    if state_of(future) == FAILED and failure is not None:
        return fresh(failure)
    if state_of(future) == CANCELED:
        return canceled(future.task_id)
    return released(future.task_id)


def wait_for_all(session: Session, futures: Sequence[Future], timeout: Optional[float]) -> None:
    """Returns when all are finished; raises as soon as one cannot be. O(number of futures) in all,
    whatever the order in which they finish."""
    unusable: Optional[Future] = None
    position = 0
    upset_count = -1

    def is_over() -> bool:
        nonlocal unusable, position, upset_count
        if upset_count != session.ledger.upset_count:
            upset_count = session.ledger.upset_count
            rest = futures[position:]
            unusable = next((f for f in rest if state_of(f) in (FAILED, RELEASED, CANCELED)), None)
        while unusable is None and position < len(futures):
            if state_of(futures[position]) != FINISHED:
                return False
            position += 1
        return True

    in_time = session.wait_for(is_over, timeout)
    if unusable is not None:
        raise why_unusable(unusable)
    if not in_time:
        raise TimeoutError(f"{futures[position]!r} was not finished in {timeout} s")


def fetch_all(session: Session, futures: Sequence[Future]) -> None:
    """Has every future keep its value; each is asked for when it and those before it are finished."""
    requested: Deque[Tuple[Future, ResultReply]] = deque()
    batch: List[ResultReply] = []

    def send_batch() -> None:
        session.fetch(batch)
        batch.clear()

    for future in dict.fromkeys(futures):
        if future._has_value:
            continue
        if state_of(future) == PENDING:
            if batch:
                send_batch()
            wait_for_all(session, (future,), None)
        elif state_of(future) != FINISHED:
            raise why_unusable(future)
        if _take_carried(session, future):
            continue
        reply = ResultReply(future.task_id)
        batch.append(reply)
        requested.append((future, reply))
        if len(batch) == _BATCH:
            send_batch()
        while len(requested) > _MAX_REQUESTED:
            _keep_value(session, *requested.popleft())
    if batch:
        send_batch()
    while requested:
        _keep_value(session, *requested.popleft())


def _keep_value(session: Session, future: Future, reply: ResultReply) -> None:
    session.answer_to(reply)
    _decode_into(session, future, reply)


def _take_carried(session: Session, future: Future) -> bool:
    """True if the value came with the news that it is finished: the future has it then."""
    place = future._plan.carried.get(future.task_id)
    if place is None:
        return False
    session.check()
    results, entry = place
    future._value = decode_value(session.symbols, *results.value(entry))
    return True


def _decode_into(session: Session, future: Future, reply: ResultReply) -> None:
    # Here and not in the I/O thread, because unpickling runs code of the user's.
    frames, reply.frames = reply.frames, []
    future._value = decode_value(session.symbols, reply.type_id, frames)


async def fetch_async(session: Session, future: Future) -> object:
    """Waits and fetches without blocking the event loop."""
    if future._has_value:
        return future._value
    await _wait_async(session, future)
    if state_of(future) != FINISHED:
        raise why_unusable(future)
    if _take_carried(session, future):
        return future._value
    import asyncio

    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    reply = ResultReply(future.task_id, lambda: resolve_from_thread(loop, waiter))
    session.fetch([reply])
    await waiter
    if reply.error is not None:
        raise fresh(reply.error)
    _decode_into(session, future, reply)
    return future._value


async def _wait_async(session: Session, future: Future) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def on_settled(_: int) -> None:
        resolve_from_thread(loop, waiter)

    with session.lock:
        if state_of(future) != PENDING:
            return
        session.ledger.watch(future.task_id, on_settled)
    try:
        await waiter
    finally:
        # A canceled coroutine does not wait any more.
        with session.lock:
            session.ledger.unwatch(future.task_id, on_settled)
