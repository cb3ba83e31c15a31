"""The functions that this process knows."""

from typing import Any, Callable, Dict, Optional, Tuple

from .frames import Message
from .inputs import map_file
from .unpickle import CannotUnpickle, unpickle


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
            code = unpickle("The function", source, config)
        except CannotUnpickle as refused:
            self._failures[number] = refused
            raise
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
        arguments = unpickle("The direct arguments", config)
        if not isinstance(arguments, tuple):
            arguments = tuple(arguments)
        if not arguments:
            self._empty_config = bytes(config)
        return arguments
