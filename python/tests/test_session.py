"""The client against a server that does what the test tells it to."""

import os
import threading

import pytest
from support.fake_server import (
    const,
    data,
    error,
    failed,
    finished,
    refused,
    results_finished,
    serve,
    stats,
)

from loom.client import Client, LoomError, LoomException, TaskFailed, tasks
from loom.client.wire.responses import ResponseType


def test_results_that_come_with_the_news_are_not_asked_for():
    # Any FETCH but that of task 1 would fail the script.
    steps = ["PLAN", results_finished({0: b"zero", 1: None, 2: b"two"}), "FETCH"]
    with serve(*steps, data(1, "loom/data", [b"one"])) as server, Client(server.address) as client:
        futures = client.submit([const("a"), const("b"), const("c")])
        assert client.fetch(futures) == [b"zero", b"one", b"two"]
        assert futures[2].gather() == b"two"
        assert futures[2].released()


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


def test_a_result_larger_than_any_buffer_comes_whole():
    value = os.urandom(1 << 20) * 30
    with serve("PLAN", finished(0), "FETCH", data(0, "loom/data", [value]), "RELEASE") as server:
        client = Client(server.address)
        assert client.submit_one(const()).gather() == value
        client.close()
