"""Programs as tasks on a real cluster."""

import pytest

from loom.client import TaskFailed, tasks


def run(client, *args, **options):
    return client.submit_one(tasks.run(*args, **options)).gather()


def test_standard_input_and_output(client):
    hello = tasks.const("hello")
    assert run(client, "tr a-z A-Z", stdin=hello) == b"HELLO"
    assert run(client, "tr a-z A-Z", [(hello, None)]) == b"HELLO"
    assert run(client, ["echo", "-n", "a  b"]) == b"a  b"
    assert run(client, "cat") == b""


def test_files_and_variables(client):
    key, text = tasks.const("-r"), tasks.const("a\nc\nb\n")
    inputs = [(text, "d/text"), (key, "$key")]
    assert run(client, ["sort", "$key", "d/text"], inputs) == b"c\nb\na\n"
    script = "printf out; printf 1 > one; printf 2 > two"
    assert run(client, ["sh", "-c", script], outputs=["two", None, "one"]) == [b"2", b"out", b"1"]
    assert run(client, ["sh", "-c", script], outputs=["two"]) == b"2"
    assert run(client, ["sh", "-c", script], outputs="two") == b"2"
    assert run(client, ["sh", "-c", script], outputs=()) == []


def test_environment_and_paths(client, tmp_path):
    tool = tmp_path / "my-tool"
    tool.write_text('#!/bin/sh\necho "$GREETING"\n')
    tool.chmod(0o755)
    assert run(client, "my-tool", env={"GREETING": "ahoj"}, paths=[str(tmp_path)]) == b"ahoj\n"


def test_a_program_that_fails_tells_its_story(client):
    task = tasks.run(["sh", "-c", "echo no input >&2; exit 3"])
    task.label = "convert: 1"
    with pytest.raises(TaskFailed, match=r"terminated with status 3\nStderr:\nno input") as caught:
        client.submit_one(tasks.merge((task,))).wait()
    failure = caught.value
    assert (failure.label, failure.exit_code, failure.stderr) == ("convert: 1", 3, b"no input\n")
    assert failure.worker.split(":")[1].isdigit()
    assert failure.attempts == 1


def test_a_program_that_is_killed_or_takes_too_long(client):
    with pytest.raises(TaskFailed) as caught:
        run(client, ["sh", "-c", "kill -9 $$"])
    assert caught.value.signal == "SIGKILL"
    with pytest.raises(TaskFailed, match="time limit"):
        run(client, "sleep 60", time_limit=0.1)


def test_no_such_program(client):
    with pytest.raises(TaskFailed, match="no-such-program"):
        run(client, "no-such-program")


def test_a_missing_output(client):
    with pytest.raises(TaskFailed, match="Output 'x' error"):
        run(client, "true", outputs=["x"])


def test_a_failure_does_not_disturb_another_plan(client):
    good = client.submit_one(tasks.run(["sh", "-c", "sleep 0.2; echo good"]))
    bad, same_plan = client.submit([tasks.run("false"), tasks.run("sleep 60")])
    with pytest.raises(TaskFailed):
        client.wait([same_plan, bad])
    assert same_plan.failed()
    assert good.gather() == b"good\n"


def test_a_released_program_is_stopped(client, tmp_path):
    marker = tmp_path / "marker"
    future = client.submit_one(
        tasks.run(["sh", "-c", f"touch {marker}; sleep 60; touch {marker}2"])
    )
    while not marker.exists():
        assert future.running()
    future.release()
    # All four cpus can be used again.
    tests = client.submit([tasks.run("true", request=tasks.cpus(2)) for _ in range(2)])
    client.wait(tests, timeout=20)


def test_results_as_they_finish(client):
    slow, fast = client.submit([tasks.run("sleep 0.3"), tasks.run("true")])
    assert list(client.as_completed([slow, fast])) == [fast, slow]


def test_a_request_that_nobody_can_satisfy_is_noticed(client, caplog):
    future = client.submit_one(tasks.run("true", request=tasks.cpus(99)))
    while not caplog.messages:
        client.get_stats()
    assert "99" in caplog.messages[0]
    assert client.get_status()["unsatisfiable"] == [{"resources": {"cpus": 99}, "tasks": 1}]
    future.release()
