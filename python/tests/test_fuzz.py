"""Right messages with one to three mutations each, for every decoder of what others send: it gives
something, or refuses with the error that it says it raises; never anything else, and it ends.
`HYPERLOOM_FUZZ=TARGET:CASE` runs one case."""

import os
import random
import struct

import pytest
from support.golden import golden_files

from loom.client.errors import ProtocolError
from loom.client.session.reader import ResponseReader
from loom.client.wire.finished import decode_finished
from loom.client.wire.responses import decode_response
from loom.runner import frames as runner_frames

CASES = 4_000
BYTES = [0, 1, 0x08, 0x0A, 0x12, 0x7F, 0x80, 0xFF]
LENGTHS = [0, 1, 7, 8, 127, 128, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
VARINTS = [b"\xff" * 4 + b"\x0f", b"\xff" * 9 + b"\x01", b"\x80" * 11, b"\x80\x00"]


def mutate(sample, source, others):
    data = bytearray(sample)
    for _ in range(1 + source.randrange(3)):
        at = source.randrange(len(data) + 1)
        kind = source.randrange(8)
        if kind == 0:
            data[at : at + 1] = bytes([source.choice(BYTES)])
        elif kind == 1:
            data[at:at] = bytes([source.randrange(256)])
        elif kind == 2:
            del data[at : at + 1 + source.randrange(4)]
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            data[at : at + 1] = source.choice(VARINTS)
        elif kind == 5:
            at -= at % 4
            data[at : at + 4] = struct.pack("<I", source.choice(LENGTHS))
        elif kind == 6:
            data[at:at] = data[at : at + source.randrange(24)]
        else:
            other = source.choice(others)
            data[at:] = other[source.randrange(len(other) + 1) :]
    return bytes(data)


class Sink:
    """Takes whatever comes."""

    def on_finished(self, task_ids):
        pass

    def on_response(self, response):
        pass

    def on_data(self, response):
        return self

    def frame(self, data):
        pass

    def end(self):
        pass


def read_stream(data):
    reader = ResponseReader(Sink())
    position = 0
    while position < len(data):
        target = reader.target()
        size = min(61, len(target), len(data) - position)
        target[:size] = data[position : position + size]
        del target
        reader.on_received(size)
        position += size


def read_runner(data):
    read_end, write_end = os.pipe()
    try:
        # Fits into the pipe.
        os.write(write_end, data[:4_000])
        os.close(write_end)
        reader = runner_frames.FrameReader(read_end)
        while True:
            reader.read()
    finally:
        os.close(read_end)


BODIES = [body[:4_000] for file in golden_files("ClientResponse") for body in file.bodies]
STREAMS = [file.data[:4_000] for file in golden_files("ClientResponse") if file.framed]
FINISHED = [
    struct.pack("<BB2i", 0x0A, 8, 1, 2)
    + struct.pack("<BBI", 0x12, 4, 1)
    + struct.pack("<BBI", 0x1A, 4, 16)
    + struct.pack("<BBI", 0x22, 4, 1)
    + struct.pack("<BBI", 0x2A, 4, 9)
    + struct.pack("<BBQB", 0x32, 9, 1, 65),
]
RUNNER = [
    runner_frames.encode_frame({"kind": "call", "calls": [{"call": 1}]}, [b"abc"]),
    runner_frames.encode_frame({"kind": "stop"}, []),
]

# A runner's frames come from its own worker: what is no frame ends it, with any of these.
RUNNER_ENDS = (runner_frames.EndOfFrames, ValueError, MemoryError)

TARGETS = {
    "py-response": (BODIES, decode_response, ProtocolError),
    "py-finished": (FINISHED, decode_finished, ProtocolError),
    "py-stream": (STREAMS, read_stream, ProtocolError),
    "py-runner": (RUNNER, read_runner, RUNNER_ENDS),
}
ONE = os.environ.get("HYPERLOOM_FUZZ", "").split(":")


@pytest.mark.parametrize("name", TARGETS)
def test_a_decoder_decodes_or_refuses_what_it_is_given(name):
    samples, decode, refusals = TARGETS[name]
    numbers = [int(ONE[1])] if ONE[0] == name and len(ONE) > 1 else range(CASES)
    outcomes = {True: 0, False: 0}
    for number in numbers:
        source = random.Random(number)
        data = mutate(source.choice(samples), source, samples)
        try:
            decode(data)
            outcomes[True] += 1
        except refusals:
            outcomes[False] += 1
        except Exception as error:
            again = f"HYPERLOOM_FUZZ={name}:{number} python -m pytest python/tests/test_fuzz.py"
            raise AssertionError(f"{error!r} for {data.hex()}\nTo see it again: {again}") from error
    if len(numbers) > 1:
        assert outcomes[False] > 0
