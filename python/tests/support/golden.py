"""The frames in tests/golden/client, which Google's protobuf runtime wrote. `about` in index.json
says what is in it."""

import json
import struct
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple

from loom.client.wire.fields import read_fields
from loom.client.wire.varint import to_int32, to_int64

_DIRECTORY = Path(__file__).parents[3] / "tests" / "golden" / "client"
_INDEX = json.loads((_DIRECTORY / "index.json").read_text(encoding="utf-8"))

SYMBOLS: List[str] = _INDEX["symbols"]


class GoldenFile(NamedTuple):
    name: str
    message: str
    canonical: bool
    refused: bool
    framed: bool
    values: List[dict]

    @property
    def data(self) -> bytes:
        return (_DIRECTORY / self.name).read_bytes()

    @property
    def bodies(self) -> List[bytes]:
        return list(split_frames(self.data)) if self.framed else [self.data]


def golden_files(message: str, canonical_only: bool = False) -> List[GoldenFile]:
    files = [
        GoldenFile(
            entry["file"],
            entry["message"],
            entry["canonical"],
            "refused" in entry,
            entry["framed"],
            entry["values"],
        )
        for entry in _INDEX["files"]
    ]
    found = [f for f in files if f.message == message and (f.canonical or not canonical_only)]
    assert found, f"no golden files of {message}"
    return found


def split_frames(data: bytes) -> Iterator[bytes]:
    while data:
        (size,) = struct.unpack_from("<Q", data)
        yield data[8 : 8 + size]
        data = data[8 + size :]


def bytes_of(value: dict) -> bytes:
    return bytes.fromhex(value["hex"]) * value.get("times", 1)


# Fields by tag: name and type; a dict is a message; a list with one item is repeated.
_RESOURCES = {0x0A: ("resources", [{0x08: ("resource_type", "int32"), 0x10: ("value", "int32")}])}
_TASK = {
    0x08: ("task_type", "int32"),
    0x12: ("config", "bytes"),
    0x18: ("input_ids", ["int32"]),
    0x28: ("resource_request_index", "int32"),
    0x30: ("result", "bool"),
    0x3A: ("checkpoint_path", "text"),
    0x62: ("label", "text"),
    0x6A: ("metadata", "bytes"),
}
_PLAN = {
    0x0A: ("resource_requests", [_RESOURCES]),
    0x12: ("tasks", [_TASK]),
    0x20: ("id_base", "int32"),
    0x192: ("symbols", ["text"]),
}
_NAMED_AMOUNT = {0x0A: ("name", "text"), 0x10: ("amount", "int64")}
_REQUEST_TYPES = {
    1: "PLAN",
    2: "FETCH",
    3: "RELEASE",
    6: "STATS",
    7: "TRACE",
    10: "TERMINATE",
    70: "RELEASE_MANY",
    90: "GOODBYE",
    91: "ATTACH",
    92: "LIST_PLANS",
    93: "FIND_PLAN",
    94: "ATTACH_PLAN",
    95: "FORGET_PLAN",
    96: "CANCEL_PLAN",
}


def _packed_int32(value: bytes) -> List[int]:
    return list(struct.unpack(f"<{len(value) // 4}i", value))


SCHEMAS: Dict[str, dict] = {
    "ClientRequest": {
        0x08: ("type", _REQUEST_TYPES.__getitem__),
        0x12: ("plan", _PLAN),
        0x18: ("id", "int32"),
        0x20: ("load_checkpoints", "bool"),
        0x3A: ("trace_path", "text"),
        0x232: ("ids", _packed_int32),
        0x2D2: (
            "held",
            {
                0x0A: ("plan_bases", _packed_int32),
                0x12: ("run_starts", _packed_int32),
                0x1A: ("run_counts", _packed_int32),
                0x22: ("run_states", "bytes"),
                0x28: ("has_more", "bool"),
                0x32: ("plan_counts", _packed_int32),
            },
        ),
        0x2DA: ("name", "text"),
        0x2E2: (
            "named",
            {
                0x0A: ("name", "text"),
                0x12: ("nonce", "bytes"),
                0x1A: ("roots", _packed_int32),
                0x22: ("labels", ["text"]),
            },
        ),
    },
    "Register": {
        0x08: ("protocol_version", "int32"),
        0x10: ("type", {1: "WORKER", 2: "CLIENT"}.__getitem__),
        0x18: ("port", "int32"),
        0x22: ("task_types", ["text"]),
        0x2A: ("data_types", ["text"]),
        0x30: ("cpus", "int32"),
        0x192: ("client_name", "text"),
        0x198: ("worker_protocol_version", "int32"),
        0x1A2: ("capabilities", ["text"]),
        0x1AA: ("resources", [_NAMED_AMOUNT]),
        0x1B2: ("advertised_host", "text"),
        0x1BA: ("worker_name", "text"),
        0x1C2: ("versions", [{0x0A: ("name", "text"), 0x12: ("version", "text")}]),
        0x1DA: ("session", "text"),
        0x1E2: ("session_secret", "bytes"),
    },
    "Run": {
        0x0A: ("args", ["bytes"]),
        0x12: ("map_inputs", ["bytes"]),
        0x1A: ("map_outputs", ["bytes"]),
        0x192: ("env", [{0x0A: ("name", "bytes"), 0x12: ("value", "bytes")}]),
        0x198: ("time_limit_ms", "int64"),
        0x1A2: ("paths", ["bytes"]),
    },
}

_CONVERSIONS = {
    "int32": to_int32,
    "int64": to_int64,
    "bool": bool,
    "bytes": bytes,
    "text": bytes.decode,
}


def decode_by_schema(body: bytes, schema: dict) -> dict:
    """The fields that are set, with bytes as bytes; what the schema lacks is left out."""
    found: dict = {}
    for tag, value in read_fields(body):
        if tag not in schema:
            continue
        name, kind = schema[tag]
        if isinstance(kind, list):
            found.setdefault(name, []).append(_convert(value, kind[0]))
        else:
            found[name] = _convert(value, kind)
    return found


def _convert(value, kind):
    if isinstance(kind, dict):
        return decode_by_schema(value, kind)
    return (kind if callable(kind) else _CONVERSIONS[kind])(value)


def plain(values):
    """Values of the index, with bytes as bytes."""
    if isinstance(values, list):
        return [plain(item) for item in values]
    if isinstance(values, dict):
        if "hex" in values:
            return bytes_of(values)
        return {name: plain(value) for name, value in values.items()}
    return values
