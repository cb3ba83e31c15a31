"""The client against a server that does what the test tells it to."""

import asyncio
import gc
import os
import socket
import threading
import time

import pytest
from support.fake_server import (
    FakeServer,
    data,
    error,
    failed,
    finished,
    refused,
    results_finished,
    stats,
)

from loom.client import Client, LoomError, LoomException, TaskFailed, tasks
from loom.client.wire.responses import ResponseType


def serve(*steps):
    """A server whose script is a list: a function is called with the peer, bytes are sent, a text
    is the type of the request that must come next."""

    def script(peer):
        peer.accept()
        for step in steps:
            if callable(step):
                step(peer)
            elif isinstance(step, bytes):
                peer.send(step)
            else:
                assert (peer.receive() or {"type": "END"})["type"] == step
        # Futures of the test may be collected before its client leaves.
        while (request := peer.receive()) is not None:
            assert request["type"] == "RELEASE"

    return FakeServer(script)


def const(text="x"):
    return tasks.const(text)


def test_the_registration_says_who_and_what_the_client_is():
    seen = []
    with serve(lambda peer: seen.append(peer.register)) as server:
        Client(server.address, name="notebook").close()
    (register,) = seen
    assert register["protocol_version"] == 2
    assert register["type"] == "CLIENT"
    assert register["client_name"] == "notebook"
    assert register["capabilities"] == ["notices", "symbols", "carried-results"]


def test_results_that_come_with_the_news_are_not_asked_for():
    # Any FETCH but that of task 1 would fail the script.
    steps = ["PLAN", results_finished({0: b"zero", 1: None, 2: b"two"}), "FETCH"]
    with serve(*steps, data(1, "loom/data", [b"one"])) as server, Client(server.address) as client:
        futures = client.submit([const("a"), const("b"), const("c")])
        assert client.fetch(futures) == [b"zero", b"one", b"two"]
        assert futures[2].gather() == b"two"
        assert futures[2].released()


def test_coroutines_get_results_that_come_with_the_news():
    async def fetch(client):
        return await client.submit_one(const())

    with serve("PLAN", results_finished({0: b"zero"})) as server, Client(server.address) as client:
        assert asyncio.run(fetch(client)) == b"zero"


def test_many_results_are_released_in_one_request():
    seen = []

    def script(peer):
        peer.accept(["releases"])
        peer.receive()
        peer.send(results_finished({0: b"a", 1: b"b", 2: b"c"}))
        while (request := peer.receive()) is not None:
            seen.append(request)

    with FakeServer(script) as server, Client(server.address) as client:
        futures = client.submit([const("a"), const("b"), const("c")])
        assert client.gather(futures) == [b"a", b"b", b"c"]
    assert seen == [{"type": "RELEASE_MANY", "ids": [0, 1, 2]}]


def test_order_and_duplicates_stay():
    with (
        serve(
            "PLAN",
            finished(2) + finished(0),
            finished(1),
            "FETCH",
            "FETCH",
            "FETCH",
            # Answers come in any order.
            data(2, "loom/data", [b"c"])
            + data(0, "loom/data", [b"a"])
            + data(1, "loom/data", [b"b"]),
            "RELEASE",
            "RELEASE",
            "RELEASE",
        ) as server,
        Client(server.address) as client,
    ):
        a, b, c = client.submit([const("a"), const("b"), const("c")])
        assert client.fetch([c, a, b, a, c]) == [b"c", b"a", b"b", b"a", b"c"]
        # A fetched value is kept, also after the release.
        assert client.gather([a, a, b]) == [b"a", b"a", b"b"]
        assert a.released()
        assert a.fetch() == b"a"
        a.release()
        assert c.gather() == b"c"


def test_a_task_that_is_submitted_twice_at_once_has_one_future():
    with serve("PLAN") as server, Client(server.address) as client:
        task = const()
        first, other, second = client.submit([task, const(), task])
        assert first is second
        assert other is not first
        assert client.submit([]) == []


def test_a_failure_is_told_with_its_whole_story():
    with serve("PLAN", finished(0), failed(1, "no luck"), "RELEASE") as server:
        client = Client(server.address)
        done, bad, other = client.submit([const("a"), const("b"), const("c")])
        with pytest.raises(TaskFailed) as caught:
            client.wait([other, done, bad])
        assert str(caught.value) == "Task id=1 failed: no luck"
        assert (caught.value.id, caught.value.worker) == (1, "w:1")
        assert isinstance(caught.value, LoomException)
        for future in (bad, other):
            assert future.failed()
            assert not future.active()
            with pytest.raises(TaskFailed, match="no luck"):
                future.fetch()
            with pytest.raises(TaskFailed, match="no luck"):
                future.gather()
        # Each is raised with a traceback of its own.
        assert caught.value is not bad.error
        assert done.finished()
        with pytest.raises(LoomError, match="cannot be an input, because it is not active"):
            client.submit_one(tasks.merge((bad,)))
        done.release()
        bad.release()
        client.close()


