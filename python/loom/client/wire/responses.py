"""What a server answers."""

from enum import IntEnum
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, cast

from ..errors import ProtocolError
from .fields import FieldValue, read_fields
from .finished import FinishedResults, decode_finished, unpack_ids
from .varint import to_int32, to_int64


class ResponseType(IntEnum):
    """Numbers on the wire."""

    DATA = 1
    TASK_FINISHED = 2
    TASK_FAILED = 3
    ERROR = 4
    DICTIONARY = 10
    STATS = 11
    #: Ours, only for clients with the capability "notices".
    NOTICE = 50
    #: Ours, the answer to a STATUS request.
    STATUS = 52
    #: Ours, the answer to an EXPLAIN request.
    EXPLANATIONS = 60
    #: Ours, results that were canceled; only for clients with "cancel".
    RESULTS_CANCELED = 100
    #: Ours, TASK_FINISHED of many with small results; only for clients with "carried-results".
    RESULTS_FINISHED = 70
    #: Ours, only for clients with "sessions": a plan, or a chunk of one, is not lost any more.
    PLAN_ACCEPTED = 90
    #: Ours, the answer to an ATTACH request.
    ATTACHED = 91
    #: Ours, the answers to LIST_PLANS, and to requests about one plan.
    PLANS = 92
    PLAN = 93
    #: Ours: the server ends, and nothing is kept.
    FAREWELL = 94


class DataHeader(NamedTuple):
    """So many payload frames of a result follow at once."""

    id: int
    n_messages: int
    type_id: int


class ServerStats(Dict[str, int]):
    """What the whole server holds now: `n_workers`, `n_data_objects`; as items and attributes."""

    @property
    def n_workers(self) -> int:
        """Registered workers."""
        return self["n_workers"]

    @property
    def n_data_objects(self) -> int:
        """Data objects of living clients that exist now."""
        return self["n_data_objects"]


class ErrorInfo(NamedTuple):
    """What went wrong. The fields from `exit_code` on are extensions, None where not told."""

    id: Optional[int] = None
    worker: str = ""
    error_msg: str = ""
    exit_code: Optional[int] = None
    signal: Optional[str] = None
    stderr: Optional[bytes] = None
    attempts: Optional[int] = None
    label: Optional[str] = None
    cause_id: Optional[int] = None
    #: True in an ERROR that refuses the plan whose id_base is `id`.
    plan_refused: Optional[bool] = None
    #: What kind of failure it was, such as "timed-out".
    kind: Optional[str] = None
    #: True in a TASK_FAILED of a task alone: its plan goes on.
    plan_goes_on: Optional[bool] = None
    #: What became of the attempts before the last, a line each.
    story: Tuple[str, ...] = ()


class Attached(NamedTuple):
    """What the server says to a client that has come back."""

    #: First ids of those of its plans that the server does not have.
    unknown_plans: Sequence[int] = ()
    #: First id of the plan of which chunks are to come, and how many tasks of it have come.
    open_plan: int = -1
    open_plan_tasks: int = 0


class Response(NamedTuple):
    """A message; the fields that do not belong to its type are as if they were missing."""

    type: ResponseType
    data: Optional[DataHeader] = None
    error: ErrorInfo = ErrorInfo()
    symbols: List[str] = []
    stats: ServerStats = ServerStats(n_workers=0, n_data_objects=0)
    id: int = 0
    #: The text of STATUS, EXPLANATIONS, PLANS and PLAN.
    json: str = ""
    finished: Optional[FinishedResults] = None
    #: Of RESULTS_CANCELED.
    canceled: Sequence[int] = ()
    #: In a DICTIONARY: what the server takes beyond the original protocol.
    capabilities: List[str] = []
    #: In a DICTIONARY: what a client may come back with, and for how long.
    session: Optional[str] = None
    session_secret: bytes = b""
    grace_ms: int = 0
    #: In a PLAN_ACCEPTED: how many tasks, from `id` on.
    task_count: int = 0
    attached: Attached = Attached()
    #: In a PLAN: rows of the tasks that were submitted, and their labels.
    roots: Sequence[int] = ()
    labels: List[str] = []


def _text(value: FieldValue) -> str:
    # Texts of failures may hold bytes of programs, which need not be UTF-8.
    return cast(bytes, value).decode(errors="replace")


def _int32(value: FieldValue) -> int:
    return to_int32(cast(int, value))


