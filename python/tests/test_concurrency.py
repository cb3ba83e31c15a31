"""Waiting: in threads, in coroutines, for the first that comes."""

import asyncio
import threading
import time

import pytest
from support.fake_server import const, data, failed, finished, results_finished, serve

from loom.client import Client, TaskFailed


def test_waiting_has_a_timeout():
    with serve("PLAN") as server, Client(server.address) as client:
        future = client.submit_one(const())
        with pytest.raises(TimeoutError, match="<Future 0 running> was not finished in 0.02 s"):
            future.wait(timeout=0.02)
        assert future.running()


def test_as_completed_in_the_order_of_the_server():
    with serve("PLAN", finished(2), finished(0) + finished(1)) as server:
        client = Client(server.address)
        a, b, c = client.submit([const("a"), const("b"), const("c")])
        completed = client.as_completed([a, b, c, a])
        assert next(completed) is c
        assert list(completed) == [a, a, b]
        assert list(client.as_completed([])) == []
        client.close()


def test_as_completed_raises_the_first_failure():
    with serve("PLAN", finished(1) + failed(0, "no")) as server, Client(server.address) as client:
        a, b = client.submit([const("a"), const("b")])
        completed = client.as_completed([a, b])
        assert next(completed) is b
        with pytest.raises(TaskFailed):
            next(completed)


def test_coroutines_wait_without_blocking_each_other():
    def answer_both(peer):
        first, second = peer.receive()["id"], peer.receive()["id"]
        peer.send(
            data(second, "loom/data", [b"%d" % second]), data(first, "loom/data", [b"%d" % first])
        )

    async def main(client):
        futures = client.submit([const("a"), const("b"), const("c")])
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        assert await asyncio.gather(*futures[:2]) == [b"0", b"1"]
        order = [future async for future in client.as_completed(futures)]
        assert order[-1] is futures[2]
        ticking.cancel()
        assert ticks > 5
        # Canceled waiting leaves nothing behind.
        again = client.submit_one(const())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_await(again), 0.02)
        assert not client._session.ledger._watchers
        with pytest.raises(TaskFailed, match="late"):
            await client.submit_one(const())
        assert await futures[0] == b"0"

    with (
        serve(
            "PLAN",
            lambda peer: time.sleep(0.05),
            finished(0) + finished(1),
            answer_both,
            finished(2),
            "PLAN",
            "PLAN",
            failed(4, "late"),
        ) as server,
        Client(server.address) as client,
    ):
        asyncio.run(main(client))


def test_coroutines_get_results_that_come_with_the_news():
    async def fetch(client):
        return await client.submit_one(const())

    with serve("PLAN", results_finished({0: b"zero"})) as server, Client(server.address) as client:
        assert asyncio.run(fetch(client)) == b"zero"


def test_a_loop_that_ended_does_not_disturb_the_client():
    async def give_up(future):
        await asyncio.wait_for(_await(future), 0.01)

    with serve("PLAN", lambda peer: time.sleep(0.1), finished(0)) as server:
        client = Client(server.address)
        future = client.submit_one(const())
        with pytest.raises(asyncio.TimeoutError):
            asyncio.run(give_up(future))
        future.wait()
        client.close()


def test_many_threads_use_one_client():
    def answer_all(peer):
        counts = {"PLAN": 0, "FETCH": 0, "RELEASE": 0}
        while min(counts.values()) < 800:
            request = peer.receive()
            counts[request["type"]] += 1
            if request["type"] == "PLAN":
                peer.send(finished(request["plan"]["id_base"]))
            elif request["type"] == "FETCH":
                peer.send(data(request["id"], "loom/data", [b"%d" % request["id"]]))

    done = []

    def work(client):
        for _ in range(100):
            future = client.submit_one(const())
            assert future.gather() == b"%d" % future.task_id
        done.append(True)

    with serve(answer_all) as server, Client(server.address) as client:
        threads = [threading.Thread(target=work, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(done) == 8


async def _await(future):
    return await future
