"""What a plan is made of: tasks and what they ask for."""

from typing import Dict, Optional, Sequence, Tuple, Union

from .errors import LoomError

_RESOURCE_PREFIX = "loom/resource/"
_MAX_AMOUNT = 2**31 - 1


class ResourceRequest:
    """What a task needs while it runs: whole amounts of named resources."""

    __slots__ = ("resources",)

    def __init__(self) -> None:
        #: Amounts by full name, such as `loom/resource/cpus`.
        self.resources: Dict[str, int] = {}

    def add_resource(self, name: str, value: int) -> None:
        """Asks for `value` of a resource. A name without a slash, such as `gpus`, is short for
        `loom/resource/gpus`."""
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


class Task:
    """One unit of work, which makes one data object. Made by the functions of `loom.client.tasks`.

    Plans have millions of these, so they have slots, and what is unusual is checked at submit.
    """

    __slots__ = (
        "task_type",
        "inputs",
        "config",
        "resource_request",
        "label",
        "metadata",
        "checkpoint_path",
        "_mark",
    )

    #: A symbol such as `loom/data/merge`.
    task_type: Optional[str]
    #: Tasks and futures, in the order in which the task sees them.
    inputs: Sequence[object]
    #: What the task type wants to know.
    config: Union[str, bytes]
    #: What it needs while it runs; None is nothing.
    resource_request: Optional[ResourceRequest]
    #: Names the task in errors and traces; the text up to the first `:` is its group.
    label: Optional[str]
    #: Travels with the task into traces; the server never reads it.
    metadata: Union[str, bytes, None]
    #: Absolute path to which the result is also written.
    checkpoint_path: Optional[str]
    # Of the plan that is being encoded: see plan/order.py.
    _mark: int

    def __init__(
        self,
        task_type: Optional[str] = None,
        inputs: Sequence[object] = (),
        config: Union[str, bytes] = b"",
        resource_request: Optional[ResourceRequest] = None,
        label: Optional[str] = None,
        metadata: Union[str, bytes, None] = None,
        checkpoint_path: Optional[str] = None,
    ) -> None:
        self.task_type = task_type
        self.inputs = inputs
        self.config = config
        self.resource_request = resource_request
        self.label = label
        self.metadata = metadata
        self.checkpoint_path = checkpoint_path
        self._mark = -1

    def __reduce__(self):  # type: ignore[no-untyped-def]
        # Without the mark, which means nothing in a copy or another process.
        return (
            self.__class__,
            (
                self.task_type,
                self.inputs,
                self.config,
                self.resource_request,
                self.label,
                self.metadata,
                self.checkpoint_path,
            ),
        )

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label else ""
        return f"<Task {self.task_type}{label}>"
