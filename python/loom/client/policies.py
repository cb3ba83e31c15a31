"""What is done when tasks fail, and which run first."""

from typing import Dict, Iterable, NamedTuple, Optional, Tuple

from .errors import LoomError

#: Kinds of failures, by their bits on the wire.
_KIND_BITS: Dict[str, int] = {
    "error": 1,
    "program-failed": 2,
    "timed-out": 4,
    "out-of-memory": 8,
    "disk-full": 128,
}
_PRIORITY_MAX = 1000
_ATTEMPTS_MAX = 1_000_000
_SECONDS_MAX = 366 * 24 * 3600

#: Values by their fields on the wire, of those that are not the default. Hashable.
Policy = Tuple[Tuple[int, int], ...]


class Rules(NamedTuple):
    """What few tasks have."""

    #: None where the task says nothing.
    policy: Optional[Policy] = None
    #: Positions of inputs that may fail, ascending.
    optional: Tuple[int, ...] = ()


class PlanRules(NamedTuple):
    """What holds for a plan as a whole."""

    keeps_going: bool = False
    priority: int = 0
    #: Of the tasks that do not say otherwise.
    policy: Policy = ()


class OptionalInput:
    """An input that may fail; made by `tasks.optional`."""

    __slots__ = ("input",)

    #: So long as nobody makes one, tasks do not look for them.
    used = False

    def __init__(self, input: object) -> None:
        OptionalInput.used = True
        self.input = input

    def __repr__(self) -> str:
        return f"<OptionalInput {self.input!r}>"


def make_policy(
    retries: Optional[int] = None,
    retry_on: Optional[Iterable[str]] = None,
    backoff: Optional[float] = None,
    backoff_factor: Optional[float] = None,
    backoff_max: Optional[float] = None,
    priority: Optional[int] = None,
    crash_limit: Optional[int] = None,
) -> Policy:
    """The policy that these make; what is None is as elsewhere. Raises LoomError."""
    fields: Dict[int, int] = {}
    if retries is not None:
        fields[0x08] = 1 + _whole("retries", retries, 0, _ATTEMPTS_MAX - 1)
    if backoff is not None:
        fields[0x10] = _milliseconds("backoff", backoff)
    if retry_on is not None:
        fields[0x18] = _bits_of(retry_on)
    if priority is not None:
        fields[0x28] = check_priority(priority)
    if crash_limit is not None:
        fields[0x30] = _whole("crash_limit", crash_limit, 1, _ATTEMPTS_MAX)
    if backoff_max is not None:
        fields[0x38] = _milliseconds("backoff_max", backoff_max)
    if backoff_factor is not None:
        fields[0x40] = round(_in_range("backoff_factor", backoff_factor, 1, 1000) * 100)
    return tuple(sorted(fields.items()))


def merged(policy: Policy, base: Policy) -> Policy:
    """The policy, with what it does not say from `base`."""
    return tuple(sorted({**dict(base), **dict(policy)}.items()))


def check_priority(priority: int) -> int:
    return _whole("priority", priority, -_PRIORITY_MAX, _PRIORITY_MAX)


def make_plan_rules(
    on_failure: str = "fail-fast", priority: int = 0, **policy: object
) -> Optional[PlanRules]:
    """None where all is as usual. Raises LoomError."""
    if on_failure not in ("fail-fast", "keep-going"):
        raise LoomError(f"on_failure is 'fail-fast' or 'keep-going', not {on_failure!r}")
    rules = PlanRules(
        on_failure == "keep-going",
        check_priority(priority),
        make_policy(**policy),  # type: ignore[arg-type]
    )
    return None if rules == PlanRules() else rules


def _bits_of(kinds: Iterable[str]) -> int:
    if isinstance(kinds, str):
        kinds = (kinds,)
    bits = 0
    for kind in kinds:
        if kind not in _KIND_BITS:
            raise LoomError(f"retry_on takes {', '.join(_KIND_BITS)}, not {kind!r}")
        bits |= _KIND_BITS[kind]
    return bits


def _milliseconds(name: str, seconds: float) -> int:
    return round(_in_range(name, seconds, 0, _SECONDS_MAX) * 1000)


def _whole(name: str, value: int, least: int, greatest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise LoomError(f"{name} must be a whole number, but is {value!r}")
    return int(_in_range(name, value, least, greatest))


def _in_range(name: str, value: float, least: float, greatest: float) -> float:
    if not isinstance(value, (int, float)) or not least <= value <= greatest:
        raise LoomError(f"{name} must be from {least} to {greatest}, but is {value!r}")
    return value
