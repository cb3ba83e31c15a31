"""The functions that this process knows."""

import pickle
import sys
from typing import Any, Callable, Dict, Optional, Tuple

from .frames import Message
from .inputs import map_file

_OPTIONS_MAGIC = b"LOOMOPTS"


class CannotUnpickle(Exception):
    """A function or its direct arguments cannot be made of their pickle here."""


class Functions:
    """Code by the worker's numbers, each loaded when it is first called."""

    def __init__(self) -> None:
        self._sources: Dict[int, Any] = {}
        self._loaded: Dict[int, Tuple[Callable[..., Any], bool]] = {}
        self._failures: Dict[int, CannotUnpickle] = {}
        #: The config of calls without direct arguments, which is that of most.
        self._empty_config: Optional[bytes] = None

    def tell(self, number: int, source: Message, payload: memoryview) -> None:
        self.forget(number)
        self._sources[number] = map_file(source) if "file" in source else bytes(payload)

    def forget(self, number: int) -> None:
        self._sources.pop(number, None)
        self._loaded.pop(number, None)
        self._failures.pop(number, None)

    def is_loaded(self, number: int) -> bool:
        return number in self._loaded

    def load(self, number: int, config: memoryview) -> Tuple[Callable[..., Any], bool]:
        """The function, and whether it wants a context. `config` is that of the call."""
        known = self._loaded.get(number)
        if known is not None:
            return known
        failure = self._failures.get(number)
        if failure is not None:
            raise failure
        try:
            code = pickle.loads(self._sources[number])
        except Exception as error:
            failure = self._failures[number] = cannot_unpickle("The function", error, config)
            raise failure from error
        wants_context = False
        if isinstance(code, tuple) and len(code) == 2:
            code, wants_context = code
        if not callable(code):
            raise TypeError(f"the first input is to be a function, not an object of type {type(code).__name__}")
        loaded = self._loaded[number] = (code, bool(wants_context))
        # The pickle is not needed any more.
        self._sources.pop(number)
        return loaded

    def read_arguments(self, config: memoryview) -> Tuple[Any, ...]:
        """The direct arguments of a call."""
        if config == self._empty_config or not config:
            return ()
        try:
            arguments = pickle.loads(config)
        except Exception as error:
            raise cannot_unpickle("The direct arguments", error, config) from error
        if not isinstance(arguments, tuple):
            arguments = tuple(arguments)
        if not arguments:
            self._empty_config = bytes(config)
        return arguments


def cannot_unpickle(what: str, error: Exception, config: memoryview) -> CannotUnpickle:
    """Says it with the versions of both sides, which are mostly the reason."""
    import cloudpickle

    here = f"Python {sys.version.split()[0]} and cloudpickle {cloudpickle.__version__}"
    return CannotUnpickle(
        f"{what} cannot be unpickled on this worker, which has {here}; "
        f"the client has {client_versions(config)}.\n{type(error).__name__}: {error}"
    )


def client_versions(config: memoryview) -> str:
    """What the client says of itself behind the pickle of the arguments."""
    data = bytes(config)
    if not data.endswith(_OPTIONS_MAGIC):
        return "not told its versions"
    import json

    end = len(data) - len(_OPTIONS_MAGIC) - 4
    size = int.from_bytes(data[end : end + 4], "little")
    options = json.loads(data[end - size : end])
    python = options.get("python", "an unknown version")
    return f"Python {python} and cloudpickle {options.get('cloudpickle', 'of an unknown version')}"
