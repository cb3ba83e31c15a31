#!/usr/bin/python3
"""Writes the golden files of the client protocol with Google's protobuf runtime.

    /usr/bin/python3 scripts/golden/write-golden.py

needs Debian's python3-protobuf and protobuf-compiler. It writes tests/golden/client/*.bin and
index.json, which describes each file; the tests of every language read both. No byte of them comes
from HyperLoom's own encoders.
"""

import json
import pathlib
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "tests" / "golden" / "client"

ABOUT = (
    "Frames of the client protocol, written by scripts/golden/write-golden.py. 'framed': the file "
    "holds 8-byte little-endian lengths and bodies, 'frames' of them; else it is one bare message. "
    "'values' are the fields that are set, by their names in client-protocol.proto, of each frame; "
    "bytes are {hex}, or {hex, times} where a pattern repeats. 'canonical': fields in the order of "
    "their numbers, no packed list, nothing unknown, so that a straightforward encoder writes the "
    "same bytes. "
    "'refused': a decoder must refuse it, because of that."
)

SYMBOLS = [
    "loom/base/slice",
    "loom/base/get",
    "loom/base/size",
    "loom/base/length",
    "loom/scheduler/dslice",
    "loom/scheduler/dget",
    "loom/resource/cpus",
    "loom/data/const",
    "loom/data/merge",
    "loom/data/open",
    "loom/data/split",
    "loom/data/save",
    "loom/array/make",
    "loom/run/run",
    "loom/py/call",
    "loom/py/value",
    "loom/data",
    "loom/array",
    "loom/index",
    "loom/pyobj",
    "loom/js/call",
    "loom/json",
    "loom/jsobj",
    "loom/arrow",
    "loom/base/absent",
    "loom/absent",
]
ID = {name: i for i, name in enumerate(SYMBOLS)}
CPUS = ID["loom/resource/cpus"]
CONST = ID["loom/data/const"]
MERGE = ID["loom/data/merge"]
RUN = ID["loom/run/run"]
PLAN_SYMBOL_BASE = 2**30
MAX = 2**31 - 1
MIN = -(2**31)