_ERROR_FIELDS: Dict[int, "tuple[str, Callable[[FieldValue], object]]"] = {
    0x08: ("id", _int32),
    0x12: ("worker", _text),
    0x1A: ("error_msg", _text),
    0x190: ("exit_code", _int32),
    0x19A: ("signal", _text),
    0x1A2: ("stderr", bytes),
    0x1A8: ("attempts", _int32),
    0x1B2: ("label", _text),
    0x1B8: ("cause_id", _int32),
    0x1C0: ("plan_refused", bool),
    0x1CA: ("kind", _text),
    0x1D0: ("plan_goes_on", bool),
}


_SESSION_FIELDS: Dict[int, "tuple[str, Callable[[FieldValue], object]]"] = {
    0x2D2: ("session", _text),
    0x2DA: ("session_secret", bytes),
    0x2E0: ("grace_ms", _int32),
    0x2E8: ("task_count", _int32),
    0x2FA: ("roots", lambda value: list(unpack_ids(cast(bytes, value)))),
}


def decode_response(body: bytes) -> Response:
    """Decodes a frame's body. Raises ProtocolError."""
    kind: Optional[int] = None
    values: Dict[str, object] = {}
    symbols: List[str] = []
    capabilities: List[str] = []
    labels: List[str] = []
    for tag, value in read_fields(body):
        if tag == 0x08:
            kind = _int32(value)
        elif tag == 0x12:
            values["data"] = _decode_data_header(cast(bytes, value))
        elif tag == 0x22:
            values["error"] = _decode_error(cast(bytes, value))
        elif tag == 0x2A:
            symbols.append(_text(value))
        elif tag == 0x32:
            values["stats"] = _decode_stats(cast(bytes, value))
        elif tag == 0x38:
            values["id"] = _int32(value)
        elif tag == 0x192:
            values["json"] = _text(value)
        elif tag == 0x232:
            values["finished"] = decode_finished(cast(bytes, value))
        elif tag == 0x322:
            values["canceled"] = unpack_ids(cast(bytes, value))
        elif tag == 0x23A:
            capabilities.append(_text(value))
        elif tag == 0x302:
            labels.append(_text(value))
        elif tag == 0x2F2:
            values["attached"] = _decode_attached(cast(bytes, value))
        elif tag in _SESSION_FIELDS:
            name, convert = _SESSION_FIELDS[tag]
            values[name] = convert(value)
    try:
        response_type = ResponseType(kind or 0)
    except ValueError:
        raise ProtocolError(f"expected a known type of response, got type {kind}") from None
    if response_type is ResponseType.DATA and "data" not in values:
        raise ProtocolError("a response of type DATA has no data")
    if response_type is ResponseType.RESULTS_FINISHED and "finished" not in values:
        raise ProtocolError("a RESULTS_FINISHED without results")
    return Response(
        response_type,
        symbols=symbols,
        capabilities=capabilities,
        labels=labels,
        **values,  # type: ignore[arg-type]
    )


def _decode_attached(body: bytes) -> Attached:
    found = dict(read_fields(body))
    return Attached(
        list(unpack_ids(cast(bytes, found.get(0x0A, b"")))),
        _int32(found.get(0x10, -1)),
        _int32(found.get(0x18, 0)),
    )


def _decode_error(body: bytes) -> ErrorInfo:
    values: Dict[str, object] = {}
    for tag, value in read_fields(body):
        field = _ERROR_FIELDS.get(tag)
        if tag == 0x1DA:
            values["story"] = (*cast(Tuple[str, ...], values.get("story", ())), _text(value))
        elif field is not None:
            name, convert = field
            values[name] = convert(value)
    return ErrorInfo(**values)  # type: ignore[arg-type]


def _decode_data_header(body: bytes) -> DataHeader:
    found = {tag: cast(int, value) for tag, value in read_fields(body)}
    try:
        header = DataHeader(to_int32(found[0x08]), to_int64(found[0x10]), to_int32(found[0x18]))
    except KeyError:
        raise ProtocolError("a DATA header lacks its id, n_messages or type_id") from None
    if header.n_messages < 0:
        raise ProtocolError(f"expected a number of frames >= 0, got {header.n_messages}")
    return header


def _decode_stats(body: bytes) -> ServerStats:
    found = dict(read_fields(body))
    return ServerStats(
        n_workers=_int32(found.get(0x08, 0)), n_data_objects=_int32(found.get(0x10, 0))
    )
