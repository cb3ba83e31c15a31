"""The builders of tasks."""

import os
import pickle
import struct

import pytest
from support.golden import SCHEMAS, decode_by_schema

from loom.client import LoomError, ResourceRequest, tasks


def run_config(task):
    return decode_by_schema(task.config, SCHEMAS["Run"])


def test_requests_that_tasks_have_by_themselves():
    x = tasks.const("x")
    one_cpu = [tasks.run("ls"), tasks.save(x, "/x"), tasks.py_value(1), tasks.py_call(len, (x,))]
    assert all(task.resource_request == tasks.cpu1 for task in one_cpu)
    light = [x, tasks.merge((x,)), tasks.open("/x"), tasks.split(x), tasks.get(x, 1)]
    light += [tasks.slice(x, 1, 2), tasks.size(x), tasks.length(x), tasks.array_make((x,))]
    light += [tasks.dget(x), tasks.dslice(x)]
    assert all(task.resource_request is None for task in light)


def test_configs():
    x = tasks.const("x")
    assert tasks.get(x, 5).config == struct.pack("<Q", 5)
    assert tasks.slice(x, 1, 2**70).config == struct.pack("<QQ", 1, 2**63 - 1)
    assert tasks.merge((x,), "; ").config == "; "
    assert tasks.split(x).config == b""
    assert tasks.split(x, "|").config == "|"
    assert tasks.open("file").config == os.path.join(os.getcwd(), "file").encode()
    assert tasks.save(x, "/tmp/\udcff").config == b"/tmp/\xff"
    assert tasks.const(bytearray(b"ab")).config == b"ab"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tasks.const(5), r"tasks.const takes str or bytes, but got int"),
        (lambda: tasks.get(tasks.const(""), -1), r"whole number >= 0, but is -1"),
        (lambda: tasks.get(tasks.const(""), "1"), r"whole number >= 0, but is '1'"),
        (lambda: tasks.split(tasks.const(""), ""), r"delimiter of tasks.split is empty"),
        (lambda: tasks.run(""), r"empty command"),
        (lambda: tasks.run("ls", [tasks.const("")]), r"pair \(task, name\)"),
        (lambda: tasks.run("ls", [(tasks.const(""), None)], stdin=tasks.const("")), r"several st"),
        (lambda: tasks.run("ls", time_limit=0), r"seconds above 0, but is 0"),
        (lambda: tasks.cpus(-1), r"whole number from 0 to 2\^31 - 1, not -1"),
        (lambda: tasks.cpus(1.5), r"not 1.5"),
        (lambda: tasks.py_task(len), r"write @py_task\(\)"),
        (lambda: tasks.read_count(b"1"), r"A count is 8 bytes, but these are 1"),
    ],
)
def test_mistakes_are_named(build, message):
    with pytest.raises(LoomError, match=message):
        build()


def test_run_as_the_original_had_it():
    x = tasks.const("x")
    assert run_config(tasks.run("ls  -l\t/")) == {
        "args": [b"ls", b"-l", b"/"],
        "map_outputs": [b"+out"],
    }
    task = tasks.run(
        ["sort", "$key", b"\xff"],
        [(x, None), (x, "$key"), (x, "d/file")],
        outputs=["a", None],
        request=tasks.cpus(2),
    )
    assert run_config(task) == {
        "args": [b"sort", b"$key", b"\xff"],
        "map_inputs": [b"+in", b"$key", b"d/file"],
        "map_outputs": [b"a", b"+out"],
    }
    assert task.inputs == (x, x, x)
    assert task.resource_request == tasks.cpus(2)
    assert run_config(tasks.run("cat", stdin=x))["map_inputs"] == [b"+in"]
    assert "map_outputs" not in run_config(tasks.run("true", outputs=()))


def test_run_beyond_the_original():
    task = tasks.run("x", outputs="file", env={"A": "1"}, paths=["/opt"], time_limit=0.0015)
    config = run_config(task)
    assert config["map_outputs"] == [b"file"]
    assert config["env"] == [{"name": b"A", "value": b"1"}]
    assert config["paths"] == [b"/opt"]
    assert config["time_limit_ms"] == 2


def test_functions_are_pickled_with_what_they_refer_to():
    factor = 3
    call = tasks.py_call(lambda x: x * factor, (tasks.const("x"),), (1, "two"))
    function, argument = call.inputs
    assert function.task_type == "loom/py/value"
    assert pickle.loads(function.config)(2) == 6
    assert pickle.loads(call.config) == (1, "two")
    assert argument.config == "x"


def test_py_task_makes_builders():
    @tasks.py_task(n_direct_args=1, context=True, request=tasks.cpus(2))
    def repeat(context, times, text):
        return context, times, text

    x = tasks.const("x")
    first, second = repeat(3, x), repeat(4, x)
    assert first.inputs[0] is second.inputs[0]
    function, wants_context = pickle.loads(first.inputs[0].config)
    assert (function(1, 2, 3), wants_context) == ((1, 2, 3), True)
    assert [pickle.loads(task.config) for task in (first, second)] == [(3,), (4,)]
    assert first.label == "repeat"
    assert first.resource_request == tasks.cpus(2)
    assert repeat.__name__ == "repeat"
    # Fewer arguments than direct ones, and too many: the function will say so.
    assert pickle.loads(repeat().config) == ()
    assert repeat(1, x, x).inputs[1:] == (x, x)

    assert tasks.py_task(label="mine")(len)(x).label == "mine"


def test_a_builder_can_be_used_by_the_function_that_it_calls():
    @tasks.py_task(n_direct_args=1)
    def count(n):
        return count(n - 1) if n > 0 else "done"

    assert pickle.loads(count(2).config) == (2,)


def test_requests():
    request = ResourceRequest()
    request.add_resource("loom/resource/cpus", 2)
    assert request == tasks.cpus(2)
    assert hash(request) == hash(tasks.cpus(2))
    request.add_resource("gpus", 1)
    assert request.resources == {"loom/resource/cpus": 2, "loom/resource/gpus": 1}
    assert request != tasks.cpus(2)


def test_a_label_stays_when_other_things_are_set():
    task = tasks.const("x")
    task.label = "a"
    task.checkpoint_path = "/c"
    task.metadata = "m"
    assert (task.label, task.metadata, task.checkpoint_path) == ("a", "m", "/c")
    assert repr(task) == "<Task loom/data/const 'a'>"
