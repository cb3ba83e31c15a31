"""What workers are told of a pickle, behind it, where readers of pickles do not look:

pickle | JSON in UTF-8 | u32 LE bytes of the JSON | "LOOMOPTS"

Of a call it is what is wanted besides its arguments; of a function or an object, the versions of
the Python and the cloudpickle that pickled it. Clients that are older say nothing.
"""

import functools
import json
import struct
import sys
from typing import Any, Dict, Tuple, Union

_MAGIC = b"LOOMOPTS"
_LENGTH = struct.Struct("<I")


def append_options(pickled: bytes, options: Dict[str, Union[int, str]]) -> bytes:
    text = json.dumps(options, separators=(",", ":")).encode()
    return b"".join([pickled, text, _LENGTH.pack(len(text)), _MAGIC])


def append_versions(pickled: bytes) -> bytes:
    """What must fit for it to be unpickled elsewhere."""
    return pickled + own_versions()


@functools.cache
def own_versions() -> bytes:
    """The same as bytes, for what is pickled here."""
    import cloudpickle

    versions = {"python": sys.version.split()[0], "cloudpickle": cloudpickle.__version__}
    return append_options(b"", versions)


def read_options(pickled: Any) -> Tuple[Dict[str, Any], int]:
    """What is said behind a pickle, in bytes or a view, empty if that is nothing; and how many
    bytes are the pickle itself."""
    end = len(pickled) - len(_MAGIC) - _LENGTH.size
    if end < 0 or pickled[end + _LENGTH.size :] != _MAGIC:
        return {}, len(pickled)
    (size,) = _LENGTH.unpack_from(pickled, end)
    options: Dict[str, Any] = json.loads(bytes(pickled[end - size : end]))
    return options, end - size
