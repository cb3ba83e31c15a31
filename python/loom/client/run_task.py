"""The builder of tasks that run a program."""

import math
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import LoomError
from .requests import cpu1
from .task import ResourceRequest, Task
from .wire.run_config import Text, encode_run_config

_STDIN = "+in"
_STDOUT = "+out"


def run(
    args: Union[str, Sequence[Text]],
    inputs: Iterable[Tuple[object, Optional[str]]] = (),
    outputs: Union[str, Iterable[Optional[str]]] = (None,),
    stdin: Optional[object] = None,
    request: Optional[ResourceRequest] = cpu1,
    *,
    env: Optional[Mapping[Text, Text]] = None,
    paths: Iterable[Text] = (),
    time_limit: Optional[float] = None,
) -> Task:
    """Runs a program, without a shell, in an empty directory of its own.

    args: its words; a string is split at white space.
    inputs: pairs (task, name): a file in that directory; None is its standard input; with a name
        such as `$NAME`, an argument that is exactly `$NAME` is replaced by the bytes of the input.
    outputs: names of files; None is its standard output. One makes raw data, several an array.
    stdin: the task that makes its standard input.
    env: variables of its environment, besides those of the worker.
    paths: directories that are searched before those of PATH and LD_LIBRARY_PATH.
    time_limit: seconds after which it is killed and the task fails.
    """
    words: Sequence[Text] = args.split() if isinstance(args, str) else list(args)
    if len(words) == 0:
        raise LoomError("tasks.run was given an empty command")
    tasks: List[object] = [] if stdin is None else [stdin]
    names = [_STDIN] * len(tasks)
    for pair in inputs:
        task, name = _checked_pair(pair)
        tasks.append(task)
        names.append(_STDIN if name is None else name)
    if names.count(_STDIN) > 1:
        raise LoomError("tasks.run was given several standard inputs: merge them")
    listed = [outputs] if isinstance(outputs, str) else outputs
    config = encode_run_config(
        words,
        names,
        [_STDOUT if name is None else name for name in listed],
        env or {},
        _milliseconds(time_limit),
        paths,
    )
    return Task("loom/run/run", tuple(tasks), config, request)


def _checked_pair(pair: object) -> Tuple[object, Optional[str]]:
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        task, name = pair
        if name is None or isinstance(name, str):
            return task, name
    raise LoomError(
        f"An input of tasks.run is a pair (task, name), where the name None is stdin, not {pair!r}"
    )


def _milliseconds(time_limit: Optional[float]) -> Optional[int]:
    if time_limit is None:
        return None
    if not 0 < time_limit < math.inf:
        raise LoomError(f"time_limit must be a number of seconds above 0, but is {time_limit!r}")
    return math.ceil(time_limit * 1000)
