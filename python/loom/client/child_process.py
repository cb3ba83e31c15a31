"""A process of a local cluster."""

import contextlib
import os
import subprocess
import tempfile
from typing import Dict, List, Optional, Sequence

from . import forks
from .errors import LoomError
from .executables import find_executable

#: Time that a process has to end by itself once its standard input has ended.
_STOP_TIMEOUT_S = 5.0
#: What of a log goes into an error.
_LOG_TAIL_BYTES = 4096


class ChildProcess:
    """Gets a pipe as its standard input, so that it sees the end of this process, however that
    comes. Its output goes to a file that has no name. It is not in our process group: Ctrl-C is for
    this program, which may still need its cluster."""

    def __init__(
        self,
        name: str,
        args: Sequence[str],
        announces: bool = False,
        env: Optional[Dict[str, str]] = None,
    ) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by finish_stop)
        self._announced = b""
        self._announcements: Optional[int] = None
        command = [find_executable(name), *args]
        fds: List[int] = []
        if announces:
            self._announcements, writer = os.pipe()
            fds = [writer]
            command[1:1] = ["--ready-fd", str(writer)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=fds,
                start_new_session=True,
                env=env,
            )
        except OSError as error:
            raise LoomError(
                f"{command[0]} cannot be started: {error.strerror}", "cluster-start-failed"
            ) from error
        finally:
            for fd in fds:
                os.close(fd)
        forks.forget_in_children(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    def read_announcement(self) -> str:
        """The text up to the end of a line that it writes once it is ready."""
        fd = self._announcements
        while fd is not None and not self._announced.endswith(b"\n"):
            piece = os.read(fd, 256)
            if not piece:
                # It closed the pipe without a word, so it is about to end, and to say why.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_STOP_TIMEOUT_S)
                self.check()
                raise LoomError(f"{self.name} did not say that it is ready", "cluster-start-failed")
            self._announced += piece
        return self._announced.decode()

    def check(self) -> None:
        """Raises LoomError, with the end of its log, if it has ended."""
        status = self._process.poll()
        if status is None:
            return
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        tail = self._log_tail()
        raise LoomError(
            f"{self.name} ended with {how}." + (f" The end of its log:\n{tail}" if tail else ""),
            "cluster-start-failed",
        )

    def begin_stop(self) -> None:
        """Has it end; does not wait."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                stdin.close()

    def finish_stop(self) -> None:
        """Waits for its end, and kills it if that takes too long, or if this wait is interrupted."""
        self.begin_stop()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._log.close()
            if self._announcements is not None:
                os.close(self._announcements)
                self._announcements = None

    def forget(self) -> None:
        """In a forked process: it must end with its parent, not with this one."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _log_tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_TAIL_BYTES))
        return self._log.read().decode(errors="replace").strip()
