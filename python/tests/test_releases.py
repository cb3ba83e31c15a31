"""Results that are not needed any more."""

import gc
import threading
import time

import pytest
from support.fake_server import FakeServer, const, data, finished, results_finished, serve, stats

from loom.client import Client, LoomError, tasks


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
