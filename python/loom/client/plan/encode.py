"""From ordered tasks to the frame of a PLAN request."""

import functools
import os.path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ..errors import LoomError
from ..policies import PlanRules, Policy, Rules, merged
from ..task import Extras, ResourceRequest, Task
from ..wire.fields import bytes_field, int_field
from ..wire.varint import TABLE_SIZE, encode_varint, varint_tables
from .order import OrderedPlan

#: The most that protobuf's int32 lengths can express.
MAX_PLAN_BYTES = 2**31 - 1
#: In a plan, the symbol id PLAN_SYMBOL_BASE + i means `symbols[i]` of that plan.
PLAN_SYMBOL_BASE = 2**30

_TYPE_PLAN = 1
#: No task has this config.
_NO_CONFIG = object()
#: Ids below this take two look-ups.
_TABLES_END = TABLE_SIZE * TABLE_SIZE
#: Tasks whose bytes are joined at a time: few joins, and little memory for the pieces.
_CHUNK_TASKS = 8192


class PlanEncoder:
    """Writes one plan:

    | length | type | plan's length | requests | tasks ... | id_base, symbols | load_checkpoints, rest |

    `symbol_ids` is the server's dictionary. What is not in it, such as the task type of an
    extension, is named in the plan itself.
    """

    def __init__(self, symbol_ids: Mapping[str, int], rules: Optional[PlanRules] = None) -> None:
        self._symbol_ids = symbol_ids
        self._rules = rules
        self._policy_rows: Dict[Policy, int] = {}
        self._plan_symbols: Dict[str, int] = {}
        self._request_rows: Dict[Tuple[Tuple[str, int], ...], int] = {}
        self._requests: List[bytes] = []
        # What each task type's tasks begin with.
        self._heads: Dict[Optional[str], bytes] = {}

    def symbol_id(self, name: str) -> int:
        """The id of a task type or resource in this plan."""
        known = self._symbol_ids.get(name)
        if known is not None:
            return known
        return self._plan_symbols.setdefault(name, PLAN_SYMBOL_BASE + len(self._plan_symbols))

    def request_row(self, request: ResourceRequest) -> int:
        """The index of a request in this plan; equal requests share one."""
        row = self._request_rows.get(request.key)
        if row is None:
            resources = (
                int_field(0x08, self.symbol_id(name)) + int_field(0x10, amount)
                for name, amount in request.resources.items()
            )
            self._requests.append(b"".join(bytes_field(0x0A, item) for item in resources))
            row = self._request_rows[request.key] = len(self._requests) - 1
        return row

    def encode(
        self,
        plan: OrderedPlan,
        is_result: bytearray,
        id_base: int,
        load_checkpoints: bool,
        rest: bytes = b"",
    ) -> List[Union[bytes, bytearray]]:
        """The frame in pieces. Entry i of `is_result` is 1 if task i is a result; `rest` are more
        fields of the request. Raises LoomError for what a task must not have, and for a plan that is
        longer than a server takes."""
        tasks = self._encode_tasks(plan, is_result, id_base)
        head = b"".join(bytes_field(0x0A, request) for request in self._requests)
        tail = int_field(0x20, id_base)
        tail += b"".join(bytes_field(0x192, name) for name in self._plan_symbols)
        tail += self._encode_rules()
        plan_bytes = len(head) + len(tasks) + len(tail)
        start = int_field(0x08, _TYPE_PLAN) + b"\x12" + encode_varint(plan_bytes)
        if load_checkpoints:
            tail += int_field(0x20, 1)
        tail += rest
        body_bytes = len(start) + len(head) + len(tasks) + len(tail)
        if body_bytes > MAX_PLAN_BYTES:
            raise LoomError(
                f"The plan is too large: {body_bytes} bytes, of which a server takes at most "
                f"{MAX_PLAN_BYTES}. Submit it in parts, or let tasks.open read its data"
            )
        head = body_bytes.to_bytes(8, "little") + start + head
        # One piece where that is cheap, so that a small plan is one segment on the wire.
        return [head + tasks + tail] if len(tasks) < 65536 else [head, tasks, tail]

    def policy_row(self, policy: Policy) -> int:
        """The index of a policy in this plan; equal ones share one."""
        return self._policy_rows.setdefault(policy, len(self._policy_rows))

    def _encode_rules(self) -> bytes:
        rules = self._rules
        fields = b""
        if rules is not None:
            if rules.keeps_going:
                fields += int_field(0x1E8, 1)
            if rules.priority != 0:
                fields += int_field(0x1F0, rules.priority)
            if rules.policy:
                fields += int_field(0x1F8, self.policy_row(rules.policy))
        for policy in self._policy_rows:
            encoded = b"".join(int_field(tag, value) for tag, value in policy)
            fields += bytes_field(0x1E2, encoded)
        return fields

    def _rule_fields(self, rules: Rules) -> bytes:
        fields = b""
        if rules.policy is not None:
            base = self._rules.policy if self._rules is not None else ()
            fields += int_field(0x1E0, self.policy_row(merged(rules.policy, base)))
        if rules.optional:
            fields += bytes_field(0x1EA, b"".join(map(encode_varint, rules.optional)))
        return fields

    def _encode_tasks(self, plan: OrderedPlan, is_result: bytearray, id_base: int) -> bytearray:
        encoded = bytearray()
        # From a task's mark to its id.
        shift = id_base - plan.mark_base
        in_tables = 0 <= id_base < _TABLES_END - len(plan.tasks)
        for start in range(0, len(plan.tasks), _CHUNK_TASKS):
            end = start + _CHUNK_TASKS
            chunk = plan.tasks[start:end]
            encoded += self._encode_chunk(chunk, is_result[start:end], shift, in_tables)
        return encoded

    def _encode_chunk(
        self, tasks: List[Task], is_result: bytearray, shift: int, in_tables: bool
    ) -> bytes:
        """The hot loop: less than a microsecond for a task, hence look-ups instead of calls."""
        last, _ = varint_tables()
        input_last, input_more, task_last = _tagged_tables()
        heads = self._heads
        # Most tasks begin as the one before does.
        last_type: Optional[str] = None
        last_config: object = _NO_CONFIG
        start = b""
        tail_request: Optional[ResourceRequest] = None
        request_tail = b""
        last_extras: Optional[Extras] = None
        extra_fields = b""
        pieces: List[bytes] = []
        append = pieces.append
        for task, result in zip(tasks, is_result):
            config = task.config
            if config is not last_config or task.task_type is not last_type:
                last_config = config
                if type(config) is str:
                    config = config.encode()
                elif type(config) is not bytes:
                    # What may be changed is not known by what it was.
                    last_config = _NO_CONFIG
                    config = _bytes_of(config, task, "config")
                last_type = task.task_type
                head = heads.get(last_type)
                if head is None:
                    head = heads[last_type] = self._head_of(task)
                size = len(config)
                start = head + (last[size] if size < TABLE_SIZE else encode_varint(size)) + config
            body = start
            inputs = task.inputs
            if inputs:
                if len(inputs) == 1 and in_tables and type(inputs[0]) is Task:
                    number = inputs[0]._mark + shift
                    if number < TABLE_SIZE:
                        body += input_last[number]
                    else:
                        body += input_more[number & 0x3FFF] + last[number >> 14]
                else:
                    body += _input_fields(inputs, shift, in_tables)
            request = task.resource_request
            if request is not None:
                if request is not tail_request:
                    tail_request, request_tail = request, self._request_tail(task)
                body += request_tail
            if result:
                body += b"\x30\x01"
            extras = task._extras
            if extras is not None:
                if extras is not last_extras:
                    last_extras, extra_fields = extras, _extra_fields(task)
                    if extras[3] is not None:
                        extra_fields += self._rule_fields(extras[3])
                body += extra_fields
            size = len(body)
            if size < TABLE_SIZE:
                append(task_last[size] + body)
            else:
                append(b"\x12" + encode_varint(size) + body)
        return b"".join(pieces)

    def _head_of(self, task: Task) -> bytes:
        """The type of a task and the tag of its config."""
        if not isinstance(task.task_type, str):
            raise LoomError(
                f"A task type is a name such as loom/data/const, not {task.task_type!r}"
            )
        return int_field(0x08, self.symbol_id(task.task_type)) + b"\x12"

    def _request_tail(self, task: Task) -> bytes:
        request = task.resource_request
        if not isinstance(request, ResourceRequest):
            raise LoomError(
                f"The resource_request of {task!r} must be a ResourceRequest, such as "
                f"tasks.cpus(2), not {request!r}"
            )
        return int_field(0x28, self.request_row(request)) if request.resources else b""


