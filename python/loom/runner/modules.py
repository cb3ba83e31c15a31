"""Functions of Python files, which plans of other languages call with what JSON can say."""

import inspect
import json
import linecache
from typing import Any, Callable, Dict, List, Optional, Tuple

from loom.arrow import is_table, read_table

from .context import Context
from .inputs import (
    StoredArray,
    StoredData,
    StoredIndex,
    StoredJson,
    StoredObject,
    StoredTable,
    Wrapper,
)

#: Whole numbers beyond these are not exact in all languages.
_WHOLE_MAX = 2**53 - 1

_RAW = (bytes, bytearray, memoryview, Wrapper)

#: Modules by their sources: several functions of a file share one.
_modules: Dict[Tuple[str, str], Dict[str, Any]] = {}


def load(name: str, source: str, path: str) -> Callable[..., Any]:
    """The function `name` of a file that was at `path`, to be called with a context, arguments as
    the client has written them, and inputs. The file is run with the first call."""
    known: List[Tuple[Callable[..., Any], Dict[int, type]]] = []

    def call(context: Context, config: str, *inputs: Wrapper) -> Any:
        if not known:
            found = _find(name, source, path)
            known.append((found, _parameters_of_bytes(found)))
        function, wanted = known[0]
        return _to_result(context, function(*_read_arguments(json.loads(config), inputs, wanted)))

    return call


def _find(name: str, source: str, path: str) -> Callable[..., Any]:
    module = _modules.get((source, path))
    if module is None:
        # Tracebacks show lines of a file that is elsewhere.
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        module = {"__name__": path, "__file__": path}
        exec(compile(source, path, "exec"), module)
        _modules[source, path] = module
    function = module.get(name)
    if not callable(function):
        raise AttributeError(f"{path} has no function {name}")
    return function


#: What parameters may be annotated to be, to get it for data and for Arrow tables.
_BYTES: Dict[Any, type] = {
    memoryview: memoryview,
    "memoryview": memoryview,
    bytes: bytes,
    "bytes": bytes,
}


def _parameters_of_bytes(function: Callable[..., Any]) -> Dict[int, type]:
    """Positions of parameters that are to be bytes, and which kind of these."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {
        i: _BYTES[parameter.annotation]
        for i, parameter in enumerate(parameters)
        if isinstance(parameter.annotation, (str, type)) and parameter.annotation in _BYTES
    }


def _read_arguments(config: Any, inputs: Tuple[Wrapper, ...], wanted: Dict[int, type]) -> List[Any]:
    count = config.get("inputs", len(inputs))
    if count != len(inputs):
        raise TypeError(
            f"the function was given {len(inputs)} inputs in place of {count}; what stands for "
            "many tasks, by tasks.dget or tasks.dslice, must be put into tasks.array first"
        )

    def read(node: Any, kind: Optional[type]) -> Any:
        if "json" in node:
            return node["json"]
        if "input" in node:
            return _read_input(inputs[node["input"]], node.get("as"), kind)
        # The client bounds how deep these are nested.
        if "list" in node:
            return [read(item, kind) for item in node["list"]]
        return {key: read(item, kind) for key, item in node["object"].items()}

    return [read(node, wanted.get(i)) for i, node in enumerate(config["args"])]


def _read_input(value: Optional[Wrapper], way: Any, kind: Optional[type]) -> Any:
    if value is None:
        return None
    if way is None:
        return _to_argument(value, kind)
    if way == "bytes":
        return _to_argument(value, kind or bytes)
    if way == "table":
        return read_table(value.view())
    text = value.read().decode()
    if way == "json":
        return json.loads(text)
    return text.splitlines() if way == "lines" else text


def _to_argument(value: Wrapper, kind: Optional[type]) -> Any:
    """What a function takes in place of a wrapper. What Python cannot read stays one."""
    root: List[Any] = [None]
    # Places to be filled; arrays may be nested to any depth.
    places: List[Tuple[Any, int, Wrapper]] = [(root, 0, value)]
    while places:
        target, at, wrapper = places.pop()
        if isinstance(wrapper, (StoredJson, StoredObject)) or (
            isinstance(wrapper, StoredTable) and kind is None
        ):
            target[at] = wrapper.unwrap()
        elif isinstance(wrapper, StoredData):
            target[at] = wrapper.view() if kind is memoryview else wrapper.read()
        elif isinstance(wrapper, (StoredArray, StoredIndex)):
            items: List[Any] = [None] * len(wrapper)
            target[at] = items
            places.extend((items, i, item) for i, item in enumerate(wrapper))
        else:
            target[at] = wrapper
    return root[0]


def _to_result(context: Context, value: Any) -> Any:
    """Raw data, tables and lists of them, tasks and inputs stay; what JSON can say exactly is a
    value, and anything else a Python object."""
    is_list = isinstance(value, (list, tuple)) and all(map(_is_raw, value))
    if is_list or isinstance(value, str) or _is_raw(value) or hasattr(value, "task_type"):
        return value
    return context.json(value) if _is_json(value) else context.wrap(value)


def _is_raw(value: Any) -> bool:
    return isinstance(value, _RAW) or is_table(value)


def _is_json(root: Any) -> bool:
    values: List[Any] = [root]
    seen = 0
    while values:
        value = values.pop()
        kind = type(value)
        if value is None or kind is bool or kind is str:
            continue
        if kind is int:
            if not -_WHOLE_MAX <= value <= _WHOLE_MAX:
                return False
        elif kind is float:
            if value - value != 0:  # infinite, or no number
                return False
        elif kind is list or kind is tuple:
            values.extend(value)
        elif kind is dict and all(type(key) is str for key in value):
            values.extend(value.values())
        else:
            return False
        # Cycles end here; json says what is wrong with what is nested too deeply.
        seen += 1
        if seen > 50_000_000:
            return False
    return True
