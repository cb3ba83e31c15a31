"""Where a server is."""

import os
import re
from typing import NamedTuple, Optional

from .errors import LoomError

DEFAULT_PORT = 9010
#: The environment variable that names the server of a program that does not.
SERVER_VARIABLE = "HYPERLOOM_SERVER"

_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]\s]+))(?::(\d+))?")


class ServerAddress(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(address: Optional[str], port: Optional[int] = None) -> ServerAddress:
    """Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; None is the server that the environment
    names, else the one on this machine. Raises LoomError."""
    if address is None:
        address = os.environ.get(SERVER_VARIABLE) or "localhost"
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if match is None:
        raise LoomError(f"A server's address is host:port, such as localhost:9010, not {address!r}")
    host = match[1] or match[2]
    if match[3] is not None:
        if port is not None and port != int(match[3]):
            raise LoomError(f"Two ports were given, {address} and {port}: give one of them")
        port = int(match[3])
    if port is None:
        port = DEFAULT_PORT
    if not isinstance(port, int) or not 0 < port < 65536:
        raise LoomError(f"A port is a whole number from 1 to 65535, not {port!r}")
    return ServerAddress(host, port)
