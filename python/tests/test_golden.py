"""Frames that Google's protobuf runtime wrote: they are read as it meant them, and what we write is
the same to the byte."""

from itertools import accumulate

import pytest
from support.golden import (
    SCHEMAS,
    SYMBOLS,
    bytes_of,
    decode_by_schema,
    golden_files,
    plain,
)

from loom.client.plan.encode import PlanEncoder
from loom.client.plan.order import OrderedPlan
from loom.client.session.reader import ResponseReader
from loom.client.task import ResourceRequest, Task
from loom.client.wire import requests
from loom.client.wire.responses import (
    Attached,
    DataHeader,
    ErrorInfo,
    Response,
    ResponseType,
    ServerStats,
    decode_response,
)
from loom.client.wire.run_config import encode_run_config


def by_name(file):
    return file.name


def response_of(values):
    """The Response that a message of the index stands for."""
    values = plain(values)
    names = ["id", "symbols", "capabilities", "json", "session", "session_secret", "grace_ms"]
    names += ["task_count", "roots", "labels"]
    fields = {name: values[name] for name in names if name in values}
    if "attached" in values:
        fields["attached"] = Attached(**values["attached"])
    if "data" in values:
        fields["data"] = DataHeader(**values["data"])
    if "error" in values:
        error = dict(values["error"])
        if "story" in error:
            error["story"] = tuple(error["story"])
        fields["error"] = ErrorInfo(**error)
    if "stats" in values:
        fields["stats"] = ServerStats(values["stats"])
    if "finished" in values:
        finished = values["finished"]
        columns = [
            finished.get(name, []) for name in ("ids", "positions", "type_ids", "frame_counts")
        ]
        starts = [0, *accumulate(finished.get("sizes", []))]
        fields["finished"] = (*columns, starts, finished.get("frames", b""))
    return Response(ResponseType[values["type"]], **fields)


def comparable(response):
    """With lists for the columns of numbers."""
    if response.finished is None:
        return response
    *columns, frames = response.finished
    return response._replace(finished=(*map(list, columns), frames))


@pytest.mark.parametrize("file", golden_files("ClientResponse"), ids=by_name)
def test_responses_are_decoded(file):
    assert [comparable(decode_response(body)) for body in file.bodies] == [
        response_of(values) for values in file.values
    ]


@pytest.mark.parametrize("message", ["ClientRequest", "Register", "Run"])
def test_fields_of_all_other_messages_are_read(message):
    for file in golden_files(message):
        # Packed lists are for servers: clients never receive one.
        if file.name in ("plan-packed-inputs.bin", "plan-mixed-inputs.bin"):
            continue
        decoded = [decode_by_schema(body, SCHEMAS[message]) for body in file.bodies]
        assert decoded == plain(file.values), file.name


def test_a_batch_of_finished_tasks_is_read_at_once():
    (file,) = (f for f in golden_files("ClientResponse") if f.name == "task-finished-batch.bin")
    batches = []

    class Handler:
        on_finished = batches.append

    reader = ResponseReader(Handler())
    reader.target()[: len(file.data)] = file.data
    reader.on_received(len(file.data))
    assert batches == [[values.get("id", 0) for values in file.values]]


@pytest.mark.parametrize("file", golden_files("Register", canonical_only=True), ids=by_name)
def test_registrations_are_encoded(file):
    values = file.values[0]
    if values["type"] == "CLIENT":
        versions = {item["name"]: item["version"] for item in values.get("versions", [])}
        ours = requests.register_frame(
            values.get("client_name"),
            values.get("capabilities", ()),
            versions,
            values.get("session"),
            bytes_of(values["session_secret"]) if "session_secret" in values else None,
        )
        assert ours == file.data
    else:
        # Not what a client writes; that it can be read is tested above.
        assert "port" in values


class EarlierFuture:
    """A result of another plan, as far as the encoder looks at it."""

    def __init__(self, task_id):
        self.task_id = task_id


def encode_plan_values(values):
    """A PLAN request by our encoder, from tasks that are made of the values."""
    plan = values["plan"]
    id_base = plan["id_base"]
    tasks = []
    names = {2**30 + i: name for i, name in enumerate(plan.get("symbols", []))}
    encoder = PlanEncoder({name: number for number, name in enumerate(SYMBOLS)})
    for name in names.values():
        encoder.symbol_id(name)

    def name_of(number):
        return names.get(number) or SYMBOLS[number]

    request_rows = []
    for item in plan.get("resource_requests", []):
        request = ResourceRequest()
        for resource in item.get("resources", []):
            request.resources[name_of(resource["resource_type"])] = resource["value"]
        encoder.request_row(request)
        request_rows.append(request)
    for row, item in enumerate(plan.get("tasks", [])):
        task = Task(name_of(item["task_type"]), (), bytes_of(item["config"]))
        task.inputs = [
            tasks[number - id_base] if number >= id_base else EarlierFuture(number)
            for number in item.get("input_ids", [])
        ]
        if "resource_request_index" in item:
            task.resource_request = request_rows[item["resource_request_index"]]
        if "label" in item:
            task.label = item["label"]
        if "metadata" in item:
            task.metadata = bytes_of(item["metadata"])
        if "checkpoint_path" in item:
            task.checkpoint_path = item["checkpoint_path"]
        task._mark = 500 + row
        tasks.append(task)
    results = bytearray(item.get("result", False) for item in plan.get("tasks", []))
    ordered = OrderedPlan(tasks, 500, set())
    load = values.get("load_checkpoints", False)
    named = values.get("named", {})
    if named:
        named = requests.named_plan_field(
            named["name"], bytes_of(named["nonce"]), named["roots"], named["labels"]
        )
    return b"".join(encoder.encode(ordered, results, id_base, load, named or b""))


def encode_request_values(values):
    kind = values["type"]
    if kind == "PLAN":
        return encode_plan_values(values)
    if kind == "RELEASE_MANY":
        return requests.release_many_frame(values["ids"])
    if kind == "TRACE":
        return requests.trace_frame(values["trace_path"])
    if kind == "ATTACH":
        held = values["held"]
        columns = (held[name] for name in ("plan_bases", "plan_counts", "run_starts", "run_counts"))
        return requests.attach_frame(*columns, bytes_of(held["run_states"]), held["has_more"])
    if kind == "ATTACH_PLAN":
        return requests.attach_plan_frame(values["name"], values["id"])
    if kind in ("STATS", "TERMINATE", "GOODBYE", "LIST_PLANS"):
        return getattr(requests, f"{kind.lower()}_frame")()
    if kind in ("FIND_PLAN", "FORGET_PLAN", "CANCEL_PLAN"):
        return getattr(requests, f"{kind.lower()}_frame")(values["name"])
    return {"FETCH": requests.fetch_frame, "RELEASE": requests.release_frame}[kind](values["id"])


@pytest.mark.parametrize("file", golden_files("ClientRequest", canonical_only=True), ids=by_name)
def test_requests_are_encoded(file):
    ours = b"".join(map(encode_request_values, file.values))
    assert ours.hex() == file.data.hex()


@pytest.mark.parametrize("file", golden_files("Run", canonical_only=True), ids=by_name)
def test_configs_of_programs_are_encoded(file):
    values = plain(file.values[0])
    env = {item["name"]: item["value"] for item in values.get("env", [])}
    assert len(env) == len(values.get("env", []))
    ours = encode_run_config(
        values.get("args", []),
        values.get("map_inputs", []),
        values.get("map_outputs", []),
        env,
        values.get("time_limit_ms"),
        values.get("paths", []),
    )
    assert ours.hex() == file.data.hex()