def test_a_refused_plan():
    with serve("PLAN", "PLAN", refused(1, "task 1: no such type"), finished(0)) as server:
        client = Client(server.address)
        good, bad = client.submit_one(const()), client.submit_one(const())
        with pytest.raises(LoomError, match="refused the plan: task 1: no such type") as caught:
            bad.wait()
        assert caught.value.code == "plan-refused"
        good.wait()
        client.close()


def test_a_refused_registration():
    def script(peer):
        peer.send(error("expected version 2"))

    with FakeServer(script) as server:
        with pytest.raises(LoomError, match="refused this client: expected version 2") as caught:
            Client(server.address)
        assert caught.value.code == "server-refused"


def test_a_listener_that_is_no_server():
    with FakeServer(lambda peer: peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")) as server:
        with pytest.raises(LoomError) as caught:
            Client(server.address)
        assert caught.value.code == "protocol-broken"

    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(LoomError, match="does not answer as a HyperLoom server") as caught:
            Client("127.0.0.1", silent.getsockname()[1], timeout=0.01)
        assert caught.value.code == "server-unreachable"
        assert time.monotonic() - start < 4


def test_a_refused_connection_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(LoomError, match=r"refused connections for 0.2 s. Start a server") as caught:
        Client("127.0.0.1", port, timeout=0.2)
    assert caught.value.code == "server-unreachable"
    assert time.monotonic() - start >= 0.15

    servers = []

    def start_late():
        time.sleep(0.1)
        servers.append(socket.create_server(("127.0.0.1", port)))

    late = threading.Thread(target=start_late)
    late.start()
    with pytest.raises(LoomError, match="does not answer"):
        Client("127.0.0.1", port, timeout=1)
    late.join()
    servers[0].close()


def test_no_such_host():
    with pytest.raises(LoomError, match="no-such-host.invalid:9010 is not reachable"):
        Client("no-such-host.invalid")


@pytest.mark.parametrize("partial", [b"", finished(0)[:5], data(0, "loom/data", [b"abc"])[:-1]])
def test_a_server_that_goes_away_is_noticed_by_everyone_who_waits(partial):
    with serve("PLAN", finished(0), "FETCH", partial, lambda peer: peer.close()) as server:
        client = Client(server.address)
        first, second = client.submit([const("a"), const("b")])
        errors = []

        def wait_for_second():
            with pytest.raises(LoomError) as caught:
                second.wait()
            errors.append(caught.value)

        waiting = threading.Thread(target=wait_for_second)
        waiting.start()
        with pytest.raises(LoomError, match=r"is lost: .* connect again and submit again"):
            first.fetch()
        waiting.join(10)
        assert [e.code for e in errors] == ["server-lost"]
        start = time.process_time()
        with pytest.raises(LoomError, match="is lost"):
            client.submit_one(const())
        with pytest.raises(LoomError, match="is lost"):
            client.get_stats()
        with pytest.raises(LoomError, match="is lost"):
            second.wait()
        assert client.closed
        first.release()
        client.close()
        # Nothing spins.
        time.sleep(0.2)
        assert time.process_time() - start < 0.15


def test_a_broken_protocol_ends_the_connection_with_an_error():
    with serve("PLAN", data(17, "loom/data", [b""])) as server:
        client = Client(server.address)
        future = client.submit_one(const())
        with pytest.raises(LoomError, match="broke the protocol: data of a task that nobody"):
            future.wait()
        client.close()


def test_a_released_future_cannot_be_used():
    with serve("PLAN", "RELEASE", "PLAN") as server, Client(server.address) as client:
        future = client.submit_one(const())
        # While it runs; the original crashed here.
        future.release()
        assert future.released()
        assert not future.active()
        future.release()
        for use in (future.wait, future.fetch, future.gather):
            with pytest.raises(LoomError, match="The result of task 0 was released") as caught:
                use()
            assert caught.value.code == "future-released"
        with pytest.raises(LoomError, match="cannot be an input"):
            client.submit_one(tasks.merge((future,)))
        client.submit_one(const())


def test_a_release_wakes_whoever_waits():
    with serve("PLAN", "RELEASE") as server, Client(server.address) as client:
        future = client.submit_one(const())
        threading.Timer(0.05, future.release).start()
        with pytest.raises(LoomError, match="was released"):
            future.wait()


def test_a_collected_future_is_released():
    with serve("PLAN", finished(0), "RELEASE", "STATS", stats(1, 0)) as server:
        client = Client(server.address)
        future = client.submit_one(const())
        future.wait()
        del future
        gc.collect()
        assert client.get_stats() == {"n_workers": 1, "n_data_objects": 0}
        assert client._session.ledger.find(0) is None
        client.close()


def test_many_collected_futures_are_released():
    released = []

    def count(peer):
        while len(released) < 20_000:
            released.append(peer.receive()["id"])

    with serve("PLAN", count, "STATS", stats(3, 4)) as server, Client(server.address) as client:
        futures = client.submit([const() for _ in range(20_000)])
        del futures
        gc.collect()
        answer = client.get_stats()
        assert (answer.n_workers, answer.n_data_objects) == (3, 4)
    assert sorted(released) == list(range(20_000))


def test_a_release_waits_for_a_fetch_that_is_on_its_way():
    order = []

    def note(peer):
        order.append(peer.receive()["type"])

    def answer(peer):
        # Time enough for a RELEASE that would not wait.
        time.sleep(0.05)
        order.append("DATA")
        peer.send(data(0, "loom/data", [b"abc"]))

    with serve("PLAN", finished(0), note, answer, note) as server:
        client = Client(server.address)
        future = client.submit_one(const())
        values = []
        fetching = threading.Thread(target=lambda: values.append(future.fetch()))
        future.wait()
        fetching.start()
        while not order:
            time.sleep(0.001)
        future.release()
        fetching.join(10)
        assert values == [b"abc"]
        client.close()
    assert order == ["FETCH", "DATA", "RELEASE"]


def test_waiting_has_a_timeout():
    with serve("PLAN") as server, Client(server.address) as client:
        future = client.submit_one(const())
        with pytest.raises(TimeoutError, match="<Future 0 running> was not finished in 0.02 s"):
            future.wait(timeout=0.02)
        assert future.running()


def test_mistakes_are_named():
    with serve("PLAN") as server, serve() as other, Client(server.address) as client:
        future = client.submit_one(const())
        with pytest.raises(LoomError, match="cannot be submitted, because it was"):
            client.submit_one(future)
        with pytest.raises(LoomError, match="cannot be submitted, because it was"):
            client.submit([future])
        with pytest.raises(LoomError, match="A Task can be submitted, not int"):
            client.submit([5])
        with pytest.raises(LoomError, match="use submit_one"):
            client.submit(const())
        with pytest.raises(LoomError, match="A list of futures is expected"):
            client.wait(future)
        with pytest.raises(LoomError, match="A Future is expected, not Task"):
            client.gather([const()])
        with Client(other.address) as stranger:
            with pytest.raises(LoomError, match="belongs to another client"):
                stranger.wait_one(future)
            with pytest.raises(LoomError, match="belongs to another client"):
                stranger.submit_one(tasks.merge((future,)))


def test_a_closed_client_says_so():
    with serve("PLAN") as server:
        with Client(server.address) as client:
            future = client.submit_one(const())
            assert repr(client) == f"<Client of {server.address}>"
        assert client.closed
        for use in (client.get_stats, future.wait, lambda: client.submit_one(const())):
            with pytest.raises(LoomError, match="The client was closed") as caught:
                use()
            assert caught.value.code == "client-closed"
        client.close()


def test_a_client_that_nobody_refers_to_leaves():
    left = threading.Event()

    def until_end(peer):
        assert peer.receive()["type"] == "PLAN"
        assert peer.receive()["type"] == "RELEASE"
        assert peer.receive() is None
        left.set()

    with serve(until_end) as server:
        future = Client(server.address).submit_one(const())
        # Its future keeps it.
        gc.collect()
        assert not left.wait(0.05)
        assert future.running()
        del future
        gc.collect()
        assert left.wait(5)


def test_notices_reach_the_user_and_cannot_harm(caplog, monkeypatch):
    notice = failed(0, "no worker has 99 cpus", ResponseType.NOTICE)
    with serve("STATS", notice, stats(0, 0)) as server, Client(server.address) as client:
        client.get_stats()
    assert caplog.messages == ["no worker has 99 cpus"]

    def break_down(_):
        raise RuntimeError("in the user's function")

    with serve("STATS", notice + stats(0, 0), "STATS", stats(0, 0)) as server:
        client = Client(server.address, on_notice=break_down)
        told = []
        monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))
        client.get_stats()
        client.get_stats()
        client.close()
    assert told == [RuntimeError]