@functools.cache
def _tagged_tables() -> Tuple[List[bytes], List[bytes], List[bytes]]:
    """Those of `varint_tables` behind the tag of an input, and the first behind that of a task."""
    last, more = varint_tables()
    return (
        [b"\x18" + number for number in last],
        [b"\x18" + number for number in more],
        [b"\x12" + number for number in last],
    )


def _input_fields(inputs: Sequence[object], shift: int, in_tables: bool) -> bytes:
    """The `input_ids` of a task, whose inputs are known to be tasks and futures. Not packed, as the
    original wrote them."""
    numbers = [item._mark + shift if type(item) is Task else _id_of(item, shift) for item in inputs]
    if in_tables and min(numbers) >= 0:
        last, more = varint_tables()
        fields = [
            more[number & 0x3FFF] + last[number >> 14] if number >= TABLE_SIZE else last[number]
            for number in numbers
        ]
    else:
        fields = [encode_varint(number) for number in numbers]
    return b"\x18" + b"\x18".join(fields)


def _id_of(item: object, shift: int) -> int:
    return item._mark + shift if isinstance(item, Task) else item.task_id  # type: ignore[attr-defined]


def _extra_fields(task: Task) -> bytes:
    """What few tasks have. An empty text is as good as none."""
    path = task.checkpoint_path
    if path and not os.path.isabs(path):
        raise LoomError(f"The checkpoint_path of {task!r} must be absolute, but is {path!r}")
    metadata = task.metadata
    if metadata is not None:
        metadata = _bytes_of(metadata, task, "metadata")
    return (
        bytes_field(0x3A, path or None)
        + bytes_field(0x62, task.label or None)
        + bytes_field(0x6A, metadata)
    )


def _bytes_of(value: object, task: Task, name: str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise LoomError(f"The {name} of {task!r} must be str or bytes, not {type(value).__name__}")
