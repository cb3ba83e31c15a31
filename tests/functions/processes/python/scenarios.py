"""Runs one task, or a few, for each rule about functions, and prints what came of them as JSON."""

import json
import os
import sys

from loom.client import Client, Task, TaskFailed, tasks
from loom.client.tasks import cpus, py_call, py_task, py_value

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def text(value):
    """Something that JSON can say."""
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("latin-1")
    if isinstance(value, (list, tuple)):
        return [text(item) for item in value]
    return value


# --- inputs


@py_task()
def describe(x):
    try:
        x[10_000]
        error = "none"
    except IndexError as raised:
        error = type(raised).__name__
    items = [item.read().decode() for item in x]
    last = x[-1].read().decode() if len(x) else None
    return repr(
        (x.size(), x.length(), len(x), items, last, error, x.read()[:9], bytes(x.view()[:3]), x.unwrap())
    )


@scenario
def input_data(client):
    return describe(tasks.const("0123456789"))


@scenario
def input_large(client):
    return describe(tasks.const(b"ab" * 1_000_000))


@scenario
def input_array(client):
    return describe(tasks.array_make([tasks.const("a"), tasks.const("bc")]))


@scenario
def input_index(client):
    return describe(tasks.split(tasks.const("one\nfour\nsix")))


@scenario
def input_large_index(client):
    return describe(tasks.split(tasks.const("x" * 2_000_000 + "\nshort\n")))


@scenario
def input_slice_of_large(client):
    """A stretch of a file that begins at no page."""

    @py_task()
    def ends(x):
        return x.read()[:2] + x.read()[-3:] + str(x.size()).encode()

    lines = tasks.split(tasks.const("skip me\n" + "y" * 500_000 + "\n" + "z" * 1_500_000))
    return tasks.array_make([ends(tasks.get(lines, 1)), ends(tasks.get(lines, 2))])


@scenario
def input_file(client):
    @py_task()
    def size(x):
        return str((x.size(), x.view()[:6].tobytes()))

    return size(tasks.open(__file__))


@scenario
def input_object(client):
    @py_task()
    def look(x, y):
        # Both are the same object of the cluster; neither call sees what the other did.
        x.unwrap().append(1)
        return repr((x.read(), x.length(), x.size() > 10, x.unwrap(), y.unwrap()))

    value = py_value(["list"])
    return tasks.merge([look(value, value), look(value, value)], "|")


@scenario
def input_order(client):
    @py_task(context=True, n_direct_args=2)
    def order(context, a, b, x, y):
        return repr((type(context).__name__, a, b, x.read(), y.read()))

    return order({"a": 1}, [2], tasks.const("x"), tasks.const("y"))


@scenario
def fewer_direct_arguments(client):
    @py_task(n_direct_args=3)
    def count(*args):
        return str(args)

    return count(1)


@scenario
def slices_of_inputs(client):
    @py_task()
    def middle(x):
        return x[1:3]

    return middle(tasks.array_make([tasks.const(c) for c in "abcd"]))


# --- the function


@scenario
def function_by_py_call(client):
    return py_call(lambda x: x.read() * 2, [tasks.const("ab")])


@scenario
def function_as_value(client):
    return py_call(py_value(lambda n: str(n)), (), (3,))


@scenario
def function_with_context(client):
    return py_call((lambda context: str(context.task_id >= 0), True))


@scenario
def no_function(client):
    return Task("loom/py/call", [tasks.const("x")], b"")


@scenario
def no_inputs(client):
    return Task("loom/py/call", [], b"")


@scenario
def not_callable(client):
    return py_call(py_value(3))


@scenario
def broken_pickle(client):
    return Task("loom/py/call", [Task("loom/py/value", [], b"no pickle")], b"")


@scenario
def broken_arguments(client):
    return Task("loom/py/call", [py_value(lambda: "")], b"no pickle")


@scenario
def wrong_arguments(client):
    return py_call(lambda a, b: "", [tasks.const("")])


@scenario
def a_closure(client):
    secret = "closed over"
    return py_call(lambda: secret)


@scenario
def large_function(client):
    table = os.urandom(2_000_000)
    return py_call(lambda x: str(len(table)), [tasks.const("")])


# --- results