def load_messages():
    """Message classes by name, from the .proto file beside this script."""
    with tempfile.TemporaryDirectory() as directory:
        compiled = pathlib.Path(directory) / "set"
        subprocess.run(
            [
                "protoc",
                f"--proto_path={HERE}",
                f"--descriptor_set_out={compiled}",
                "client-protocol.proto",
            ],
            check=True,
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {
        message.name: class_of(pool.FindMessageTypeByName(f"loom.{message.name}"))
        for message in files.file[0].message_type
    }


def class_of(descriptor):
    # Renamed in protobuf 4.22.
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(descriptor.file.pool).GetPrototype(descriptor)


M = load_messages()
Register, Task, Plan, Request, Response, Run = (
    M[name] for name in ("Register", "Task", "Plan", "ClientRequest", "ClientResponse", "Run")
)
Error, Data, Stats = M["Error"], M["DataHeader"], M["Stats"]
Resource, Resources = M["Resource"], M["ResourceRequest"]


def value_of(field, value):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return values_of(value)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return field.enum_type.values_by_number[value].name
    if field.type == FieldDescriptor.TYPE_BYTES:
        if len(value) > 1000 and len(set(value)) == 1:
            return {"hex": value[:1].hex(), "times": len(value)}
        return {"hex": value.hex()}
    return value


def is_repeated(field):
    repeated = getattr(field, "is_repeated", None)
    return field.label == FieldDescriptor.LABEL_REPEATED if repeated is None else repeated


def values_of(message):
    """The fields that are set, as plain JSON."""
    return {
        field.name: [value_of(field, item) for item in value]
        if is_repeated(field)
        else value_of(field, value)
        for field, value in message.ListFields()
    }


def frame(body):
    return struct.pack("<Q", len(body)) + body


entries = []


def write(name, about, kind, bodies, *, framed=True, canonical=True, refused=None):
    """One file of serialized messages; their values are read back by the same runtime."""
    data = b"".join(frame(body) for body in bodies) if framed else bodies[0]
    (TARGET / f"{name}.bin").write_bytes(data)
    entry = {
        "file": f"{name}.bin",
        "about": about,
        "message": kind.DESCRIPTOR.name,
        "framed": framed,
        "frames": len(bodies),
        "canonical": canonical and refused is None,
        "values": [values_of(kind.FromString(body)) for body in bodies],
    }
    if refused is not None:
        entry["refused"] = refused
    entries.append(entry)


def message(name, about, value, **options):
    write(name, about, type(value), [value.SerializeToString(deterministic=True)], **options)


def task(task_type, config=b"", inputs=(), **optional):
    return Task(task_type=task_type, config=config, input_ids=inputs, **optional)


def request_of(*pairs):
    return Resources(resources=[Resource(resource_type=r, value=v) for r, v in pairs])


def plan_request(plan, **optional):
    return Request(type="PLAN", plan=plan, **optional)


def registers():
    message("register-client", "the original client", Register(protocol_version=2, type="CLIENT"))
    message(
        "register-client-extended",
        "a client that says what it can take",
        Register(
            protocol_version=2,
            type="CLIENT",
            client_name="notebook of Zoë",
            capabilities=["notices", "symbols", "something-new"],
        ),
    )
    message(
        "register-client-versions",
        "a client that tells the versions of its Python",
        Register(
            protocol_version=2,
            type="CLIENT",
            capabilities=["notices"],
            versions=[
                M["NamedVersion"](name="python", version="3.12.0rc1"),
                M["NamedVersion"](name="pickle-protocol", version="5"),
                M["NamedVersion"](name="something-new", version=""),
            ],
        ),
    )
    message(
        "register-client-session",
        "a client that comes back to its session",
        Register(
            protocol_version=2,
            type="CLIENT",
            capabilities=["notices", "sessions"],
            session="5f3c:12",
            session_secret=bytes(range(250, 256)) + b"\0secret",
        ),
    )
    message(
        "register-worker-original",
        "the original worker",
        Register(
            protocol_version=2,
            type="WORKER",
            port=43021,
            task_types=SYMBOLS[:4],
            data_types=SYMBOLS[16:],
            cpus=24,
        ),
    )
    message(
        "register-worker",
        "a worker of ours: extension fields, one amount above 32 bits, one of 0",
        Register(
            protocol_version=2,
            type="WORKER",
            port=65535,
            task_types=["my/count"],
            cpus=2,
            worker_protocol_version=1,
            resources=[
                M["NamedAmount"](name="loom/resource/cpus", amount=2),
                M["NamedAmount"](name="loom/resource/memory", amount=2**40),
                M["NamedAmount"](name="my/none", amount=0),
            ],
            advertised_host="10.0.0.7",
            worker_name="w" * 200,
        ),
    )
    message(
        "register-version-3",
        "a version that does not exist",
        Register(protocol_version=3, type="CLIENT"),
        refused="version",
    )
    write(
        "register-unknown-fields",
        "a registration of a later version of the program",
        Register,
        [Register(protocol_version=2, type="CLIENT").SerializeToString() + future()],
        canonical=False,
    )


def future():
    value = M["Future"](number=-1, blob=b"\x00\xff" * 100)
    value.nested.number = 7
    value.nested.inner.number = 2**32 - 1
    value.nested.inner.real = -0.5
    return value.SerializeToString()


def requests():
    for name, number in [
        ("zero", 0),
        ("one-byte", 127),
        ("two-bytes", 128),
        ("greatest", MAX),
        ("negative", -5),
        ("least", MIN),
    ]:
        message(f"fetch-{name}", f"FETCH of {number}", Request(type="FETCH", id=number))
    message("release", "RELEASE of 300", Request(type="RELEASE", id=300))
    message(
        "release-many",
        "RELEASE_MANY, for servers that announced they take it",
        Request(type="RELEASE_MANY", ids=[300, 0, MAX, MIN, -5]),
    )
    message("goodbye", "GOODBYE", Request(type="GOODBYE"))
    message(
        "attach",
        "ATTACH: two plans, results of all three states, and more to come",
        Request(
            type="ATTACH",
            held=dict(
                plan_bases=[0, 70000],
                plan_counts=[300, 1],
                run_starts=[-3, 0, 2, 70000],
                run_counts=[2, 1, 300, 1],
                run_states=bytes([1, 0, 2, 0]),
                has_more=True,
            ),
        ),
    )
    message("list-plans", "LIST_PLANS", Request(type="LIST_PLANS"))
    message("find-plan", "FIND_PLAN", Request(type="FIND_PLAN", name="nächtlich 1"))
    message("attach-plan", "ATTACH_PLAN", Request(type="ATTACH_PLAN", name="nightly", id=4711))
    message("forget-plan", "FORGET_PLAN", Request(type="FORGET_PLAN", name="nightly"))
    message("cancel-plan", "CANCEL_PLAN", Request(type="CANCEL_PLAN", name="nightly"))
    message("stats-request", "STATS", Request(type="STATS"))
    message("trace", "TRACE", Request(type="TRACE", trace_path="/tmp/trače/1"))
    message("terminate", "TERMINATE", Request(type="TERMINATE"))
    message("fetch-no-id", "FETCH of the default id, 0", Request(type="FETCH"), canonical=False)
    write(
        "fetch-last-wins",
        "fields that come twice: the last one counts",
        Request,
        [
            Request(type="RELEASE", id=1).SerializeToString()
            + Request(type="FETCH", id=2).SerializeToString()
        ],
        canonical=False,
    )
    write(
        "pipelined",
        "several requests in one segment",
        Request,
        [
            value.SerializeToString()
            for value in (
                plan_request(Plan(tasks=[task(CONST, b"x", result=True)], id_base=0)),
                Request(type="STATS"),
                Request(type="FETCH", id=0),
                Request(type="RELEASE", id=0),
                Request(type="TERMINATE"),
            )
        ],
    )


def plans():
    message("plan-empty", "no task at all", plan_request(Plan(id_base=0)))
    message(
        "plan-hello",
        "two constants, merged; inputs as the original writes them",
        plan_request(
            Plan(
                tasks=[
                    task(CONST, b"Hello "),
                    task(CONST, b"world!"),
                    task(MERGE, b"", [0, 1, 0], result=True),
                ],
                id_base=0,
            )
        ),
    )
    types = [i for i, name in enumerate(SYMBOLS[:16]) if i != CPUS] + [PLAN_SYMBOL_BASE]
    message(
        "plan-all-types",
        "every task type, each with the task before it as its input, the last one an extension",
        plan_request(
            Plan(
                tasks=[
                    task(t, b"/x", [] if i == 0 else [999 + i]) for i, t in enumerate(types)
                ],
                id_base=1000,
                symbols=["my/count"],
            ),
            load_checkpoints=True,
        ),
    )
    message(
        "plan-optional-fields",
        "all fields of a task, alone and together; texts that are not ASCII",
        plan_request(
            Plan(
                resource_requests=[request_of((CPUS, 1)), request_of((CPUS, 130))],
                tasks=[
                    task(CONST, b"", label="load: číslo 1"),
                    task(CONST, b"", metadata=b"\x00\xff\x80"),
                    task(CONST, b"", checkpoint_path="/data/čára"),
                    task(CONST, b"", result=True),
                    task(CONST, b"", resource_request_index=1),
                    task(
                        MERGE,
                        b"\n",
                        [70000, 70004, 12],
                        resource_request_index=0,
                        result=True,
                        checkpoint_path="/c",
                        label="𝛼",
                        metadata=b"m" * 150,
                    ),
                ],
                id_base=70000,
            )
        ),
    )
    message(
        "plan-explicit-defaults",
        "optional fields set to their defaults",
        plan_request(
            Plan(
                tasks=[
                    task(
                        CONST,
                        b"",
                        resource_request_index=-1,
                        result=False,
                        checkpoint_path="",
                        label="",
                        metadata=b"",
                    )
                ],
                id_base=0,
            ),
            load_checkpoints=False,
        ),
        canonical=False,
    )
    message(
        "plan-negative-base",
        "ids below 0",
        plan_request(
            Plan(tasks=[task(CONST), task(CONST), task(MERGE, b"", [-2, -1, -100])], id_base=-2)
        ),
    )
    message(
        "plan-least-base",
        "ids from the least int32 on",
        plan_request(Plan(tasks=[task(CONST), task(MERGE, b"", [MIN])], id_base=MIN)),
    )
    message(
        "plan-greatest-id",
        "ids up to the greatest int32",
        plan_request(Plan(tasks=[task(CONST), task(MERGE, b"", [MAX - 1])], id_base=MAX - 1)),
    )
    message(
        "plan-ids-beyond-int32",
        "ids beyond the greatest int32",
        plan_request(Plan(tasks=[task(CONST), task(CONST)], id_base=MAX)),
        refused="ids",
    )
    message(
        "plan-named",
        "a plan that lives without its client",
        Request(
            type="PLAN",
            plan=Plan(
                tasks=[
                    task(CONST, b"a"),
                    task(CONST, b"b", result=True, label="b"),
                    task(MERGE, b"", [10, 11], result=True),
                ],
                id_base=10,
            ),
            named=dict(
                name="nächtlich", nonce=b"\x00\xff123456", roots=[2, 1, 2], labels=["", "b", ""]
            ),
        ),
    )
    message(
        "plan-requests",
        "requests of several resources, of none, and of an extension",
        plan_request(
            Plan(
                resource_requests=[
                    request_of(),
                    request_of((CPUS, 4), (PLAN_SYMBOL_BASE + 1, 2)),
                    request_of((PLAN_SYMBOL_BASE + 1, MAX)),
                ],
                tasks=[
                    task(PLAN_SYMBOL_BASE, b"", resource_request_index=1),
                    task(PLAN_SYMBOL_BASE, b""),
                    task(PLAN_SYMBOL_BASE, b"", resource_request_index=1),
                    task(RUN, Run(args=[b"ls"]).SerializeToString(), resource_request_index=2),
                ],
                id_base=0,
                symbols=["my/count", "loom/resource/gpus"],
            )
        ),
    )
    message(
        "plan-long-configs",
        "lengths of two and three bytes",
        plan_request(
            Plan(
                tasks=[task(CONST, b"a" * n) for n in (127, 128, 16383, 16384, 100_000)], id_base=0
            )
        ),
    )
    message(
        "plan-thousand-tasks",
        "more rows than a first guess has, three inputs each",
        plan_request(
            Plan(
                tasks=[
                    task(MERGE, b"", [j for j in (i - 1, i // 2, i // 3) if 0 <= j < i])
                    for i in range(1000)
                ],
                id_base=0,
            )
        ),
    )
    other_shapes()


def other_shapes():
    """Plans that say the same in other bytes, made by joining serialized parts."""
    head = [task(CONST, b"a"), task(CONST, b"b")]
    packed = M["PackedTask"](input_ids=[0, 1, 1]).SerializeToString()

    def with_last_task(task_bytes, after=b""):
        plan = Plan(tasks=head).SerializeToString()
        plan += as_field_2(task_bytes) + Plan(id_base=0).SerializeToString() + after
        return Request(type="PLAN").SerializeToString() + as_field_2(plan)

    write(
        "plan-packed-inputs",
        "input_ids as one packed list",
        Request,
        [with_last_task(task(MERGE).SerializeToString() + packed)],
        canonical=False,
    )
    write(
        "plan-mixed-inputs",
        "input_ids packed, unpacked, packed",
        Request,
        [
            with_last_task(
                packed
                + task(MERGE, b"", [0]).SerializeToString()
                + M["PackedTask"](input_ids=[1]).SerializeToString()
            )
        ],
        canonical=False,
    )
    write(
        "plan-repeated-fields",
        "fields of a task that come twice: the last one counts, lists go on",
        Request,
        [
            with_last_task(
                task(CONST, b"first", [0], label="first").SerializeToString()
                + task(MERGE, b"last", [1], label="last").SerializeToString()
            )
        ],
        canonical=False,
    )
    write(
        "plan-unknown-fields",
        "unknown fields, groups among them, in a task, a plan and a request",
        Request,
        [with_last_task(future() + task(MERGE, b"", [0]).SerializeToString(), future()) + future()],
        canonical=False,
    )
    plan = (
        Plan(id_base=9).SerializeToString()
        + Plan(symbols=["my/count"]).SerializeToString()
        + Plan(
            tasks=[task(CONST, b"a", resource_request_index=0), task(PLAN_SYMBOL_BASE, b"", [9])]
        ).SerializeToString()
        + Plan(resource_requests=[request_of((CPUS, 1))]).SerializeToString()
    )
    write(
        "plan-fields-in-other-order",
        "requests after tasks, id_base first, the request's type last",
        Request,
        [as_field_2(plan) + Request(type="PLAN").SerializeToString()],
        canonical=False,
    )


def as_field_2(data):
    """Those bytes as a length-delimited field 2, which `plan` and `tasks` are in their messages."""
    return M["EnvVar"](value=data).SerializeToString()


def refused_plans():
    for name, about, plan in [
        ("unknown-type", "a symbol that nobody has", Plan(tasks=[task(9999)])),
        ("resource-as-type", "a task type that is a resource", Plan(tasks=[task(CPUS)])),
        (
            "unknown-plan-symbol",
            "a symbol that the plan lacks",
            Plan(tasks=[task(PLAN_SYMBOL_BASE)]),
        ),
        (
            "forward-input",
            "an input that comes later",
            Plan(tasks=[task(MERGE, b"", [6]), task(CONST)], id_base=5),
        ),
        (
            "own-input",
            "a task that needs itself",
            Plan(tasks=[task(CONST), task(MERGE, b"", [1])], id_base=0),
        ),
        (
            "request-index",
            "a request that the plan lacks",
            Plan(tasks=[task(CONST, resource_request_index=0)]),
        ),
        (
            "request-index-negative",
            "request -2",
            Plan(tasks=[task(CONST, resource_request_index=-2)]),
        ),
        ("negative-amount", "-1 cpus", Plan(resource_requests=[request_of((CPUS, -1))])),
        (
            "resource-twice",
            "cpus twice",
            Plan(resource_requests=[request_of((CPUS, 1), (CPUS, 1))]),
        ),
        (
            "type-as-resource",
            "a resource that is a task type",
            Plan(resource_requests=[request_of((CONST, 1))]),
        ),
    ]:
        message(f"refused-{name}", about, plan_request(plan), refused=name)


def runs():
    def run(name, about, value):
        message(f"run-{name}", about, value, framed=False)

    run("empty", "nothing", Run())
    run("simple", "arguments alone", Run(args=[b"/bin/ls", b"-l", b""]))
    run(
        "maps",
        "mapped inputs and outputs",
        Run(args=[b"sort", b"$in"], map_inputs=[b"+in", b"$in"], map_outputs=[b"+out", b"d/x"]),
    )
    run(
        "not-utf8",
        "bytes that are not UTF-8 everywhere",
        Run(
            args=[b"\xff\xfe", b"\xc3("],
            map_inputs=[b"\x80"],
            map_outputs=[b"a\xffb"],
            env=[M["EnvVar"](name=b"N\xff", value=b"\x80\x81")],
            paths=[b"/\xff"],
        ),
    )
    run(
        "extended",
        "environment, time limit, paths",
        Run(
            args=[b"a" * 200],
            env=[
                M["EnvVar"](name=b"A", value=b""),
                M["EnvVar"](name=b"LONG", value=b"x" * 300),
            ],
            time_limit_ms=2**40,
            paths=[b"/opt/tool/bin", b"/opt/other"],
        ),
    )


def responses():
    message(
        "data",
        "DATA of one frame",
        Response(type="DATA", data=Data(id=3, n_messages=1, type_id=16)),
    )
    message(
        "data-many-frames",
        "DATA of 2^40 frames",
        Response(type="DATA", data=Data(id=-3, n_messages=2**40, type_id=17)),
    )
    message("task-finished", "TASK_FINISHED", Response(type="TASK_FINISHED", id=5))
    write(
        "task-finished-batch",
        "TASK_FINISHED frames in a row, ids of every length",
        Response,
        [
            Response(type="TASK_FINISHED", id=i).SerializeToString()
            for i in [0, 1, 127, 128, 16383, 16384, 2**21, 2**28, MAX, -1, MIN, *range(100)]
        ],
    )
    message(
        "task-failed",
        "TASK_FAILED as old clients know it",
        Response(
            type="TASK_FAILED",
            error=Error(
                id=7,
                worker="127.0.0.1:4021",
                error_msg="Program terminated with status 1\nStderr:\nčíslo\n",
            ),
        ),
    )
    message(
        "task-failed-extended",
        "TASK_FAILED with all that we tell",
        Response(
            type="TASK_FAILED",
            error=Error(
                id=-7,
                worker="[::1]:4021",
                error_msg="m" * 300,
                exit_code=139,
                signal="SIGSEGV",
                stderr=b"\xff\x00 not UTF-8",
                attempts=3,
                label="sort: 5",
                cause_id=-1,
            ),
        ),
    )
    message(
        "task-failed-alone",
        "TASK_FAILED of a task whose plan goes on",
        Response(
            type="TASK_FAILED",
            error=Error(
                id=9,
                error_msg="Needs task 7 which failed: no",
                attempts=0,
                cause_id=7,
                kind="input-failed",
                plan_goes_on=True,
                story=["Attempt 1 on a:1: timed-out: late", "Attempt 2: error: no"],
            ),
        ),
    )
    message("error", "ERROR", Response(type="ERROR", error=Error(error_msg="Invalid id: 12")))
    message(
        "dictionary",
        "DICTIONARY of all built-in symbols",
        Response(type="DICTIONARY", symbols=SYMBOLS),
    )
    message(
        "stats",
        "STATS",
        Response(type="STATS", stats=Stats(n_workers=4, n_data_objects=70000)),
    )
    message(
        "notice",
        "NOTICE, for clients that announced they take it",
        Response(type="NOTICE", error=Error(id=1, error_msg="no worker has 99 cpus")),
    )
    message(
        "dictionary-capabilities",
        "DICTIONARY of a server that takes more than the original protocol",
        Response(type="DICTIONARY", symbols=["a", "b"], capabilities=["releases"]),
    )
    message(
        "dictionary-session",
        "DICTIONARY with what a client may come back with",
        Response(
            type="DICTIONARY",
            symbols=["a"],
            capabilities=["sessions"],
            session="5f3c:12",
            session_secret=b"\xff\x00secret",
            grace_ms=30000,
        ),
    )
    message(
        "plan-accepted",
        "PLAN_ACCEPTED of a chunk",
        Response(type="PLAN_ACCEPTED", id=8192, task_count=300),
    )
    message(
        "attached",
        "ATTACHED: two unknown plans, and one of which chunks are to come",
        Response(
            type="ATTACHED",
            attached=dict(unknown_plans=[70000, -1], open_plan=5, open_plan_tasks=16384),
        ),
    )
    message(
        "attached-all",
        "ATTACHED: everything is known",
        Response(type="ATTACHED", attached=dict(unknown_plans=[3], open_plan=-1, open_plan_tasks=0)),
    )
    message("plans", "PLANS", Response(type="PLANS", json='[{"name":"nächtlich"}]'))
    message(
        "plan",
        "PLAN, the answer about one",
        Response(
            type="PLAN", json='{"name":"nightly"}', roots=[2, 1, 2], labels=["", "b", "merge: é"]
        ),
    )
    message(
        "farewell",
        "FAREWELL",
        Response(type="FAREWELL", error=Error(error_msg="it was stopped")),
    )
    message(
        "results-finished",
        "RESULTS_FINISHED: many ids, no values",
        Response(type="RESULTS_FINISHED", finished=dict(ids=[0, 1, -1, 2**31 - 1, -(2**31)])),
    )
    message(
        "results-finished-carried",
        "RESULTS_FINISHED of three tasks, with the values of the first and the last",
        Response(
            type="RESULTS_FINISHED",
            finished=dict(
                ids=[7, 300, -2],
                positions=[0, 2],
                type_ids=[ID["loom/data"], ID["loom/array"]],
                frame_counts=[1, 2],
                sizes=[13, 21],
                frames=frame(b"hello") + frame(struct.pack("<I", ID["loom/data"])) + frame(b"!"),
            ),
        ),
    )
    write(
        "response-unknown-fields",
        "a response of a later version of the server",
        Response,
        [future() + Response(type="TASK_FINISHED", id=5).SerializeToString() + future()],
        canonical=False,
    )


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("*.bin"):
        old.unlink()
    registers()
    requests()
    plans()
    refused_plans()
    runs()
    responses()
    # A line a file: diffs stay readable, and a plan of a thousand tasks does not fill screens.
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    about, symbols = json.dumps(ABOUT), json.dumps(SYMBOLS)
    (TARGET / "index.json").write_text(
        f'{{"about": {about},\n"symbols": {symbols},\n"files": [\n{lines}\n]}}\n'
    )
    print(f"{len(entries)} files in {TARGET}")


main()
