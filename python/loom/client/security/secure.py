"""Makes sure of who is at the other end of a new connection, before a byte is exchanged."""

import hashlib
import hmac
import os
import socket
import tempfile
from typing import Optional, Tuple

from ..address import ServerAddress
from ..errors import LoomError
from .access import Access, is_loopback
from .peer_owner import (
    CLOSED,
    NOT_ACCEPTED,
    UNREADABLE,
    Ends,
    ends_of,
    find_peer_owner,
    is_trusted_user,
)

#: `HYPERLOOM_TLS=always`: TLS on this machine too.
_TLS_VARIABLE = "HYPERLOOM_TLS"
#: `HYPERLOOM_INSECURE=1`: speaks with servers that show nothing of who they are.
_INSECURE_VARIABLE = "HYPERLOOM_INSECURE"


def secure(
    sock: socket.socket, address: ServerAddress, access: Optional[Access], timeout_s: float
) -> Tuple[socket.socket, Optional[bytes]]:
    """The socket to go on with, and the proof for a registration without TLS. On this machine the
    kernel says whose the other end is; beyond it, there is TLS with certificates on both sides.
    Raises LoomError, and OSError where the connection breaks."""
    if os.environ.get(_INSECURE_VARIABLE) == "1":
        return sock, None
    ends = ends_of(sock)
    has_tls = access is not None and access.certificate is not None
    always_tls = has_tls and os.environ.get(_TLS_VARIABLE) == "always"
    if _is_of_this_machine(ends) and not always_tls:
        owner = find_peer_owner(ends, timeout_s)
        if owner == NOT_ACCEPTED:
            raise LoomError(
                f"{address} accepts connections but does not answer as a HyperLoom server does",
                "server-unreachable",
            )
        is_known = isinstance(owner, int) and (
            is_trusted_user(owner) or (access is not None and owner == access.uid)
        )
        if is_known or owner in (UNREADABLE, CLOSED):
            return sock, _proof(access, ends)
        if isinstance(owner, int):
            raise _untrusted(address, f"belongs to another user, of uid {owner}")
        # What cannot be seen here is elsewhere: somebody passes the connection on.
    if access is None or not has_tls:
        raise _untrusted(
            address, "is not trusted: without an access file, only servers of this machine are"
        )
    return _shake_hands(sock, address, access, timeout_s), None


def _is_of_this_machine(ends: Ends) -> bool:
    (local_host, _), (remote_host, _) = ends
    return is_loopback(remote_host) or remote_host == local_host


def _proof(access: Optional[Access], ends: Ends) -> Optional[bytes]:
    """Of the key in the access file, without saying it, and for this connection alone."""
    if access is None:
        return None
    (local_host, local_port), (remote_host, remote_port) = ends
    text = (
        f"register {access.role} {access.cluster_id}\n"
        f"{local_host} {local_port}\n{remote_host} {remote_port}\n"
    )
    return hmac.new(access.key, text.encode(), hashlib.sha256).digest()


def _shake_hands(
    sock: socket.socket, address: ServerAddress, access: Access, timeout_s: float
) -> socket.socket:
    import ssl  # Only where it is used: it takes longer to load than the rest of the client.

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Names are not compared: the authority signs for this cluster alone, and roles are.
    context.check_hostname = False
    context.load_verify_locations(cadata=access.ca)
    # It takes certificates from files alone; this one is readable by its owner only, and goes.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{access.certificate}\n{access.private_key}\n")
        file.flush()
        context.load_cert_chain(file.name)
    sock.settimeout(max(timeout_s, 0.001))
    try:
        secured = context.wrap_socket(sock)
    except (ssl.SSLError, socket.timeout) as error:
        raise _untrusted(address, f"is not trusted: TLS failed: {error}") from error
    role = _certified_role(secured.getpeercert())
    if role != "server":
        secured.close()
        raise _untrusted(address, f"is not trusted: its certificate is of a {role}, not a server")
    return secured


def _certified_role(certificate: object) -> str:
    subject = certificate.get("subject", ()) if isinstance(certificate, dict) else ()
    parts = {key: value for part in subject for key, value in part}
    return str(parts.get("organizationalUnitName", "stranger"))


def _untrusted(address: ServerAddress, why: str) -> LoomError:
    return LoomError(
        f"What listens at {address} {why}. Name the server's access file, by access_file or "
        "HYPERLOOM_ACCESS_FILE",
        "server-untrusted",
    )