@scenario
def result_text(client):
    return py_call(lambda: "Grüße")


@scenario
def result_bytes(client):
    return py_call(lambda: [b"\x00\xff", bytearray(b"b"), memoryview(b"cde")[1:]])


@scenario
def result_sequence(client):
    return py_call(lambda: ("a", [], ["b", ("c",)]))


@scenario
def result_input(client):
    return py_call(lambda x: x, [tasks.const("same")])


@scenario
def result_parts_of_inputs(client):
    return py_call(
        lambda x, y: [y[1], x[0], x],
        [tasks.array_make([tasks.const("a")]), tasks.split(tasks.const("b\nc\n"))],
    )


@scenario
def result_large(client):
    @py_task()
    def sizes(x):
        return str([item.size() for item in x])

    return sizes(py_call(lambda: [b"x" * 3_000_000, "y" * 1_048_576, "z"]))


@scenario
def result_object(client):
    @py_task(context=True)
    def make(context):
        wrapped = context.wrap({"k": (1, 2)})
        return context.wrap(wrapped) if context.wrap(wrapped) is wrapped else "another"

    @py_task()
    def use(x):
        return repr(x.unwrap()["k"])

    return use(make())


@scenario
def result_json(client):
    @py_task(context=True)
    def make(context):
        return context.json({"list": [1, None, "é"], "flag": True})

    @py_task()
    def use(x):
        return repr((x.unwrap(), x.read().decode()))

    return use(make())


@scenario
def result_number(client):
    return py_call(lambda: 42)


@scenario
def result_none(client):
    return py_call(lambda: None)


@scenario
def result_dict(client):
    return py_call(lambda: [{}])


@scenario
def result_of_itself(client):
    def build():
        items = []
        items.append(items)
        return items

    return py_call(build)


@scenario
def result_deep(client):
    """Nested far deeper than the interpreter recurses."""

    def build():
        items = "core"
        for _ in range(50_000):
            items = [items]
        return items

    @py_task()
    def depth(x):
        count = 0
        while x.length():
            x = x[0]
            count += 1
        return f"{count} {x.read().decode()}"

    return depth(py_call(build))


@scenario
def result_shared(client):
    """2^40 items, were they not shared."""

    def build():
        items = "a"
        for _ in range(40):
            items = [items, items]
        return items

    return tasks.length(py_call(build))


# --- redirects


@scenario
def redirect(client):
    return py_call(lambda x: tasks.merge([x, tasks.const("!")]), [tasks.const("Hello")])


@scenario
def redirect_to_program(client):
    return py_call(
        lambda x: tasks.run("sort -r", [(x, None)]), [tasks.const("a\nc\nb\n")]
    )


@scenario
def redirect_to_function(client):
    @py_task(n_direct_args=1)
    def down(n):
        return down(n - 1) if n > 0 else "landed"

    return down(5)


@scenario
def redirect_with_inputs_of_all_kinds(client):
    def build(x):
        return Task("loom/array/make", ["text", b"bytes", ["a", x], tasks.const("task"), x[0]])

    return py_call(build, [tasks.array_make([tasks.const("item")])])


@scenario
def redirect_by_attributes(client):
    """The class is one of the function's own."""

    class Other:
        task_type = "loom/data/merge"
        config = "+"
        inputs = ("a", "b")

    return py_call(lambda: Other())


@scenario
def redirect_with_shared_task(client):
    """Were it run twice, the two would differ."""

    def build():
        moment = tasks.run("cat /proc/sys/kernel/random/uuid")
        return tasks.array_make([moment, moment])

    return py_call(lambda x: str(x[0].read() == x[1].read()), [py_call(build)])


@scenario
def redirect_of_a_list(client):
    return py_call(lambda: ["plain", tasks.const("task")])


@scenario
def redirect_that_fails(client):
    return py_call(lambda: tasks.run("false"))


@scenario
def redirect_to_what_is_not(client):
    return py_call(lambda: Task("loom/no/such", ()))


@scenario
def redirect_to_dynamic(client):
    return py_call(lambda x: tasks.dget(x), [tasks.array_make([tasks.const("a")])])


@scenario
def redirect_that_asks_too_much(client):
    return py_call(lambda: tasks.run("true", request=cpus(100)))


