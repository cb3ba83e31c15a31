"""A client that knows only the protocol's page: Google's protobuf runtime and a schema of its own.

Usage: protobuf-client.py PORT SCHEMA.proto. Exits 0 when every answer is as it must be.
"""

import os
import socket
import struct
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def load_schema(path):
    """The message classes of a .proto file, by name."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "schema.bin")
        subprocess.run(
            ["protoc", f"--proto_path={os.path.dirname(path)}", f"--descriptor_set_out={out}", path],
            check=True,
        )
        with open(out, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    names = [m.name for m in files.file[0].message_type]
    package = files.file[0].package
    prefix = f"{package}." if package else ""
    factory = getattr(message_factory, "GetMessageClass", None)
    if factory is None:
        old = message_factory.MessageFactory(pool)
        factory = old.GetPrototype
    return {name: factory(pool.FindMessageTypeByName(prefix + name)) for name in names}


class Connection:
    def __init__(self, port, schema):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.schema = schema
        self.buffer = b""

    def send(self, message):
        body = message.SerializeToString()
        self.socket.sendall(struct.pack("<Q", len(body)) + body)

    def read(self, size):
        while len(self.buffer) < size:
            chunk = self.socket.recv(1 << 20)
            if not chunk:
                raise EOFError("the server closed the connection")
            self.buffer += chunk
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def frame(self):
        (size,) = struct.unpack("<Q", self.read(8))
        return self.read(size)

    def response(self):
        return self.schema["ClientResponse"].FromString(self.frame())


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    schema = load_schema(path)
    connection = Connection(port, schema)
    connection.send(schema["Register"](protocol_version=2, type=2))
    dictionary = connection.response()
    assert dictionary.type == 10, dictionary
    symbol = {name: number for number, name in enumerate(dictionary.symbols)}

    request = schema["ClientRequest"](type=1)
    plan = request.plan
    plan.id_base = 100
    resources = plan.resource_requests.add()
    cpus = resources.resources.add()
    cpus.resource_type, cpus.value = symbol["loom/resource/cpus"], 1

    def task(type_name, config=b"", inputs=(), result=False, request_index=-1):
        added = plan.tasks.add()
        added.task_type = symbol[type_name]
        added.config = config
        added.input_ids.extend(inputs)
        added.resource_request_index = request_index
        added.result = result
        return plan.id_base + len(plan.tasks) - 1

    hello = task("loom/data/const", b"Hello ")
    world = task("loom/data/const", b"world!")
    merged = task("loom/data/merge", b"", [hello, world], result=True)
    run = schema["Run"](args=[b"tr", b"a-z", b"A-Z"], map_inputs=[b"+in"], map_outputs=[b"+out"])
    upper = task("loom/run/run", run.SerializeToString(), [merged], True, 0)
    array = task("loom/array/make", b"", [hello, upper], True)
    lines = task("loom/data/const", b"a\nb\n")
    index = task("loom/data/split", b"", [lines], True)
    item = task("loom/base/get", struct.pack("<Q", 1), [index], True)
    size = task("loom/base/size", b"", [merged], True)
    connection.send(request)

    finished = set()
    while len(finished) < 6:
        response = connection.response()
        assert response.type == 2, response
        assert response.id not in finished, "each result is told once"
        finished.add(response.id)
    assert finished == {merged, upper, array, index, item, size}, finished

    def fetch(number):
        connection.send(schema["ClientRequest"](type=2, id=number))
        response = connection.response()
        assert response.type == 1 and response.data.id == number, response
        frames = [connection.frame() for _ in range(response.data.n_messages)]
        return dictionary.symbols[response.data.type_id], frames

    raw = symbol["loom/data"]
    assert fetch(merged) == ("loom/data", [b"Hello world!"])
    assert fetch(upper) == ("loom/data", [b"HELLO WORLD!"])
    assert fetch(array) == ("loom/array", [struct.pack("<II", raw, raw), b"Hello ", b"HELLO WORLD!"])
    assert fetch(index) == ("loom/index", [struct.pack("<IQQQ", raw, 0, 2, 4), b"a\nb\n"])
    assert fetch(item) == ("loom/data", [b"b\n"])
    assert fetch(size) == ("loom/data", [struct.pack("<Q", 12)])

    connection.send(schema["ClientRequest"](type=2, id=7))
    response = connection.response()
    assert response.type == 4 and response.error.error_msg == "Invalid id: 7", response
    for number in finished:
        connection.send(schema["ClientRequest"](type=3, id=number))
    connection.send(schema["ClientRequest"](type=6))
    response = connection.response()
    assert response.type == 11 and response.stats.n_workers >= 1, response
    assert response.stats.n_data_objects == 0, response
    print("every answer is as it must be")


main()
