"""From tasks to a plan."""

import copy
import pickle

import pytest
from support.golden import SCHEMAS, decode_by_schema

from loom.client import LoomError, Task, tasks
from loom.client.future import Future
from loom.client.plan.collection import without_collection
from loom.client.plan.encode import PlanEncoder
from loom.client.plan.order import order_plan
from loom.client.plan.submitted import SubmittedPlan
from loom.client.wire.varint import encode_varint


class NoClient:
    def _on_future_garbage(self, plan, task_id):
        pass


def future(task_id):
    return Future(NoClient(), SubmittedPlan(task_id, 1, range(1), ()), task_id)


def encode(*roots, id_base=0):
    """The plan as a server reads it."""
    ordered = order_plan(roots)
    results = bytearray(len(ordered.tasks))
    for root in roots:
        results[root._mark - ordered.mark_base] = 1
    frame = b"".join(PlanEncoder({}).encode(ordered, results, id_base, False))
    assert int.from_bytes(frame[:8], "little") == len(frame) - 8
    request = decode_by_schema(frame[8:], SCHEMAS["ClientRequest"])
    assert request["plan"]["id_base"] == id_base
    return request["plan"]["tasks"]


def test_what_a_task_begins_with_is_its_own():
    same = b"same"
    begins = [
        ("a", same, b"same"),
        ("a", same, b"same"),
        ("b", same, b"same"),
        ("b", "text", b"text"),
        ("b", bytearray(b"may change"), b"may change"),
        ("b", memoryview(b"seen"), b"seen"),
        ("a", "", b""),
        ("a", b"", b""),
        ("a", same, b"same"),
    ]
    encoded = encode(*(Task(task_type, (), config) for task_type, config, _ in begins))
    assert [task["config"] for task in encoded] == [config for _, _, config in begins]
    types = [task["task_type"] for task in encoded]
    assert [number - min(types) for number in types] == [0, 0, 1, 1, 1, 1, 0, 0, 0]
    for wrong in (Task(None, (), None), Task("a", (), None)):
        with pytest.raises(LoomError):
            encode(Task("a", (), bytearray(b"x")), wrong)


def assert_ordered(encoded, id_base=0):
    for row, task in enumerate(encoded):
        assert all(number < id_base + row for number in task.get("input_ids", []))


def test_inputs_come_before_what_they_are_inputs_of_and_each_task_once():
    a, b = tasks.const("a"), tasks.const("b")
    both = tasks.merge((a, b, a))
    encoded = encode(tasks.merge((both, b)), both, a)
    assert len(encoded) == 4
    assert_ordered(encoded)
    assert [task["input_ids"] for task in encoded if "input_ids" in task] == [[0, 1, 0], [2, 1]]
    assert [task.get("result", False) for task in encoded] == [True, False, True, True]


@pytest.mark.parametrize("id_base", [0, 127, 16_300, 2**28 - 20, 2**28, 2**31 - 50])
def test_ids_of_every_length(id_base):
    leaves = [tasks.const(str(i)) for i in range(20)]
    wide = tasks.merge([*leaves, *leaves])
    encoded = encode(tasks.merge((wide,)), id_base=id_base)
    assert encoded[-2]["input_ids"] == [*range(id_base, id_base + 20)] * 2
    assert encoded[-1]["input_ids"] == [id_base + 20]


def test_futures_are_inputs_by_their_ids():
    earlier = future(3_000_000)
    encoded = encode(
        tasks.merge((earlier, tasks.const("x"), earlier)), tasks.size(earlier), id_base=3_000_001
    )
    inputs = [task["input_ids"] for task in encoded[1:]]
    assert inputs == [[3_000_000, 3_000_001, 3_000_000], [3_000_000]]


def test_a_chain_and_a_tree_of_any_depth():
    chain = tasks.const("x")
    for _ in range(50_000):
        chain = tasks.merge((chain, chain))
    encoded = encode(chain)
    assert len(encoded) == 50_001
    assert encoded[-1]["input_ids"] == [49_999, 49_999]
    level = [tasks.const("x") for _ in range(4096)]
    while len(level) > 1:
        level = [tasks.merge(pair) for pair in zip(level[::2], level[1::2])]
    encoded = encode(level[0])
    assert len(encoded) == 8191
    assert_ordered(encoded)


