"""What a plan is made of: tasks and what they ask for."""

import math
import re
from typing import Dict, Iterable, Optional, Sequence, Tuple, Union

from .errors import LoomError
from .policies import OptionalInput, Rules, make_policy

_RESOURCE_PREFIX = "loom/resource/"
_MAX_AMOUNT = 2**31 - 1


def _memory_amount(text: str) -> int:
    """A size in units of MiB, rounded up."""
    found = re.match(r"^(\d+(?:\.\d+)?)([KMGT])(?:i?B)?$", text, re.IGNORECASE)
    if found is None:
        raise LoomError(
            f'An amount of memory must be a size such as "2G", or a number of MiB, not {text!r}'
        )
    size = float(found[1]) * 1024.0 ** ("KMGT".index(found[2].upper()) + 1)
    return math.ceil(size / 2**20)


class ResourceRequest:
    """What a task needs while it runs: whole amounts of named resources."""

    __slots__ = ("resources",)

    def __init__(self) -> None:
        #: Amounts by full name, such as `loom/resource/cpus`.
        self.resources: Dict[str, int] = {}

    def add_resource(self, name: str, value: Union[int, str]) -> None:
        """Asks for `value` of a resource. A name without a slash, such as `gpus`, is short for
        `loom/resource/gpus`. `memory` is a size such as "2G" or "512M", in powers of 1024, or a
        number of MiB; whoever uses more than that is ended."""
        if name == "memory" and isinstance(value, str):
            value = _memory_amount(value)
        if not isinstance(value, int) or not 0 <= value <= _MAX_AMOUNT:
            raise LoomError(
                f"An amount of {name} must be a whole number from 0 to 2^31 - 1, not {value!r}"
            )
        self.resources[name if "/" in name else _RESOURCE_PREFIX + name] = value

    @property
    def key(self) -> Tuple[Tuple[str, int], ...]:
        """Equal for equal requests."""
        return tuple(sorted(self.resources.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceRequest) and self.resources == other.resources

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<ResourceRequest {self.resources}>"


#: Label, metadata, checkpoint path and rules of a task.
Extras = Tuple[Optional[str], Union[str, bytes, None], Optional[str], Optional[Rules]]
_NO_EXTRAS: Extras = (None, None, None, None)


class Task:
    """One unit of work, which makes one data object. Made by the functions of `loom.client.tasks`.

    Plans have millions of these, so they have few slots (Python's collector visits each of them),
    and what is unusual is checked at submit.
    """

    __slots__ = ("task_type", "inputs", "config", "resource_request", "_extras", "_mark")

    #: A symbol such as `loom/data/merge`.
    task_type: Optional[str]
    #: Tasks and futures, in the order in which the task sees them.
    inputs: Sequence[object]
    #: What the task type wants to know.
    config: Union[str, bytes]
    #: What it needs while it runs; None is nothing.
    resource_request: Optional[ResourceRequest]
    # What few tasks have; None where it has nothing of it.
    _extras: Optional[Extras]
    # Of the plan that is being encoded: see plan/order.py.
    _mark: int

    def __init__(
        self,
        task_type: Optional[str] = None,
        inputs: Sequence[object] = (),
        config: Union[str, bytes] = b"",
        resource_request: Optional[ResourceRequest] = None,
    ) -> None:
        self.task_type = task_type
        self.inputs = inputs
        self.config = config
        self.resource_request = resource_request
        self._extras = None
        self._mark = -1
        if OptionalInput.used and any(type(item) is OptionalInput for item in inputs):
            self._take_optional(inputs)

    def _take_optional(self, inputs: Sequence[object]) -> None:
        places = tuple(i for i, item in enumerate(inputs) if type(item) is OptionalInput)
        self.inputs = tuple(
            item.input if isinstance(item, OptionalInput) else item for item in inputs
        )
        self._set_rules(Rules(optional=places))

    @property
    def label(self) -> Optional[str]:
        """Names the task in errors and traces; the text up to the first `:` is its group."""
        return (self._extras or _NO_EXTRAS)[0]

    @label.setter
    def label(self, label: Optional[str]) -> None:
        self._extras = (label, *(self._extras or _NO_EXTRAS)[1:])

    @property
    def metadata(self) -> Union[str, bytes, None]:
        """Travels with the task into traces; the server never reads it."""
        return (self._extras or _NO_EXTRAS)[1]

    @metadata.setter
    def metadata(self, metadata: Union[str, bytes, None]) -> None:
        label, _, path, rules = self._extras or _NO_EXTRAS
        self._extras = (label, metadata, path, rules)

    @property
    def checkpoint_path(self) -> Optional[str]:
        """Absolute path to which the result is also written, and from which it can be loaded."""
        return (self._extras or _NO_EXTRAS)[2]

    @checkpoint_path.setter
    def checkpoint_path(self, path: Optional[str]) -> None:
        label, metadata, _, rules = self._extras or _NO_EXTRAS
        self._extras = (label, metadata, path, rules)

    def policy(
        self,
        *,
        retries: Optional[int] = None,
        retry_on: Optional[Iterable[str]] = None,
        backoff: Optional[float] = None,
        backoff_factor: Optional[float] = None,
        backoff_max: Optional[float] = None,
        priority: Optional[int] = None,
        crash_limit: Optional[int] = None,
    ) -> "Task":
        """Says what is done when the task fails, and when it runs; returns the task.

        retries: how often it is tried again after it failed. The loss of a worker is no failure.
        retry_on: after which failures: "error", "program-failed", "timed-out", "out-of-memory",
            "disk-full"; default: any.
        backoff: seconds before the first retry; default: 1. Each later wait is `backoff_factor`
            times as long, 2 by default, up to `backoff_max`, 60 by default.
        priority: from -1000 to 1000: greater runs first, whatever else waits.
        crash_limit: how many workers may be lost while they run it, before it fails.
        """
        policy = make_policy(
            retries, retry_on, backoff, backoff_factor, backoff_max, priority, crash_limit
        )
        self._set_rules(self._rules()._replace(policy=policy))
        return self

    def _rules(self) -> Rules:
        return (self._extras or _NO_EXTRAS)[3] or Rules()

    def _set_rules(self, rules: Rules) -> None:
        label, metadata, path, _ = self._extras or _NO_EXTRAS
        self._extras = (label, metadata, path, rules)

    def __getstate__(self) -> Tuple[object, ...]:
        # Without the mark, which means nothing in a copy or another process.
        return (self.task_type, self.inputs, self.config, self.resource_request, self._extras)

    def __setstate__(self, state: Tuple[object, ...]) -> None:
        (self.task_type, self.inputs, self.config, self.resource_request, self._extras) = state  # type: ignore[assignment]
        self._mark = -1

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label else ""
        return f"<Task {self.task_type}{label}>"
