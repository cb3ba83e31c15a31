"""Clients, their coming and going, on clusters of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from loom.client import Client, LocalCluster, LoomError, TaskFailed, tasks


def until(is_so, timeout=20):
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.005)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_all_ways_to_name_a_server(cluster, monkeypatch):
    host, port = cluster.address.split(":")
    for args in ((host, int(port)), (cluster.address,), ("localhost", int(port))):
        with Client(*args) as client:
            assert client.get_stats()["n_workers"] == 2
    monkeypatch.setenv("HYPERLOOM_SERVER", cluster.address)
    with Client() as client:
        assert client.address == cluster.address


def test_several_clients_have_ids_of_their_own(cluster):
    with Client(cluster.address) as one, Client(cluster.address) as two:
        first = one.submit_one(tasks.const("one"))
        second = two.submit_one(tasks.const("two"))
        assert first.task_id == second.task_id
        assert (first.gather(), second.gather()) == (b"one", b"two")


def test_a_task_is_explained(cluster):
    with Client(cluster.address) as client:
        request = tasks.cpus(99)
        task = tasks.run("true", request=request)
        task.label = "huge"
        future = client.submit_one(task)
        explanation = future.explain()
        assert explanation["state"] == "ready"
        assert "asks for cpus=99, which no worker offers" in explanation["text"]
        assert [other["task"] for other in client.explain("huge")] == [future.task_id]
        future.release()
        with pytest.raises(LoomError, match="knows nothing of task"):
            future.explain()
        assert client.explain("huge") == []


def test_what_a_client_leaves_is_dropped(cluster):
    with Client(cluster.address) as watcher:
        with Client(cluster.address) as client:
            futures = client.submit([tasks.const("a"), tasks.const("b")])
            client.wait(futures)
            assert watcher.get_stats().n_data_objects == 2
        until(lambda: watcher.get_stats().n_data_objects == 0)


def test_a_collected_future_is_released(client):
    future = client.submit_one(tasks.const("x"))
    future.wait()
    assert client.get_stats().n_data_objects == 1
    del future
    assert client.get_stats().n_data_objects == 0


def test_coroutines(client):
    async def double(text):
        first = await client.submit_one(tasks.const(text))
        return await client.submit_one(tasks.merge((tasks.const(first), tasks.const(first))))

    async def main():
        assert await asyncio.gather(double("a"), double("b"), double("c")) == [b"aa", b"bb", b"cc"]
        futures = client.submit([tasks.run("sleep 0.2"), tasks.run("true")])
        assert [f async for f in client.as_completed(futures)] == futures[::-1]
        with pytest.raises(TaskFailed):
            await client.submit_one(tasks.run("false"))

    asyncio.run(main())


def test_a_lost_worker_is_not_seen():
    with LocalCluster(workers=2, cpus=1) as cluster, Client(cluster.address) as client:
        futures = client.submit([tasks.run(["sh", "-c", f"sleep 0.4; echo {i}"]) for i in range(4)])
        until(lambda: client.get_status()["tasks"]["running"] == 2)
        os.kill(cluster.worker_pids[0], signal.SIGKILL)
        assert client.gather(futures) == [b"%d\n" % i for i in range(4)]
        cluster.add_worker()
        assert client.get_stats().n_workers == 2


def test_a_killed_server_is_noticed_at_once():
    with LocalCluster(workers=1) as cluster, Client(cluster.address, reconnect=0) as client:
        future = client.submit_one(tasks.run("sleep 60"))
        threading.Timer(0.2, os.kill, (cluster.server_pid, signal.SIGKILL)).start()
        start = time.monotonic()
        with pytest.raises(LoomError, match="is lost") as caught:
            future.wait()
        assert caught.value.code == "server-lost"
        assert time.monotonic() - start < 5


def test_terminate_ends_the_server_and_its_workers():
    with LocalCluster(workers=1) as cluster:
        client = Client(cluster.address)
        client.terminate()
        assert client.closed
        until(lambda: not is_alive(cluster.server_pid) and not is_alive(cluster.worker_pids[0]))


INTERRUPTED = """
import signal, sys
from loom.client import Client, tasks
signal.signal(signal.SIGINT, signal.default_int_handler)
with Client(sys.argv[1]) as client:
    future = client.submit_one(tasks.run("sleep 60"))
    print("waiting", flush=True)
    try:
        future.fetch()
    except KeyboardInterrupt:
        # The client goes on.
        future.release()
        print(client.submit_one(tasks.const("still here")).gather(), flush=True)
        raise
"""


def test_an_interrupt_leaves_everything_clean(cluster):
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, cluster.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=20)
    assert out == "b'still here'\n"
    assert err.endswith("KeyboardInterrupt\n")
    assert program.returncode == -signal.SIGINT
    with Client(cluster.address) as client:
        until(lambda: client.get_stats().n_data_objects == 0)
        status = client.get_status()["tasks"]
        assert status["running"] == status["waiting"] == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_many_interrupts_never_tear_a_frame(cluster):
    """Interrupts at any place of submit, wait and fetch: the client stays usable."""
    is_armed = False

    def interrupt(number, frame):
        if is_armed:
            raise KeyboardInterrupt

    interrupts = 0
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Client(cluster.address) as client:
            for round in range(150):
                try:
                    is_armed = True
                    signal.setitimer(signal.ITIMER_REAL, 0.0002 + 0.00002 * round)
                    futures = client.submit([tasks.const(str(i)) for i in range(20)])
                    client.gather(futures)
                    client.get_stats()
                    is_armed = False
                except KeyboardInterrupt:
                    is_armed = False
                    interrupts += 1
            assert interrupts > 10
            assert client.submit_one(tasks.const("fine")).gather() == b"fine"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def wait_module(*args):
    command = [sys.executable, "-m", "loom.client.wait", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_waiting_for_workers(cluster):
    host, port = cluster.address.split(":")
    assert wait_module(host, port, 2, 10).returncode == 0
    assert wait_module(host, port, 1, 10).returncode == 0
    late = wait_module(host, port, 3, 0.3)
    assert late.returncode == 1
    assert "2 of 3 workers have joined" in late.stderr
    assert wait_module(host, 1, 1, 0.1).returncode == 1
    assert wait_module(host).returncode == 2
