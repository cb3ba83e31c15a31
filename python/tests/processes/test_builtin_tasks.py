"""Every built-in task type on a real cluster."""

import pytest

from loom.client import TaskFailed, tasks


def run(client, task):
    return client.submit_one(task).gather()


def test_the_four_step_start(client):
    task1 = tasks.const("Hello ")
    task2 = tasks.const("world!")
    task3 = tasks.merge((task1, task2))
    future = client.submit_one(task3)
    assert future.gather() == b"Hello world!"


def test_data(client, tmp_path):
    (tmp_path / "in").write_bytes(b"from a file")
    opened = tasks.open(str(tmp_path / "in"))
    assert run(client, opened) == b"from a file"
    assert run(client, tasks.merge((opened, tasks.const(b"\xff")), ", ")) == b"from a file, \xff"
    assert run(client, tasks.merge(())) == b""
    assert run(client, tasks.save(opened, str(tmp_path / "out"))) == b""
    assert (tmp_path / "out").read_bytes() == b"from a file"


def test_an_index(client):
    lines = tasks.split(tasks.const("a\nbb\n\nc"))
    assert run(client, lines) == [b"a\n", b"bb\n", b"\n", b"c"]
    assert run(client, tasks.split(tasks.const("a|b|"), "|")) == [b"a|", b"b|"]
    assert run(client, tasks.split(tasks.const(""))) == []
    assert run(client, tasks.get(lines, 1)) == b"bb\n"
    assert run(client, tasks.slice(lines, 1, 99)) == b"bb\n\nc"
    assert tasks.read_count(run(client, tasks.length(lines))) == 4
    assert tasks.read_count(run(client, tasks.size(lines))) == 7 + 8 * 5


def test_an_array(client):
    a, b = tasks.const("a"), tasks.const("bcd")
    array = tasks.array_make((a, b, a))
    assert run(client, array) == [b"a", b"bcd", b"a"]
    assert run(client, tasks.array_make((array, tasks.array_make(())))) == [
        [b"a", b"bcd", b"a"],
        [],
    ]
    assert run(client, tasks.get(array, 1)) == b"bcd"
    assert run(client, tasks.slice(array, 1, 3)) == [b"bcd", b"a"]
    assert tasks.read_count(run(client, tasks.size((a, b)))) == 4
    assert run(client, tasks.array_make((tasks.split(b), a))) == [[b"bcd"], b"a"]


def test_tasks_that_are_expanded(client):
    lines = tasks.split(tasks.const("a\nbb\nccc\n"))
    upper = tasks.run("tr a-z A-Z", stdin=tasks.dget(lines))
    assert run(client, tasks.merge((upper,), "-")) == b"A\n-BB\n-CCC\n"
    counted = tasks.run("wc -c", stdin=tasks.dslice(lines))
    assert sum(map(int, run(client, tasks.array_make((counted,))))) == 9


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tasks.get(tasks.split(tasks.const("a\nb")), 2), "2"),
        (lambda: tasks.merge((tasks.array_make(()),)), "array"),
        (lambda: tasks.open("/no/such/file"), "/no/such/file"),
        (lambda: tasks.save(tasks.const("x"), "relative"), "Path 'relative' is not absolute path"),
        (lambda: tasks.split(tasks.array_make(())), "array"),
    ],
)
def test_mistakes_fail_the_task(client, build, message):
    future = client.submit_one(build())
    with pytest.raises(TaskFailed, match=message) as caught:
        future.wait()
    assert f"Task id={caught.value.id} failed: " in str(caught.value)
    # The connection goes on.
    assert run(client, tasks.const("x")) == b"x"


def test_an_unknown_task_type_waits_for_a_worker_that_has_it(client, caplog):
    task = tasks.const("x")
    task.task_type = "my/count"
    future = client.submit_one(tasks.merge((tasks.const("a"), task)))
    while not caplog.messages:
        client.get_stats()
    assert "task type my/count, which no worker offers" in caplog.messages[0]
    assert future.running()


def test_checkpoints(client, tmp_path):
    path = str(tmp_path / "checkpoint")
    task = tasks.const("first")
    task.checkpoint_path = path
    assert run(client, task) == b"first"
    (tmp_path / "checkpoint").write_bytes(b"changed")
    consumer = tasks.merge((task, tasks.const("!")))
    assert client.submit_one(consumer, load=True).gather() == b"changed!"
    assert client.submit_one(consumer).gather() == b"first!"
    # Consumers do not wait until the file is written.
    while (tmp_path / "checkpoint").read_bytes() != b"first":
        client.get_stats()
    assert client.submit([task], load=True)[0].gather() == b"first"


def test_labels_and_metadata_travel(client):
    task = tasks.open("/no/such/file")
    task.label, task.metadata = "load: číslo", b"\0\xff"
    with pytest.raises(TaskFailed) as caught:
        client.submit_one(task).wait()
    assert caught.value.label == "load: číslo"


def test_futures_as_inputs(client):
    words = client.submit_one(tasks.split(tasks.const("one two three"), " "))
    last = tasks.read_count(client.submit_one(tasks.length(words)).gather()) - 1
    assert client.submit_one(tasks.get(words, last)).gather() == b"three"
    # Released while a task still needs it.
    slow = tasks.run("sleep 0.2")
    after = client.submit_one(tasks.merge((tasks.get(words, 0), slow)))
    words.release()
    assert after.gather() == b"one "


def test_a_chain_of_any_depth(client):
    task = tasks.const("x")
    for _ in range(20_000):
        task = tasks.merge((task,))
    assert client.submit_one(task).gather() == b"x"


def test_many_results(client):
    futures = client.submit([tasks.const(str(i)) for i in range(5000)])
    client.wait(futures)
    assert client.gather(futures) == [b"%d" % i for i in range(5000)]


def test_a_large_result_and_a_large_constant(client):
    value = bytes(range(256)) * 100_000
    future = client.submit_one(tasks.merge([tasks.const(value)] * 2))
    assert future.gather() == value * 2
