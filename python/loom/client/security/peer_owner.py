"""Whose process is at the other end of a connection on this machine, by the kernel's tables."""

import os
import socket
import struct
import time
from typing import Optional, Tuple, Union

_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
#: A reading in several pieces can miss a socket.
_TRIES = 3
_RETRY_EVERY_S = 0.002
_RETRY_EVERY_MAX_S = 0.1

Ends = Tuple[Tuple[str, int], Tuple[str, int]]

_ESTABLISHED = b"01"

NOT_FOUND = "not-found"
NOT_ACCEPTED = "not-accepted"
UNREADABLE = "unreadable"
#: Nobody holds it any more, so nobody will get what is sent.
CLOSED = "closed"


def ends_of(sock: socket.socket) -> Ends:
    """Addresses and ports: ours, and the other one's. IPv4 as such, also on sockets of IPv6."""
    local, remote = sock.getsockname(), sock.getpeername()
    return (_plain(local[0]), local[1]), (_plain(remote[0]), remote[1])


def find_peer_owner(ends: Ends, wait_s: float = 0.0) -> Union[int, str]:
    """The uid, or why there is none. Waits so long for the listener to accept the connection. A socket
    that nobody holds is shown as root's, so only one that is held counts, and root's only if it is
    still held at a second look."""
    deadline = time.monotonic() + wait_s
    pause = _RETRY_EVERY_S
    tries = 0
    while True:
        tries += 1
        found = _look(ends)
        if isinstance(found, str):
            if found == UNREADABLE or tries >= _TRIES:
                return found
        else:
            uid, inode, state = found
            if inode == 0 and state != _ESTABLISHED:
                return CLOSED
            if inode != 0 and (uid != 0 or _look(ends) == found):
                return uid
            if tries >= _TRIES and time.monotonic() >= deadline:
                return NOT_ACCEPTED
        time.sleep(pause)
        pause = min(2 * pause, _RETRY_EVERY_MAX_S)


def is_trusted_user(uid: int) -> bool:
    """Its own user and root can do all that this process can."""
    return uid == 0 or (uid == os.getuid() and not _may_be_anybody(uid))


def _may_be_anybody(uid: int) -> bool:
    """In a user namespace, all users from outside of it may be shown as this one."""
    try:
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            if int(file.read()) != uid:
                return False
        with open("/proc/self/uid_map", encoding="ascii") as file:
            fields = file.read().split()
        return fields[0] != "0" or fields[2] != "4294967295"
    except (OSError, ValueError, IndexError):
        return False


def _look(ends: Ends) -> Union[Tuple[int, int, bytes], str]:
    """Uid, inode and state of the other end."""
    (local_host, local_port), (remote_host, remote_port) = ends
    is_readable = False
    for path, mapped in zip(_TABLES, (False, True)):
        remote, local = _hex(remote_host, mapped), _hex(local_host, mapped)
        try:
            with open(path, "rb") as file:
                table = file.read()
        except OSError:
            continue
        is_readable = True
        if remote is None or local is None:
            continue
        pattern = f"{remote}:{remote_port:04X} {local}:{local_port:04X} ".encode("ascii")
        start = table.find(pattern)
        if start >= 0:
            fields = table[start : table.find(b"\n", start)].split()
            return int(fields[6]), int(fields[8]), fields[2]
    return NOT_FOUND if is_readable else UNREADABLE


def _hex(host: str, is_ipv6: bool) -> Optional[str]:
    """The address as the kernel writes it: words in the order of this machine."""
    if ":" in host:
        packed = socket.inet_pton(socket.AF_INET6, host.split("%")[0])
        if not is_ipv6:
            return None
    else:
        packed = socket.inet_aton(host)
        if is_ipv6:
            packed = bytes(10) + b"\xff\xff" + packed
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


def _plain(host: str) -> str:
    return host[7:] if host.lower().startswith("::ffff:") and "." in host else host
