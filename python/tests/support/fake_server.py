"""A server that does what a test tells it to."""

import contextlib
import socket
import struct
import threading
from typing import Callable, Dict, List, Optional, Sequence

from loom.client import tasks
from loom.client.wire.fields import bytes_field, int_field
from loom.client.wire.finished import pack_ids
from loom.client.wire.requests import frame
from loom.client.wire.responses import ResponseType
from support.golden import SCHEMAS, SYMBOLS, decode_by_schema


def response(kind: ResponseType, *fields: bytes) -> bytes:
    return frame(int_field(0x08, kind) + b"".join(fields))


def finished(task_id: int) -> bytes:
    return response(ResponseType.TASK_FINISHED, int_field(0x38, task_id))


def failed(task_id: int, message: str, kind: ResponseType = ResponseType.TASK_FAILED) -> bytes:
    body = int_field(0x08, task_id) + bytes_field(0x12, "w:1") + bytes_field(0x1A, message)
    return response(kind, bytes_field(0x22, body))


def refused(id_base: int, message: str) -> bytes:
    body = int_field(0x08, id_base) + bytes_field(0x1A, message) + int_field(0x1C0, 1)
    return response(ResponseType.ERROR, bytes_field(0x22, body))


def error(message: str) -> bytes:
    return response(ResponseType.ERROR, bytes_field(0x22, bytes_field(0x1A, message)))


def stats(n_workers: int, n_data_objects: int) -> bytes:
    body = int_field(0x08, n_workers) + int_field(0x10, n_data_objects)
    return response(ResponseType.STATS, bytes_field(0x32, body))


def data(task_id: int, type_name: str, frames: Sequence[bytes]) -> bytes:
    header = int_field(0x08, task_id) + int_field(0x10, len(frames))
    header += int_field(0x18, SYMBOLS.index(type_name))
    return response(ResponseType.DATA, bytes_field(0x12, header)) + b"".join(map(frame, frames))


def results_finished(values: Dict[int, Optional[bytes]]) -> bytes:
    """Tasks are finished; those with bytes as their value come with it, as raw data."""
    ids = list(values)
    carried = {ids.index(task_id): frame(value) for task_id, value in values.items() if value}
    columns = [list(carried), [SYMBOLS.index("loom/data")] * len(carried), [1] * len(carried)]
    columns.append([len(value) for value in carried.values()])
    message = pack_ids(0x0A, ids)
    for tag, column in zip((0x12, 0x1A, 0x22, 0x2A), columns):
        message += pack_ids(tag, column)
    message += bytes_field(0x32, b"".join(carried.values()))
    return response(ResponseType.RESULTS_FINISHED, bytes_field(0x232, message))


class Peer:
    """The server's end of a client's connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._file = sock.makefile("rb")
        self.register: dict = {}

    def send(self, *frames: bytes) -> None:
        self._socket.sendall(b"".join(frames))

    def receive(self) -> Optional[dict]:
        """The next request; None at the end."""
        body = self._receive_body()
        return None if body is None else decode_by_schema(body, SCHEMAS["ClientRequest"])

    def accept(self, capabilities: Sequence[str] = ()) -> None:
        """Answers the registration."""
        body = self._receive_body()
        assert body is not None
        self.register = decode_by_schema(body, SCHEMAS["Register"])
        symbols = (bytes_field(0x2A, name) for name in SYMBOLS)
        told = (bytes_field(0x23A, name) for name in capabilities)
        self.send(response(ResponseType.DICTIONARY, *symbols, *told))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self._socket.close()

    def _receive_body(self) -> Optional[bytes]:
        header = b"" if self._file.closed else self._file.read(8)
        return self._file.read(struct.unpack("<Q", header)[0]) if len(header) == 8 else None


class FakeServer:
    """Runs `script` for each connection, in a thread; what that raises fails the test at the end."""

    def __init__(self, script: Callable[[Peer], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._failures: List[BaseException] = []
        self._thread = threading.Thread(target=self._run)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "FakeServer":
        self._thread.start()
        return self

    def __exit__(self, kind, value, traceback) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the client did not leave"
        if kind is None and self._failures:
            raise self._failures[0]

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            peer = Peer(sock)
            try:
                self._script(peer)
            except BaseException as failure:
                self._failures.append(failure)
            finally:
                peer.close()


def serve(*steps):
    """A server whose script is a list: a function is called with the peer, bytes are sent, a text
    is the type of the request that must come next."""

    def script(peer):
        peer.accept()
        for step in steps:
            if callable(step):
                step(peer)
            elif isinstance(step, bytes):
                peer.send(step)
            else:
                assert (peer.receive() or {"type": "END"})["type"] == step
        # Futures of the test may be collected before its client leaves.
        while (request := peer.receive()) is not None:
            assert request["type"] == "RELEASE"

    return FakeServer(script)


def const(text="x"):
    return tasks.const(text)