def test_a_trace_that_cannot_be_written():
    with serve(
        "TRACE", "STATS", error("no such directory") + stats(1, 1), "STATS", stats(1, 1)
    ) as s:
        client = Client(s.address)
        with pytest.raises(LoomError, match="No trace is written: no such directory") as caught:
            client.set_trace("/nowhere")
        assert caught.value.code == "trace-refused"
        assert client.get_stats().n_workers == 1
        client.close()


def test_an_unforeseen_error_that_the_server_closes_with_is_told():
    with serve("PLAN", error("the frame is too long"), lambda peer: peer.close()) as server:
        client = Client(server.address, on_notice=lambda _: None)
        future = client.submit_one(const())
        with pytest.raises(LoomError, match="is lost: the frame is too long"):
            future.wait()
        client.close()


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


def test_a_forked_process_does_not_use_its_parents_client():
    with serve("STATS", stats(1, 1)) as server, Client(server.address) as client:
        pid = os.fork()
        if pid == 0:
            try:
                client.get_stats()
            except LoomError as failure:
                os._exit(0 if "was forked from" in str(failure) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert client.get_stats().n_workers == 1


def test_a_result_larger_than_any_buffer_comes_whole():
    value = os.urandom(1 << 20) * 30
    with serve("PLAN", finished(0), "FETCH", data(0, "loom/data", [value]), "RELEASE") as server:
        client = Client(server.address)
        assert client.submit_one(const()).gather() == value
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
