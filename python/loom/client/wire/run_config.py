"""The config of a `loom/run/run` task."""

from typing import Iterable, Mapping, Optional, Union

from .fields import bytes_field, int_field

Text = Union[str, bytes]


def encode_run_config(
    args: Iterable[Text],
    map_inputs: Iterable[Text],
    map_outputs: Iterable[Text],
    env: Mapping[Text, Text],
    time_limit_ms: Optional[int],
    paths: Iterable[Text],
) -> bytes:
    """Everything may be bytes: a program's arguments need not be UTF-8. Entry i of `map_inputs`
    belongs to input i; the last three are extensions."""
    parts = [bytes_field(0x0A, arg) for arg in args]
    parts += [bytes_field(0x12, name) for name in map_inputs]
    parts += [bytes_field(0x1A, name) for name in map_outputs]
    parts += [
        bytes_field(0x192, bytes_field(0x0A, name) + bytes_field(0x12, value))
        for name, value in env.items()
    ]
    parts.append(int_field(0x198, time_limit_ms))
    parts += [bytes_field(0x1A2, path) for path in paths]
    return b"".join(parts)
