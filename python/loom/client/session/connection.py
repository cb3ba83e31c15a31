"""A socket and the thread that serves it.

      any thread: wake() ----> | I/O thread | --on_wake()--> handler --send()--> outbox --> socket
                               |            | --on_received()--> handler <------------------ socket

Only that thread touches the socket. So nobody blocks while sending, an event loop in particular,
and an interrupt (Ctrl-C arrives in the main thread) can never tear a frame or the parser's state.
"""

import contextlib
import select
import socket
import threading
import time
from collections import deque
from typing import Deque, Optional, Protocol, Union

from .. import forks

Piece = Union[bytes, bytearray, memoryview]

#: Bytes of one write; more do not fit into a socket's buffer anyway.
_WRITE_BYTES = 1 << 20
#: A peer that accepts a connection answers within this time.
_ANSWER_S = 5.0


class Handler(Protocol):
    """What the I/O thread tells. It must not raise."""

    def target(self) -> memoryview:
        """Where the next received bytes go; never empty."""

    def on_received(self, size: int) -> None:
        """So many bytes are in the target. May raise ConnectionAbortedError to end it all."""

    def on_wake(self) -> None:
        """Somebody called `wake`: what has to be sent because of that is to be sent now."""

    def on_broken(self, reason: Optional[OSError]) -> Optional[float]:
        """The connection is gone, None where the peer closed in good order, or could not be made
        again: after how many seconds to try; None if that is the end."""

    def reconnect(self) -> socket.socket:
        """A new connection. Raises OSError."""

    def on_connected(self) -> None:
        """There is a new connection: what comes and goes from now on is of that."""

    def is_answered(self) -> bool:
        """Whether the peer of the newest connection has answered."""

    def on_end(self, reason: Optional[OSError]) -> None:
        """Nothing is sent or received any more; None where the peer closed in good order."""