@pytest.mark.parametrize("shape", ["wide", "deep"])
def test_a_large_plan_is_encoded_in_few_pieces_however_deep_it_is(shape):
    if shape == "wide":
        root = tasks.merge([tasks.const(b"x") for _ in range(200_000)])
    else:
        root = tasks.const(b"x")
        for _ in range(200_000):
            root = tasks.merge((root,))
    with without_collection():
        ordered = order_plan([root])
        pieces = PlanEncoder({}).encode(ordered, bytearray(200_001), 0, False)
    assert sum(map(len, pieces)) > 2_000_000
    assert len(pieces) < 1_000


def test_the_same_task_in_two_plans_is_two_tasks():
    task = tasks.merge((tasks.const("x"),))
    assert encode(task) == encode(task)


def test_marks_mean_nothing_in_copies():
    task = tasks.merge((tasks.const("x"),))
    task.label = "group: one"
    encode(tasks.merge((task, task)))
    for twin in (copy.copy(task), copy.deepcopy(task), pickle.loads(pickle.dumps(task))):
        assert twin._mark == -1
        assert twin.label == "group: one"
        assert encode(twin) == encode(task)


def test_a_task_that_needs_itself_is_refused_and_plans_go_on():
    task = tasks.merge((tasks.const("x"),))
    task.inputs = (tasks.merge((task,)),)
    with pytest.raises(LoomError, match="is an input of itself"):
        encode(task)
    with pytest.raises(LoomError, match="is an input of itself"):
        encode(tasks.merge((task,)))
    assert len(encode(tasks.merge((tasks.const("x"),)))) == 2


def test_what_is_no_input_is_named():
    task = tasks.merge((tasks.const("x"), b"y"))
    task.label = "join"
    with pytest.raises(LoomError, match=r"<Task loom/data/merge 'join'> must be .* not bytes"):
        encode(task)


def test_what_a_task_must_not_have():
    def broken(**attributes):
        task = tasks.const("x")
        for name, value in attributes.items():
            setattr(task, name, value)
        return task

    with pytest.raises(LoomError, match="checkpoint_path of .* must be absolute, but is 'a/b'"):
        encode(broken(checkpoint_path="a/b"))
    with pytest.raises(LoomError, match="config of .* must be str or bytes, not int"):
        encode(broken(config=5))
    with pytest.raises(LoomError, match="metadata of .* must be str or bytes, not list"):
        encode(broken(metadata=[1]))
    with pytest.raises(LoomError, match="task type is a name .* not None"):
        encode(broken(task_type=None))
    with pytest.raises(LoomError, match="resource_request of .* must be a ResourceRequest"):
        encode(broken(resource_request=2))


def test_what_few_tasks_have():
    task = tasks.const("x")
    task.label, task.metadata, task.checkpoint_path = "číslo: 1", b"\0\xff", "/tmp/č"
    task.resource_request = tasks.cpus(3)
    other = tasks.const("y")
    other.resource_request = tasks.cpus(3)
    first, second = encode(task, other)
    assert first["label"] == "číslo: 1"
    assert first["metadata"] == b"\0\xff"
    assert first["checkpoint_path"] == "/tmp/č"
    assert first["resource_request_index"] == second["resource_request_index"] == 0
    assert "label" not in second


def test_a_plan_that_is_too_large_is_refused_before_it_is_sent(monkeypatch):
    monkeypatch.setattr("loom.client.plan.encode.MAX_PLAN_BYTES", 1000)
    with pytest.raises(LoomError, match=r"The plan is too large: \d+ bytes"):
        encode(tasks.const(b"x" * 1001))


def test_tasks_made_by_hand_as_the_original_allowed():
    task = Task()
    task.task_type = "loom/data/const"
    task.config = "abc"
    assert encode(task)[0]["config"] == b"abc"


def test_negative_numbers_take_ten_bytes():
    assert encode_varint(-1) == b"\xff" * 9 + b"\x01"
    assert [len(encode_varint(n)) for n in (0, 127, 128, 2**28 - 1, 2**28)] == [1, 1, 2, 4, 5]
