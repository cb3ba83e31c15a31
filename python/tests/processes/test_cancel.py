"""What is canceled, on a real cluster."""

import time

import pytest

from loom.client import TaskCanceled, tasks


def wait_until_there(path):
    while not path.exists():
        time.sleep(0.01)


def test_a_canceled_task_takes_along_what_needs_it_and_nothing_else(client, tmp_path):
    ready = tmp_path / "ready"
    program = tasks.run(("sh", "-c", f"touch {ready}; sleep 1000"))
    future, user, other = client.submit([program, tasks.merge((program,)), tasks.const("other")])
    wait_until_there(ready)
    future.cancel()
    with pytest.raises(TaskCanceled) as raised:
        user.wait()
    assert raised.value.code == "task-canceled"
    assert future.canceled() and not future.active()
    with pytest.raises(TaskCanceled):
        future.fetch()
    assert other.fetch() == b"other"
    client.cancel([future, other])
    future.release()
    assert other.fetch() == b"other"