class Connection:
    """Starts with `start`; ends by `close`, or by the peer."""

    def __init__(self, sock: socket.socket, handler: Handler, name: str) -> None:
        self._socket = sock
        self._set_up()
        self._handler = handler
        self._outbox: Deque[Piece] = deque()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._given_bytes = self._written_bytes = 0
        self._is_awake = False
        self._close_at: Optional[float] = None
        # By then the peer of a connection that was made again must have answered.
        self._answer_by: Optional[float] = None
        # A daemon: a program that forgot to close its client can end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        forks.forget_in_children(self)

    def start(self) -> None:
        self._thread.start()

    @property
    def unsent_bytes(self) -> int:
        """Bytes that were given to `send` and not to the system yet."""
        return self._given_bytes - self._written_bytes

    def send(self, *pieces: Piece) -> None:
        """Sends whole frames after what was given before. Returns at once. For the I/O thread."""
        self._given_bytes += sum(map(len, pieces))
        self._outbox.extend(pieces)

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller is the I/O thread."""
        return self._thread is threading.current_thread()

    def wake(self) -> None:
        """`wake_now`, unless it was called just before: for the finalizers of a million futures. It
        takes no lock. An interrupt may lose it, so that it waits for the next wake-up."""
        if not self._is_awake:
            self._is_awake = True
            self.wake_now()

    def wake_now(self) -> None:
        """Has the I/O thread call `on_wake`."""
        with contextlib.suppress(OSError):  # It has ended, or has wake-ups enough.
            self._wake_sender.send(b"\0")

    def close(self, timeout_s: float) -> None:
        """Ends when all that was given to `send` is written, or after the timeout."""
        self._close_at = time.monotonic() + timeout_s
        self.wake_now()
        if not self.is_current_thread:
            self._thread.join(timeout_s + 5)

    def forget(self) -> None:
        """In a forked child, where the thread does not exist: closes the child's copies."""
        for sock in (self._socket, self._wake_receiver, self._wake_sender):
            sock.close()

    def _set_up(self) -> None:
        sock = self._socket
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer that vanished without a word is found out.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            for name, value in (("KEEPIDLE", 15), ("KEEPINTVL", 2), ("KEEPCNT", 5)):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"), value)
        sock.setblocking(False)

    def _run(self) -> None:
        reason: Optional[OSError] = OSError("the thread that served it failed")
        try:
            while True:
                reason = self._serve_to_end()
                if not self._come_back(reason):
                    return
        finally:
            self._wake_receiver.close()
            self._handler.on_end(reason)
            self._wake_sender.close()

    def _serve_to_end(self) -> Optional[OSError]:
        """Why the connection ended; it is closed."""
        try:
            self._serve()
            return None
        except OSError as error:
            return error
        finally:
            self._outbox.clear()
            self._written_bytes = self._given_bytes
            with contextlib.suppress(OSError):  # The peer may have been faster.
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _come_back(self, reason: Optional[OSError]) -> bool:
        """True once there is a connection again."""
        while self._close_at is None:
            pause_s = self._handler.on_broken(reason)
            if pause_s is None or not self._pause(pause_s):
                return False
            try:
                self._socket = self._handler.reconnect()
                self._set_up()
            except OSError as error:
                reason = error
                continue
            self._answer_by = time.monotonic() + _ANSWER_S
            self._handler.on_connected()
            return True
        return False

    def _pause(self, seconds: float) -> bool:
        """Does meanwhile what others ask for; false once it is to close."""
        until = time.monotonic() + seconds
        while self._close_at is None:
            left = until - time.monotonic()
            if left <= 0:
                return True
            if select.select([self._wake_receiver], [], [], left)[0]:
                self._wake_receiver.recv(4096)
                self._is_awake = False
                self._handler.on_wake()
        self._handler.on_wake()
        return False

    def _serve(self) -> None:
        """Returns when the peer has closed, or `close` is done."""
        poll = select.poll()
        poll.register(self._wake_receiver, select.POLLIN)
        poll.register(self._socket, select.POLLIN | select.POLLOUT)
        writes = True
        while True:
            timeout_ms = None
            if self._close_at is not None:
                # What was asked for before is still done.
                self._handler.on_wake()
                timeout_ms = max(0.0, 1000 * (self._close_at - time.monotonic()))
                if not self._outbox or timeout_ms == 0:
                    return
            elif self._answer_by is not None:
                if self._handler.is_answered():
                    self._answer_by = None
                else:
                    timeout_ms = 1000 * (self._answer_by - time.monotonic())
                    if timeout_ms <= 0:
                        raise OSError("it accepts connections and does not answer")
            events = dict(poll.poll(timeout_ms))
            if events.get(self._wake_receiver.fileno()):
                self._wake_receiver.recv(4096)
                # Before the work is looked at: what comes later wakes again.
                self._is_awake = False
                self._handler.on_wake()
            self._write()
            if events.get(self._socket.fileno(), 0) & ~select.POLLOUT and not self._read():
                return
            if bool(self._outbox) != writes:
                writes = not writes
                poll.modify(self._socket, select.POLLIN | (select.POLLOUT if writes else 0))

    def _write(self) -> None:
        outbox = self._outbox
        while outbox:
            piece = outbox[0]
            try:
                sent = self._socket.send(memoryview(piece)[:_WRITE_BYTES])
            except OSError as error:
                if _would_block(error):
                    return
                raise
            self._written_bytes += sent
            if sent == len(piece):
                outbox.popleft()
            else:
                outbox[0] = memoryview(piece)[sent:]

    def _read(self) -> bool:
        """False at the end of the stream."""
        while True:
            try:
                size = self._socket.recv_into(self._handler.target())
            except OSError as error:
                if _would_block(error):
                    return True
                raise
            if size > 0:
                self._handler.on_received(size)
            # What TLS has decrypted already is not announced by the socket.
            pending = getattr(self._socket, "pending", None)
            if size == 0 or pending is None or pending() == 0:
                return size > 0


def _would_block(error: OSError) -> bool:
    """Whether there is only nothing to do now; TLS has errors of its own for that."""
    return isinstance(error, BlockingIOError) or type(error).__name__ in _TLS_WOULD_BLOCK


#: By name: whoever does not use TLS does not load it.
_TLS_WOULD_BLOCK = ("SSLWantReadError", "SSLWantWriteError")
