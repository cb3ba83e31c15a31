"""Unpickling of what a Python elsewhere has pickled, which may be another one."""

import pickle
import sys
from typing import Any, Dict

from loom.call_options import own_versions, read_options

_HERE = sys.version.split()[0]


class CannotUnpickle(Exception):
    """A function, its direct arguments or an object cannot be made of their pickle here."""


def unpickle(what: str, pickled: Any, said_by: Any = b"") -> Any:
    """The object. Versions are looked at before anything of it is run.

    what: as a message is to name it, such as "The function".
    said_by: what else the client may have told its versions with.
    Raises CannotUnpickle, which says the versions of both sides.
    """
    own = own_versions()
    if pickled[-len(own) :] != own:
        _refuse_foreign_code(what, pickled)
    if pickled[:1] == b"\x80" and pickled[1] > pickle.HIGHEST_PROTOCOL:
        raise _cannot_unpickle(what, f"its pickle is of protocol {pickled[1]}", pickled, said_by)
    try:
        return pickle.loads(pickled)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise _cannot_unpickle(what, reason, pickled, said_by) from error


def _refuse_foreign_code(what: str, pickled: Any) -> None:
    """Code of another Python is not to be run: it may do anything, such as end the process."""
    options, size = read_options(pickled)
    python = str(options.get("python", ""))
    if python == "" or python.split(".")[:2] == _HERE.split(".")[:2]:
        return
    # What is only named, such as a function of a library, is imported here, and of this Python.
    if b"cloudpickle" in bytes(pickled[:size]):
        version = ".".join(python.split(".")[:2])
        raise CannotUnpickle(
            f"{what} cannot be used: pickled by Python {python}, and this worker runs functions by "
            f"Python {_HERE}, which cannot run its code. Start the worker with --python and an "
            f"interpreter of version {version}."
        )


def _cannot_unpickle(what: str, reason: str, *pickles: Any) -> CannotUnpickle:
    """Says it with the versions of both sides, which are mostly the reason."""
    import cloudpickle

    options: Dict[str, Any] = {}
    for pickled in pickles:
        options.update(read_options(pickled)[0])
    other = "the client has not told its versions"
    if "python" in options:
        other = (
            f"the client has Python {options['python']} and cloudpickle "
            f"{options.get('cloudpickle')}"
        )
    return CannotUnpickle(
        f"{what} cannot be unpickled on this worker, which has Python {_HERE} and cloudpickle "
        f"{cloudpickle.__version__}; {other}.\n{reason}"
    )
