"""Access files: where a server is, and what makes it believe us."""

import json
import os
import socket
from typing import Dict, List, NamedTuple, Optional

from ..address import ServerAddress
from ..errors import LoomError

#: The environment variable that names an access file.
ACCESS_FILE_VARIABLE = "HYPERLOOM_ACCESS_FILE"
#: The environment variable that names the directory of access files.
_DIRECTORY_VARIABLE = "HYPERLOOM_HOME"
_FORMAT = 1


class Access(NamedTuple):
    """What a file gives: the role of a client, or else that of a viewer."""

    path: str
    address: ServerAddress
    hosts: List[str]
    hostname: str
    cluster_id: str
    #: The user of the server, on its machine.
    uid: Optional[int]
    role: str
    #: For proofs on one machine.
    key: bytes
    #: For TLS, in PEM; None where the server listens on its own machine alone.
    ca: Optional[str]
    certificate: Optional[str]
    private_key: Optional[str]


def named_access(path: Optional[str]) -> Optional[Access]:
    """The access file that was named, here or by the environment. Raises LoomError."""
    named = path or os.environ.get(ACCESS_FILE_VARIABLE)
    return read_access(named) if named else None


def find_access(address: ServerAddress) -> Optional[Access]:
    """The access file that the server at the address has left in the home directory, if any."""
    found = _list_directory(address.port)
    if is_loopback(address.host):
        return next((one for one in found if one.hostname == socket.gethostname()), None)
    wanted = address.host.lower()
    by_name = next((one for one in found if wanted in map(str.lower, one.hosts)), None)
    # By a name that the server does not know of itself; its certificate shows whether it is the one.
    return by_name or (found[0] if len(found) == 1 else None)


def read_access(path: str) -> Access:
    """Raises LoomError."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if content["hyperloomAccess"] != _FORMAT:
            raise ValueError("it is of another version")
        return _parse(path, content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoomError(
            f"The access file {path} cannot be used: {error}. Have the server, or `hyperloom "
            "access`, write it again",
            "access-file-unusable",
        ) from error


def is_loopback(host: str) -> bool:
    """Whether it is a name or an address of this machine alone."""
    plain = host[7:] if host.lower().startswith("::ffff:") else host
    return plain in ("localhost", "::1") or plain.startswith("127.")


def _parse(path: str, content: Dict[str, object]) -> Access:
    roles = content["roles"]
    if not isinstance(roles, dict):
        raise ValueError("it has no roles")
    role = "client" if "client" in roles else "viewer"
    own = roles[role]
    return Access(
        path,
        ServerAddress(str(content["host"]), int(str(content["port"]))),
        [str(host) for host in content.get("hosts", ())],  # type: ignore[attr-defined]
        str(content["hostname"]),
        str(content["clusterId"]),
        content.get("uid"),  # type: ignore[arg-type]
        role,
        bytes.fromhex(own["key"]),
        content.get("ca"),  # type: ignore[arg-type]
        own.get("certificate"),
        own.get("privateKey"),
    )


def _list_directory(port: int) -> List[Access]:
    directory = os.environ.get(_DIRECTORY_VARIABLE) or os.path.expanduser("~/.hyperloom")
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    found = []
    for name in sorted(names):
        if name.endswith(f"-{port}.access.json"):
            try:
                found.append(read_access(os.path.join(directory, name)))
            except LoomError:
                continue  # It is being replaced, or another version's.
    return found
