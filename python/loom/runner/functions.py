"""The functions that this process knows."""

import pickle
import sys
from typing import Any, Callable, Dict, Optional, Tuple

from .frames import Message
from .inputs import map_file

_OPTIONS_MAGIC = b"LOOMOPTS"
_HERE = sys.version.split()[0]


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

    def load(self, number: int, config: memoryview) -> Tuple[Callable[..., Any], bool]:
        """The function, and whether it wants a context. `config` is that of the call."""
        known = self._loaded.get(number)
        if known is not None:
            return known
        failure = self._failures.get(number)
        if failure is not None:
            raise failure
        source = self._sources[number]
        try:
            check_versions(source)
            code = pickle.loads(source)
        except CannotUnpickle as refused:
            self._failures[number] = refused
            raise
        except Exception as error:
            failure = self._failures[number] = cannot_unpickle(
                "The function", error, source, config
            )
            raise failure from error
        wants_context = False
        if isinstance(code, tuple) and len(code) == 2:
            code, wants_context = code
        if not callable(code):
            raise TypeError(
                f"the first input is to be a function, not an object of type {type(code).__name__}"
            )
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


def read_options(pickled: Any) -> Dict[str, Any]:
    """What the client says behind a pickle; see `loom.client.call_options`."""
    end = len(pickled) - len(_OPTIONS_MAGIC) - 4
    if end < 0 or pickled[end + 4 :] != _OPTIONS_MAGIC:
        return {}
    import json

    size = int.from_bytes(pickled[end : end + 4], "little")
    options: Dict[str, Any] = json.loads(bytes(pickled[end - size : end]))
    return options


def check_versions(pickled: Any) -> None:
    """Refuses code of another Python: to run it may do anything, such as end the process."""
    client = str(read_options(pickled).get("python", ""))
    if client == "" or client.split(".")[:2] == _HERE.split(".")[:2]:
        return
    # A function that is only named is imported here, and is code of this Python.
    if b"cloudpickle" in bytes(pickled):
        raise CannotUnpickle(
            f"The function was pickled by Python {client}, and this worker runs functions by Python "
            f"{_HERE}, which cannot run its code. Start the worker with --python and an "
            f"interpreter of version {'.'.join(client.split('.')[:2])}."
        )


def cannot_unpickle(what: str, error: Exception, *pickles: Any) -> CannotUnpickle:
    """Says it with the versions of both sides, which are mostly the reason."""
    import cloudpickle

    options: Dict[str, Any] = {}
    for pickled in pickles:
        options.update(read_options(pickled))
    client = "not told its versions"
    if "python" in options:
        client = f"Python {options['python']} and cloudpickle {options.get('cloudpickle')}"
    return CannotUnpickle(
        f"{what} cannot be unpickled on this worker, which has Python {_HERE} and cloudpickle "
        f"{cloudpickle.__version__}; the client has {client}.\n{type(error).__name__}: {error}"
    )