@scenario
def redirect_with_checkpoint(client):
    path = os.path.join(sys.argv[2], "redirected")

    def build():
        task = tasks.const("kept")
        task.checkpoint_path = path
        return task

    value = client.gather_one(client.submit_one(py_call(build)))
    with open(path, "rb") as file:
        return Direct([value, file.read()])


@scenario
def redirect_of_a_checkpointed_task(client):
    path = os.path.join(sys.argv[2], "outer")
    task = py_call(lambda: tasks.const("outer"))
    task.checkpoint_path = path
    value = client.gather_one(client.submit_one(task))
    with open(path, "rb") as file:
        return Direct([value, file.read()])


# --- failures


@scenario
def exception(client):
    def inner():
        raise KeyError("missing")

    def outer():
        try:
            inner()
        except KeyError as error:
            raise ValueError("wrong") from error

    return py_call(outer)


@scenario
def exit_called(client):
    return py_call(lambda: sys.exit(3))


@scenario
def exit_at_once(client):
    return py_call(lambda: os._exit(4))


@scenario
def aborted(client):
    return py_call(lambda: os.abort())


@scenario
def segmentation_fault(client):
    def crash():
        import ctypes

        ctypes.string_at(0)

    return py_call(crash)


@scenario
def killed_for_memory(client):
    def die():
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    return py_call(die)


@scenario
def memory_error(client):
    def grow():
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        return "x" * (1 << 32)

    return py_call(grow)


@scenario
def forked_child_returns(client):
    def fork():
        if os.fork() == 0:
            return "child"
        os.wait()
        return "parent"

    return py_call(fork)


@scenario
def neighbors_of_a_crash(client):
    """Only the one that crashes fails; its neighbors in the lane are done."""

    @py_task(n_direct_args=1)
    def maybe(n):
        if n == 30:
            os.abort()
        return str(n)

    client.gather(client.submit([maybe(n) for n in range(10)]))
    others = client.submit([maybe(n) for n in range(1000, 1060)])
    crash = client.submit_one(maybe(30))
    more = client.submit([maybe(n) for n in range(2000, 2060)])
    done = [int(value) for value in client.gather(others + more)]
    try:
        client.gather_one(crash)
    except TaskFailed as error:
        return Direct([done == [*range(1000, 1060), *range(2000, 2060)], "SIGABRT" in str(error)])
    return Direct("the crash was lost")


# --- what else


@scenario
def loaded_once(client):
    """The function is unpickled once per runner, so its globals live on between calls."""
    calls = []

    @py_task(n_direct_args=1)
    def count(n):
        calls.append(n)
        return str(os.getpid())

    @py_task(context=True)
    def last(context):
        return ""

    values = client.gather(client.submit([count(n) for n in range(50)]))
    return Direct(len(set(values)) <= 4)


@scenario
def our_package_wins(client):
    return py_call(lambda: __import__("loom").__file__)


@scenario
def old_modules(client):
    def look():
        from loom.client import tasks
        from loom.client.task import ResourceRequest, Task

        return f"{Task.__name__} {ResourceRequest.__name__} {tasks.__name__}"

    return py_call(look)


@scenario
def standard_input_is_empty(client):
    return py_call(lambda: repr(sys.stdin.read()))


@scenario
def logs(client):
    @py_task(context=True)
    def say(context):
        context.log_debug("a debug line")
        context.log_info("an info line")
        context.log_warn("a warning line")
        context.log_error("an error line")
        context.log_critical("a critical line")
        context.progress(0.5, "half of it")
        print("printed", 1)
        print("no end", end="")
        print("to stderr", file=sys.stderr)
        os.system("echo from a child")
        import time

        time.sleep(0.1)
        return str(context.task_id)

    return say()


class Direct:
    """What a scenario found out by itself."""

    def __init__(self, value):
        self.value = value


def main():
    results = {}
    with Client("127.0.0.1", int(sys.argv[1])) as client:
        for name, function in SCENARIOS.items():
            try:
                made = function(client)
                value = (
                    made.value
                    if isinstance(made, Direct)
                    else client.gather_one(client.submit_one(made))
                )
                results[name] = {"value": text(value)}
            except TaskFailed as error:
                results[name] = {"failed": str(error)}
    print(json.dumps(results))


main()
