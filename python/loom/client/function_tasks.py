"""The builders of tasks that run Python functions."""

import functools
import math
from typing import Any, Callable, Iterable, Optional

from loom.call_options import append_options, append_versions

from .errors import LoomError
from .requests import cpu1
from .task import ResourceRequest, Task


def py_value(obj: object) -> Task:
    """A Python object as a data object. It is pickled here, by cloudpickle."""
    return Task("loom/py/value", (), append_versions(_pickled(obj)), cpu1)


def py_call(
    obj: object,
    inputs: Iterable[object] = (),
    direct_args: Iterable[object] = (),
    request: Optional[ResourceRequest] = cpu1,
    time_limit: Optional[float] = None,
) -> Task:
    """Calls a function on a worker.

    obj: a task that makes the function, or the function itself; a tuple (function, True) is one
        that wants a context as its first argument.
    inputs: tasks whose results are its last arguments.
    direct_args: plain values, which are pickled here, as its arguments before those.
    time_limit: seconds after which the call is ended and the task fails.

    The number of arguments is not checked here: a wrong one fails the task.
    """
    if callable(obj) or isinstance(obj, tuple):
        obj = py_value(obj)
    config = _pickled(tuple(direct_args))
    if time_limit is not None:
        config = append_options(config, {"time_limit_ms": _milliseconds(time_limit)})
    return Task("loom/py/call", (obj, *inputs), config, request)


def py_task(
    label: Optional[str] = None,
    request: Optional[ResourceRequest] = cpu1,
    context: bool = False,
    n_direct_args: int = 0,
    time_limit: Optional[float] = None,
) -> Callable[[Callable[..., Any]], Callable[..., Task]]:
    """Makes a function a builder of tasks that call it:

        @py_task(n_direct_args=1)
        def repeat(times, text):
            return text.read() * times

        task = repeat(3, tasks.const("x"))

    label: of the tasks; default: the function's name.
    request: what each call asks for; default: 1 cpu.
    context: the function wants a context as its first argument.
    n_direct_args: so many arguments, the first ones, are plain values; the others are tasks.
    time_limit: seconds after which a call is ended and its task fails.
    """
    if callable(label):
        raise LoomError("py_task is called before it decorates: write @py_task()")

    def decorate(function: Callable[..., Any]) -> Callable[..., Task]:
        name = getattr(function, "__name__", "function") if label is None else label
        value: Optional[Task] = None
        # One for all tasks, whose encoding is then remembered.
        extras = (name, None, None, None)

        @functools.wraps(function)
        def build(*args: object) -> Task:
            nonlocal value
            if value is None:
                # Pickled with the first call, when all that it refers to is defined.
                value = py_value((function, context))
                value.label = f"{name}: function"
            task = py_call(value, args[n_direct_args:], args[:n_direct_args], request, time_limit)
            if task._extras is None:
                task._extras = extras
            else:
                task.label = name
            return task

        return build

    return decorate


def _milliseconds(time_limit: float) -> int:
    if not 0 < time_limit < math.inf:
        raise LoomError(f"time_limit must be a number of seconds above 0, but is {time_limit!r}")
    return math.ceil(time_limit * 1000)


def _pickled(obj: object) -> bytes:
    # Imported when it is first needed: a client of programs alone starts faster without.
    try:
        import cloudpickle
    except ImportError as error:
        raise LoomError("Python functions need cloudpickle: pip install cloudpickle") from error
    pickled: bytes = cloudpickle.dumps(obj)
    return pickled
