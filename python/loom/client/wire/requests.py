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
# Ours: ends tasks and what needs them, for servers with the capability "cancel".
_CANCEL = 100
# Ours, for servers with the capability "sessions".
_GOODBYE, _ATTACH, _LIST_PLANS, _FIND_PLAN, _ATTACH_PLAN, _FORGET_PLAN, _CANCEL_PLAN = range(90, 97)


def frame(body: bytes) -> bytes:
    """Header and body in one piece, so that they are written together."""
    return struct.pack("<Q", len(body)) + body


def register_frame(
    name: Optional[str] = None,
    capabilities: Sequence[str] = (),
    versions: Optional[Mapping[str, str]] = None,
    session: Optional[str] = None,
    session_secret: Optional[bytes] = None,
    token: Optional[bytes] = None,
    role: Optional[str] = None,
) -> bytes:
    """The first frame of a connection; capabilities are what this client can take beyond the
    original protocol, versions what must fit for its functions to run elsewhere, session and secret
    what a client comes back with, token and role what an access file gives it."""
    body = int_field(0x08, PROTOCOL_VERSION) + int_field(0x10, _TYPE_CLIENT)
    body += bytes_field(0x192, name)
    for item in capabilities:
        body += bytes_field(0x1A2, item)
    for key, version in (versions or {}).items():
        body += bytes_field(0x1C2, bytes_field(0x0A, key) + bytes_field(0x12, version))
    body += bytes_field(0x1CA, token) + bytes_field(0x1D2, role)
    body += bytes_field(0x1DA, session) + bytes_field(0x1E2, session_secret)
    return frame(body)


def fetch_frame(task_id: int) -> bytes:
    return frame(int_field(0x08, _FETCH) + int_field(0x18, task_id))


def release_frame(task_id: int) -> bytes:
    return frame(int_field(0x08, _RELEASE) + int_field(0x18, task_id))


def release_many_frame(task_ids: Sequence[int]) -> bytes:
    return frame(int_field(0x08, _RELEASE_MANY) + pack_ids(0x232, task_ids))


def cancel_frame(task_ids: Sequence[int]) -> bytes:
    return frame(int_field(0x08, _CANCEL) + pack_ids(0x232, task_ids))


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


def goodbye_frame() -> bytes:
    return frame(int_field(0x08, _GOODBYE))


def list_plans_frame() -> bytes:
    return frame(int_field(0x08, _LIST_PLANS))


def find_plan_frame(name: str) -> bytes:
    return _about_plan(_FIND_PLAN, name)


def forget_plan_frame(name: str) -> bytes:
    return _about_plan(_FORGET_PLAN, name)


def cancel_plan_frame(name: str) -> bytes:
    return _about_plan(_CANCEL_PLAN, name)


def attach_plan_frame(name: str, id_base: int) -> bytes:
    """The plan's tasks are to have the ids from `id_base` on at this client."""
    return frame(
        int_field(0x08, _ATTACH_PLAN) + int_field(0x18, id_base) + bytes_field(0x2DA, name)
    )


def _about_plan(kind: int, name: str) -> bytes:
    return frame(int_field(0x08, kind) + bytes_field(0x2DA, name))


def attach_frame(
    plan_bases: Sequence[int],
    plan_counts: Sequence[int],
    run_starts: Sequence[int],
    run_counts: Sequence[int],
    run_states: bytes,
    has_more: bool = False,
) -> bytes:
    """What a client has that comes back: plans that have pending results, or that the server has
    not accepted, and results. Run i: results `run_starts[i]` and up, `run_counts[i]` of
    them, in the state `run_states[i]`: 0 pending, 1 finished, 2 finished and the value is here."""
    held = pack_ids(0x0A, plan_bases) + pack_ids(0x12, run_starts) + pack_ids(0x1A, run_counts)
    held += bytes_field(0x22, run_states) + (int_field(0x28, 1) if has_more else b"")
    held += pack_ids(0x32, plan_counts)
    return frame(int_field(0x08, _ATTACH) + bytes_field(0x2D2, held))


def named_plan_field(
    name: str, nonce: bytes, roots: Sequence[int], labels: Sequence[str] = ()
) -> bytes:
    """What goes along with a plan that is to live without its client: at the end of its request."""
    body = bytes_field(0x0A, name) + bytes_field(0x12, nonce) + pack_ids(0x1A, roots)
    return bytes_field(0x2E2, body + b"".join(bytes_field(0x22, label) for label in labels))
