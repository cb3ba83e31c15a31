"""What workers are told of a function or a call, behind its pickle, where readers of pickles do not look.

pickle | JSON in UTF-8 | u32 LE bytes of the JSON | "LOOMOPTS"
"""

import json
import struct
import sys
from typing import Dict, Union

_MAGIC = b"LOOMOPTS"
_LENGTH = struct.Struct("<I")


def append_options(pickled: bytes, options: Dict[str, Union[int, str]]) -> bytes:
    text = json.dumps(options, separators=(",", ":")).encode()
    return b"".join([pickled, text, _LENGTH.pack(len(text)), _MAGIC])


def versions() -> Dict[str, Union[int, str]]:
    """What must fit for a function to be unpickled elsewhere."""
    import cloudpickle

    return {"python": sys.version.split()[0], "cloudpickle": cloudpickle.__version__}
