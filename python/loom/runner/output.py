"""What functions print becomes the log of their task."""

import io
from typing import Any, Callable, List


class LogOutput(io.TextIOBase):
    """Stands for sys.stdout and sys.stderr; `log` gets each line, and says whether a call runs."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, original: Any, log: Callable[[str], bool]) -> None:
        self._original = original
        self._log = log
        self._parts: List[str] = []

    @property
    def buffer(self) -> Any:
        """For bytes; the worker reads them past the frames."""
        return self._original.buffer

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._original.fileno())

    def write(self, text: str) -> int:
        if "\n" not in text:
            self._parts.append(text)
            return len(text)
        *lines, rest = text.split("\n")
        lines[0] = "".join(self._parts) + lines[0]
        self._parts = [rest] if rest else []
        for line in lines:
            self._emit(line)
        return len(text)

    def flush(self) -> None:
        self._original.flush()

    def end_call(self) -> None:
        """Writes a line that has no end."""
        if self._parts:
            rest, self._parts = "".join(self._parts), []
            self._emit(rest)

    def _emit(self, line: str) -> None:
        if not self._log(line):
            self._original.write(line + "\n")
            self._original.flush()
