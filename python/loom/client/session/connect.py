"""Connecting and registering."""

import socket
import time
from typing import Callable, Optional, Tuple

from ..address import ServerAddress
from ..errors import LoomError
from ..security.access import Access
from ..security.secure import secure
from ..versions import client_versions
from ..wire.requests import register_frame
from .connection import Connection
from .session import Comeback, Session, Ticket

#: Server and client are often started together, so a refused connection is tried again.
CONNECT_TIMEOUT_S = 5.0
_RETRY_EVERY_S = 0.02
#: What this client can take beyond the original protocol.
_CAPABILITIES = ("notices", "symbols", "carried-results", "cancel")
#: One try to come back.
_RECONNECT_TIMEOUT_S = 2.0
#: Something may listen there that is no server, and never answer.
_MIN_ANSWER_S = 1.0


def connect_session(
    address: ServerAddress,
    name: Optional[str],
    timeout_s: float,
    on_notice: Callable[[str], None],
    reconnect_s: Optional[float] = None,
    access: Optional[Access] = None,
) -> Session:
    """`reconnect_s`: for how long to try to come back; None: as long as the server waits. Raises
    LoomError where no server answers in time, and where it does not take this client."""
    deadline = time.monotonic() + timeout_s
    may_return = reconnect_s is None or reconnect_s > 0
    capabilities = (*_CAPABILITIES, "sessions") if may_return else _CAPABILITIES

    # Of the newest connection.
    proof: Optional[bytes] = None
    role = access.role if access is not None and access.role == "viewer" else None

    def register(ticket: Optional[Ticket] = None) -> bytes:
        frame = (name, capabilities, client_versions(), *(ticket or (None, None)))
        return register_frame(*frame, token=proof, role=role)

    def reconnect() -> socket.socket:
        nonlocal proof
        sock = socket.create_connection(address, _RECONNECT_TIMEOUT_S)
        try:
            sock, proof = _secured(sock, address, access, _RECONNECT_TIMEOUT_S)
        except LoomError as error:
            raise OSError(error.message) from error  # For the next try, as others.
        return sock

    comeback = Comeback(reconnect, register, reconnect_s) if may_return else None
    session = Session(str(address), on_notice, comeback=comeback)
    sock = _connect(address, deadline, timeout_s)
    try:
        sock, proof = _secured(sock, address, access, max(timeout_s, _MIN_ANSWER_S))
    except OSError as error:
        raise _unreachable(address, f"is not reachable: {error.strerror or error}") from error
    connection = Connection(sock, session, f"loom client of {address}")
    registered = session.attach(connection)
    connection.start()
    try:
        session.send(register())
        session.answer_to(registered, max(deadline - time.monotonic(), _MIN_ANSWER_S))
    except TimeoutError:
        session.close()
        raise LoomError(
            f"{address} accepts connections but does not answer as a HyperLoom server does",
            "server-unreachable",
        ) from None
    except BaseException:
        session.close()
        raise
    return session


def _secured(
    sock: socket.socket, address: ServerAddress, access: Optional[Access], timeout_s: float
) -> Tuple[socket.socket, Optional[bytes]]:
    try:
        return secure(sock, address, access, timeout_s)
    except BaseException:
        sock.close()
        raise


def _connect(address: ServerAddress, deadline: float, timeout_s: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection(address, max(deadline - time.monotonic(), 0.001))
        except ConnectionRefusedError as error:
            if time.monotonic() + _RETRY_EVERY_S >= deadline:
                raise _unreachable(address, f"refused connections for {timeout_s} s") from error
            time.sleep(_RETRY_EVERY_S)
        except OSError as error:
            raise _unreachable(address, f"is not reachable: {error.strerror or error}") from error


def _unreachable(address: ServerAddress, why: str) -> LoomError:
    return LoomError(
        f"The server at {address} {why}. Start a server there with loom-server, or give another "
        "address",
        "server-unreachable",
    )
