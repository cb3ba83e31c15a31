"""From payload frames to values."""

import pickle
import struct

import pytest
from support.golden import SYMBOLS

from loom.client import LoomError
from loom.client.errors import ProtocolError
from loom.client.values import JavaScriptObject, decode_value

RAW, ARRAY, INDEX, PYOBJ, JSON, JSOBJ, ARROW = (
    SYMBOLS.index(f"loom/{name}")
    for name in ("data", "array", "index", "pyobj", "json", "jsobj", "arrow")
)


def types(*ids):
    return struct.pack(f"<{len(ids)}I", *ids)


def offsets(base, *positions):
    return struct.pack(f"<I{len(positions)}Q", base, *positions)


@pytest.mark.parametrize(
    ("type_id", "frames", "value"),
    [
        (RAW, [b""], b""),
        (RAW, [b"abc"], b"abc"),
        (ARRAY, [b""], []),
        (ARRAY, [types(RAW, RAW), b"a", b"b"], [b"a", b"b"]),
        (ARRAY, [types(ARRAY, RAW), types(ARRAY), b"", b"x"], [[[]], b"x"]),
        (INDEX, [offsets(RAW, 0), b""], []),
        (INDEX, [offsets(RAW, 0, 2, 2, 3), b"abc"], [b"ab", b"", b"c"]),
        (
            ARRAY,
            [types(INDEX, PYOBJ), offsets(RAW, 0, 1, 2), b"xy", pickle.dumps({"a": 1})],
            [[b"x", b"y"], {"a": 1}],
        ),
        (JSON, [b'{"a": [1, null]}'], {"a": [1, None]}),
    ],
)
def test_values(type_id, frames, value):
    assert decode_value(SYMBOLS, type_id, frames) == value


def test_values_of_any_depth():
    depth = 100_000
    value = decode_value(SYMBOLS, ARRAY, [types(ARRAY)] * depth + [b""])
    for _ in range(depth):
        (value,) = value
    assert value == []


def test_what_only_javascript_understands_is_a_handle():
    value = decode_value(SYMBOLS, JSOBJ, [b"\xff\x0f"])
    assert isinstance(value, JavaScriptObject)
    assert value.data == b"\xff\x0f"


@pytest.mark.parametrize(
    ("type_id", "frames", "message"),
    [
        (RAW, [], "more frames"),
        (RAW, [b"", b""], "expected 1 frames of a result, got 2"),
        (ARRAY, [types(RAW)], "more frames"),
        (ARRAY, [b"abc", b""], "whole numbers"),
        (INDEX, [b"abc", b""], "offsets of an index"),
        (INDEX, [offsets(RAW, 0, 4), b"abc"], "rising offsets"),
        (INDEX, [offsets(RAW, 2, 1), b"abc"], "rising offsets"),
        (INDEX, [offsets(ARRAY, 0), b""], "index of raw data"),
        (99, [b""], "no symbol has the id 99"),
        (0, [b""], "data type that this client knows, got loom/base/slice"),
    ],
)
def test_broken_frames_are_refused(type_id, frames, message):
    with pytest.raises(ProtocolError, match=message):
        decode_value(SYMBOLS, type_id, frames)


def test_an_object_that_cannot_be_unpickled_says_why():
    with pytest.raises(LoomError, match="cannot be unpickled here: ModuleNotFoundError") as caught:
        decode_value(SYMBOLS, PYOBJ, [b"cno_such_module\nThing\n."])
    assert caught.value.code == "result-unreadable"


def test_a_table_that_cannot_be_read():
    with pytest.raises(LoomError, match="An Arrow table cannot be read") as raised:
        decode_value(SYMBOLS, ARROW, [b"no stream of Arrow"])
    assert raised.value.code == "result-unreadable"
