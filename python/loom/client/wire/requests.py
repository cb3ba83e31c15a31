"""What a client sends, plans apart. Each function returns a whole frame, its length included."""

import struct
from typing import Mapping, Optional, Sequence

from .fields import bytes_field, int_field
from .finished import pack_ids

PROTOCOL_VERSION = 2

_TYPE_CLIENT = 2
_FETCH, _RELEASE, _STATS, _TRACE, _TERMINATE = 2, 3, 6, 7, 10
# Ours: asks for all that an operator wants to see, and why tasks are where they are.
_STATUS, _EXPLAIN = 50, 60
# Ours: RELEASE of many results, for servers with the capability "releases".
_RELEASE_MANY = 70


def frame(body: bytes) -> bytes:
    """Header and body in one piece, so that they are written together."""
    return struct.pack("<Q", len(body)) + body


def register_frame(
    name: Optional[str] = None,
    capabilities: Sequence[str] = (),
    versions: Optional[Mapping[str, str]] = None,
) -> bytes:
    """The first frame of a connection; capabilities are what this client can take beyond the
    original protocol, versions what must fit for its functions to run elsewhere."""
    body = int_field(0x08, PROTOCOL_VERSION) + int_field(0x10, _TYPE_CLIENT)
    body += bytes_field(0x192, name)
    for item in capabilities:
        body += bytes_field(0x1A2, item)
    for key, version in (versions or {}).items():
        body += bytes_field(0x1C2, bytes_field(0x0A, key) + bytes_field(0x12, version))
    return frame(body)


def fetch_frame(task_id: int) -> bytes:
    return frame(int_field(0x08, _FETCH) + int_field(0x18, task_id))


def release_frame(task_id: int) -> bytes:
    return frame(int_field(0x08, _RELEASE) + int_field(0x18, task_id))


def release_many_frame(task_ids: Sequence[int]) -> bytes:
    return frame(int_field(0x08, _RELEASE_MANY) + pack_ids(0x232, task_ids))


def stats_frame() -> bytes:
    return frame(int_field(0x08, _STATS))


def status_frame() -> bytes:
    return frame(int_field(0x08, _STATUS))


def explain_frame(task_id: int, query: str = "") -> bytes:
    """Asks about the tasks that `query` means, or about this client's task `task_id`."""
    return frame(int_field(0x08, _EXPLAIN) + int_field(0x18, task_id) + bytes_field(0x1E2, query))


def trace_frame(path: str) -> bytes:
    return frame(int_field(0x08, _TRACE) + bytes_field(0x3A, path))


def terminate_frame() -> bytes:
    return frame(int_field(0x08, _TERMINATE))
