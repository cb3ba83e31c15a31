"""A server and workers on this machine."""

import os
import sys
import time
from types import TracebackType
from typing import Dict, List, Optional, Sequence, Type

from .child_process import ChildProcess
from .client import Client
from .errors import LoomError

#: The environment variable that names the Python of workers.
PYTHON_VARIABLE = "HYPERLOOM_PYTHON"

_POLL_EVERY_S = 0.003


class LocalCluster:
    """Processes that end with the `with` statement, by `close`, and also when this process ends in
    any other way:

        with LocalCluster(workers=2, cpus=2) as cluster, Client(cluster.address) as client:
            ...

    It needs loom-server and loom-worker: in the directory that HYPERLOOM_BIN names, on PATH, or in
    the checkout that this package lies in.
    """

    def __init__(
        self,
        workers: int = 1,
        cpus: Optional[int] = None,
        *,
        resources: Optional[Dict[str, int]] = None,
        memory: Optional[str] = None,
        work_directory: Optional[str] = None,
        load: Sequence[str] = (),
        pin: bool = True,
        port: int = 0,
    ) -> None:
        """Returns when all workers have joined.

        workers: how many.
        cpus: of each; default: those of this machine, shared out among them.
        resources: what else each offers, such as {"gpus": 2}.
        memory: of each, for data, functions and programs, such as "2G"; default: most of this
            machine's, shared out among them.
        work_directory: where they make their work directories; default: the temporary directory.
        load: paths of modules with task types of your own.
        pin: programs run on the cpus that their task was given.
        port: of the server; default: any free one.

        Raises LoomError, with the end of the log, if a process ends instead.
        """
        if workers < 0:
            raise LoomError(f"workers must be a whole number >= 0, but is {workers!r}")
        self._worker_args = _worker_args(
            cpus or max(1, (os.cpu_count() or 1) // max(1, workers)),
            resources or {},
            memory,
            work_directory,
            load,
            pin,
        )
        self._worker_args += ["--memory-share", str(max(1, workers))]
        self._workers: List[ChildProcess] = []
        server_args = ["--host", "127.0.0.1", "--port", str(port), "--exit-with-stdin"]
        # Where the kernel does not vouch for our own processes, they find the file that the server
        # writes.
        if os.path.exists("/proc/self/net/tcp"):
            server_args += ["--access-file", "none"]
        self._server = ChildProcess("loom-server", server_args, announces=True)
        try:
            #: The server, as host:port.
            self.address = f"127.0.0.1:{int(self._server.read_announcement())}"
            for _ in range(workers):
                self._workers.append(self._start_worker())
            self._wait_for_workers(workers, self._workers)
        except BaseException:
            self.close()
            raise

    @property
    def server_pid(self) -> int:
        return self._server.pid

    @property
    def worker_pids(self) -> List[int]:
        """Of the workers that were started, in that order."""
        return [worker.pid for worker in self._workers]

    def add_worker(self) -> None:
        """Starts one more worker, like the others; returns when it has joined."""
        with Client(self.address, name="local cluster") as client:
            joined = client.get_stats().n_workers
        worker = self._start_worker()
        self._workers.append(worker)
        self._wait_for_workers(joined + 1, [worker])

    def close(self) -> None:
        """Ends all processes and waits for their end."""
        children = [*self._workers, self._server]
        for child in children:
            child.begin_stop()
        interrupt: Optional[BaseException] = None
        for child in children:
            try:
                child.finish_stop()
            except BaseException as error:  # A second Ctrl-C: this child is dead, others are not.
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def __enter__(self) -> "LocalCluster":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<LocalCluster at {self.address}, {len(self._workers)} workers>"

    def _start_worker(self) -> ChildProcess:
        # Functions run by the interpreter that they come from, unless the environment names another.
        env = {PYTHON_VARIABLE: sys.executable, **os.environ}
        args = [*self._worker_args, *self.address.split(":")]
        return ChildProcess("loom-worker", args, env=env)

    def _wait_for_workers(self, n_workers: int, started: Sequence[ChildProcess]) -> None:
        if n_workers == 0:
            return
        with Client(self.address, name="local cluster") as client:
            while client.get_stats().n_workers < n_workers:
                self._server.check()
                for worker in started:
                    worker.check()
                time.sleep(_POLL_EVERY_S)


def _worker_args(
    cpus: int,
    resources: Dict[str, int],
    memory: Optional[str],
    work_directory: Optional[str],
    load: Sequence[str],
    pin: bool,
) -> List[str]:
    args = ["--exit-with-stdin", "--cpus", str(cpus)]
    for name, amount in resources.items():
        args += ["--resource", f"{name}={amount}"]
    if memory is not None:
        args += ["--memory", memory]
    if work_directory is not None:
        args += ["--wdir", os.path.abspath(work_directory)]
    for path in load:
        args += ["--load", os.path.abspath(path)]
    if not pin:
        args.append("--nopin")
    return args
