"""What a server sends, cut into pieces at any place."""

import random

import pytest
from support.fake_server import data, failed, finished, stats
from support.golden import golden_files

from loom.client.errors import ProtocolError
from loom.client.session.reader import ResponseReader
from loom.client.wire.responses import ResponseType, decode_response


class Recorder:
    """Notes everything in order."""

    def __init__(self):
        self.events = []

    def on_finished(self, task_ids):
        self.events += [("finished", task_id) for task_id in task_ids]

    def on_response(self, response):
        kind = response.type.name.lower().replace("task_", "")
        self.events.append((kind, response.id or response.error.id))

    def on_data(self, response):
        self.events.append(("data", response.data.id))
        return self

    def frame(self, data):
        self.events.append(data)

    def end(self):
        self.events.append("end")


def receive(stream, sizes):
    """Feeds the stream in pieces of these sizes, or less where the target is smaller."""
    recorder = Recorder()
    reader = ResponseReader(recorder)
    position = 0
    for size in sizes:
        target = reader.target()
        size = min(size, len(target), len(stream) - position)
        target[:size] = stream[position : position + size]
        del target
        if size > 0:
            reader.on_received(size)
        position += size
        if position == len(stream):
            return recorder.events
    raise AssertionError("the pieces do not cover the stream")


LARGE = bytes(range(256)) * 400
STREAM = b"".join(
    [
        finished(1),
        finished(300),
        data(1, "loom/array", [b"\x10\0\0\0\x10\0\0\0", b"", LARGE]),
        finished(2**31 - 1),
        failed(7, "no"),
        data(2, "loom/data", [b"abc"]),
        finished(-5),
        stats(1, 2),
    ]
)
EVENTS = [
    ("finished", 1),
    ("finished", 300),
    ("data", 1),
    b"\x10\0\0\0\x10\0\0\0",
    b"",
    LARGE,
    "end",
    ("finished", 2**31 - 1),
    ("failed", 7),
    ("data", 2),
    b"abc",
    "end",
    ("finished", -5),
    ("stats", None),
]


def test_in_one_piece():
    assert receive(STREAM, [10**9] * 10) == EVENTS


def test_byte_by_byte():
    assert receive(STREAM, [1] * len(STREAM)) == EVENTS


@pytest.mark.parametrize("seed", range(50))
def test_in_random_pieces(seed):
    rng = random.Random(seed)
    limit = rng.choice([20, 1000, 70_000, 400_000])
    assert receive(STREAM, (rng.randint(1, limit) for _ in iter(int, 1))) == EVENTS


def test_a_large_frame_is_not_copied():
    recorder = Recorder()
    reader = ResponseReader(recorder)
    begin = data(1, "loom/data", [b"x" * 100_000])[:-99_990]
    reader.target()[: len(begin)] = begin
    reader.on_received(len(begin))
    # All that is missing fits into one place, which is the memory of the result.
    assert len(reader.target()) == 99_990
    reader.target()[:] = b"x" * 99_990
    reader.on_received(99_990)
    assert recorder.events == [("data", 1), b"x" * 100_000, "end"]


def test_a_message_that_claims_to_be_huge_is_refused_before_it_comes():
    with pytest.raises(ProtocolError, match="at most 16777216 bytes, got 16777217"):
        receive((16777217).to_bytes(8, "little") + b"x", [100])


def test_a_result_that_no_memory_can_hold_is_passed_over():
    huge = data(1, "loom/data", [b""])[:-8] + (2**62).to_bytes(8, "little")
    recorder = Recorder()
    reader = ResponseReader(recorder)
    reader.target()[: len(huge)] = huge
    reader.on_received(len(huge))
    assert recorder.events == [("data", 1)]
    # It is read off the connection, a buffer at a time.
    assert 0 < len(reader.target()) <= 1 << 20


def test_mutated_messages_are_decoded_or_refused():
    rng = random.Random(1)
    bodies = [body for file in golden_files("ClientResponse") for body in file.bodies]
    refused = 0
    for _ in range(5000):
        body = bytearray(rng.choice(bodies))
        for _ in range(rng.randint(1, 3)):
            if body:
                body[rng.randrange(len(body))] = rng.randrange(256)
        body = body[: rng.randint(0, len(body))] if rng.random() < 0.3 else body
        try:
            assert isinstance(decode_response(bytes(body)).type, ResponseType)
        except ProtocolError:
            refused += 1
    assert 0 < refused < 5000
