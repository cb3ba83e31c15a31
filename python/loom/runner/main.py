"""The loop of a runner: calls come in, results go out."""

import faulthandler
import os
import sys
import threading
import time
from typing import Any, List, Optional

from .begun import open_count
from .context import Context
from .frames import EndOfFrames, FrameReader, Message, encode_frame, write_all
from .functions import CannotUnpickle, Functions
from .inputs import Table
from .life import MemoryLimit, end_group, start_life_line, volunteer_for_memory
from .output import LogOutput
from .results import InvalidResult, Result, ResultFiles

FRAMES_DESCRIPTOR = 3
LIFE_DESCRIPTOR = 4
BEGUN_DESCRIPTOR = 5

_PROTOCOL_VERSION = 1
#: Results wait for others so long.
_GATHER_NS = 8_000_000
_GATHER_RESULTS = 128
_GATHER_BYTES = 4 * 1024 * 1024


class Runner:
    """Calls functions one after another."""

    def __init__(self) -> None:
        self._frames = FrameReader(FRAMES_DESCRIPTOR)
        self._functions = Functions()
        self._files: Optional[ResultFiles] = None
        self._memory = MemoryLimit()
        self._process = os.getpid()
        self._sending = threading.Lock()
        #: For what the life line and the loop both look at.
        self._counting = threading.Lock()
        #: Calls begun so far; those below `_dropped_until` that had not begun by then never do.
        self._begun = 0
        self._write_begun = open_count(BEGUN_DESCRIPTOR)
        self._dropped_until = 0
        self._current: Optional[int] = None
        self._results: List[Message] = []
        self._payload: List[Any] = []
        self._payload_bytes = 0
        self._flushed_ns = 0
        self._outputs = [
            LogOutput(sys.stdout, lambda line: self._log_line("info", line)),
            LogOutput(sys.stderr, lambda line: self._log_line("warning", line)),
        ]
        sys.stdout, sys.stderr = self._outputs

    def run(self) -> None:
        """Serves the worker until it ends."""
        start_life_line(LIFE_DESCRIPTOR, self._take_back)
        self._send({"kind": "ready", "versions": {"Python": sys.version.split()[0]}})
        try:
            while True:
                message, payload = self._frames.read()
                self._on_message(message, payload)
        except (EndOfFrames, BrokenPipeError, ConnectionResetError):
            end_group()

    def _on_message(self, message: Message, payload: memoryview) -> None:
        kind = message["kind"]
        if kind == "calls":
            self._call_all(message, payload)
        elif kind == "function":
            self._functions.tell(message["function"], message["source"], payload)
        elif kind == "forget":
            for number in message["functions"]:
                self._functions.forget(number)
        elif kind == "hello":
            if message["version"] != _PROTOCOL_VERSION:
                raise RuntimeError(f"the worker speaks version {message['version']} to its runners")
            self._files = ResultFiles(message["dataDirectory"], message["filePrefix"])
            self._memory.set(message["memoryBytesMax"])

    def _call_all(self, message: Message, payload: memoryview) -> None:
        calls = message["calls"]
        config_bytes = sum(call["config"] for call in calls)
        position = len(payload) - config_bytes
        table = Table(message["nodes"], payload)
        self._flushed_ns = time.perf_counter_ns()
        for call in calls:
            end = position + call["config"]
            if self._begin(call["id"]):
                self._call(call, payload[position:end], table)
            position = end
        if not self._frames.has_more():
            self._flush()

    def _begin(self, number: int) -> bool:
        """Notes that the call begins, for who asks after a crash; false if it was taken back."""
        with self._counting:
            if number < self._dropped_until:
                return False
            self._begun = number + 1
            self._write_begun(number + 1)
        return True

    def _take_back(self, sent: int) -> None:
        """Runs in the thread of the life line."""
        with self._counting:
            self._dropped_until = sent
            begun = self._begun
        self._send({"kind": "taken-back", "begun": begun})

    def _call(self, call: Message, config: memoryview, table: Table) -> None:
        number = call["id"]
        self._current = number
        start_ns = time.perf_counter_ns()
        result: Optional[Result] = None
        error: Optional[str] = None
        try:
            functions = self._functions
            function, wants_context = functions.load(call["function"], config)
            start_ns = time.perf_counter_ns()
            arguments = [*functions.read_arguments(config), *map(table.wrap, call["inputs"])]
            if wants_context:
                arguments.insert(0, self._create_context(call))
            value = function(*arguments)
            assert self._files is not None
            result = Result(table, self._files)
            result.add(value)
        except (InvalidResult, CannotUnpickle) as failure:
            error = str(failure)
        except MemoryError as failure:
            error = self._describe_out_of_memory(failure)
        except BaseException as failure:
            error = describe_exception(failure)
        if os.getpid() != self._process:
            # A child that the function has forked, and that came back out of it.
            os._exit(0)
        for output in self._outputs:
            output.end_call()
        self._current = None
        end_ns = time.perf_counter_ns()
        told: Message = {"id": number, "us": (end_ns - start_ns) / 1000}
        if error is not None:
            if result is not None:
                result.discard()
            told["error"] = {"message": error}
        elif result is not None:
            told["redirect" if result.is_redirect else "nodes"] = result.nodes
            self._payload += result.payload
            self._payload_bytes += result.size
        self._results.append(told)
        if (
            end_ns - self._flushed_ns > _GATHER_NS
            or len(self._results) >= _GATHER_RESULTS
            or self._payload_bytes > _GATHER_BYTES
        ):
            self._flush()

    def _describe_out_of_memory(self, failure: MemoryError) -> str:
        story = self._memory.describe()
        try:
            import traceback

            # What the function has piled up.
            traceback.clear_frames(failure.__traceback__)
            return f"{story}\n{describe_exception(failure)}"
        except MemoryError:
            return story

    def _create_context(self, call: Message) -> Context:
        number = call["id"]

        def log(level: str, text: str) -> None:
            self._send({"kind": "log", "id": number, "level": level, "text": text})

        def progress(fraction: float, message: str) -> None:
            self._send({"kind": "progress", "id": number, "fraction": fraction, "message": message})

        return Context(call["task"], call["attempt"], log, progress)

    def _log_line(self, level: str, line: str) -> bool:
        number = self._current
        if number is None or os.getpid() != self._process:
            return False
        self._send({"kind": "log", "id": number, "level": level, "text": line})
        return True

    def _flush(self) -> None:
        if self._results:
            results, payload = self._results, self._payload
            self._results, self._payload, self._payload_bytes = [], [], 0
            self._send({"kind": "results", "results": results}, payload)
        self._flushed_ns = time.perf_counter_ns()

    def _send(self, message: Message, payload: Optional[List[Any]] = None) -> None:
        frame = encode_frame(message, payload or [])
        with self._sending:
            write_all(FRAMES_DESCRIPTOR, frame)


def describe_exception(error: BaseException) -> str:
    """The traceback, without the lines of this runner."""
    import traceback

    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__package__") == __package__:
        frames = frames.tb_next
    lines = traceback.format_exception(type(error), error, frames)
    if isinstance(error, SystemExit):
        lines.insert(0, f"The function called exit, with {error.code!r}\n")
    return "Python exception:\n" + "".join(lines).rstrip("\n")


def main() -> None:
    faulthandler.enable(file=sys.__stderr__, all_threads=False)
    volunteer_for_memory()
    Runner().run()
