"""Retries, plans that keep going, and inputs that may fail, on a real cluster."""

import pytest

from loom.client import Client, TaskFailed, tasks


def fails(text="broken"):
    return tasks.run(["sh", "-c", f"echo {text} >&2; exit 3"])


def test_a_task_is_tried_again(client, tmp_path):
    path = tmp_path / "attempts"
    script = f"echo x >> {path}; test $(wc -l < {path}) -ge 3 && echo done"
    task = tasks.run(["sh", "-c", script]).policy(retries=2, backoff=0.01)
    assert client.submit_one(task).gather() == b"done\n"
    assert path.read_text() == "x\n" * 3


def test_a_failure_tells_what_became_of_the_attempts_before(client):
    with pytest.raises(TaskFailed) as caught:
        client.submit_one(fails(), retries=1, backoff=0).wait()
    failure = caught.value
    assert (failure.kind, failure.attempts, failure.exit_code) == ("program-failed", 2, 3)
    assert len(failure.story) == 1 and "program-failed" in failure.story[0]


def test_only_what_is_named_is_retried(client):
    task = tasks.run("sleep 60", time_limit=0.05).policy(
        retries=1, backoff=0, retry_on=["timed-out"]
    )
    with pytest.raises(TaskFailed) as caught:
        client.submit_one(task).wait()
    assert (caught.value.kind, caught.value.attempts) == ("timed-out", 2)
    with pytest.raises(TaskFailed) as caught:
        client.submit_one(fails().policy(retries=3, retry_on=["timed-out"])).wait()
    assert caught.value.attempts == 1


def test_a_plan_that_keeps_going(client):
    bad, good = fails(), tasks.const("good")
    futures = client.submit(
        [tasks.merge([bad, good]), tasks.merge([good, good]), tasks.run("echo ok")],
        on_failure="keep-going",
    )
    assert futures[1].gather() == b"goodgood"
    assert futures[2].gather() == b"ok\n"
    with pytest.raises(TaskFailed, match="which failed: Program terminated") as caught:
        futures[0].wait()
    assert caught.value.kind == "input-failed"
    assert caught.value.cause_id is not None
    later = client.submit(
        [tasks.array_make([tasks.optional(futures[0])]), tasks.merge([futures[0]])],
        on_failure="keep-going",
    )
    assert later[0].gather() == [None]
    with pytest.raises(TaskFailed):
        later[1].gather()
    client.release([futures[0], later[1]])


def test_inputs_that_may_fail(client):
    missing, there = tasks.optional(fails()), tasks.const("there")

    @tasks.py_task()
    def show(first, second):
        return f"{first} {second.read().decode()}"

    futures = client.submit(
        [
            tasks.array_make([missing, there]),
            tasks.merge([there, missing, there], ","),
            show(missing, there),
            tasks.run("cat", stdin=missing),
        ]
    )
    assert client.gather(futures) == [[None, b"there"], b"there,there", b"None there", b""]


def test_defaults_of_a_client(cluster):
    with Client(cluster.address, defaults={"retries": 1, "backoff": 0}) as client:
        with pytest.raises(TaskFailed) as caught:
            client.submit_one(fails()).wait()
        assert caught.value.attempts == 2
        with pytest.raises(TaskFailed) as caught:
            client.submit_one(fails(), retries=0).wait()
        assert caught.value.attempts == 1
