"""Where loom-server and loom-worker are."""

import os
import shutil
from typing import Iterator

from .errors import LoomError

#: The environment variable that names their directory.
BIN_VARIABLE = "HYPERLOOM_BIN"


def find_executable(name: str) -> str:
    """Looks in HYPERLOOM_BIN, then on PATH, then in the checkout that this package lies in. Raises
    LoomError."""
    directory = os.environ.get(BIN_VARIABLE)
    if directory:
        for path in _in_directory(directory, name):
            return path
        raise LoomError(
            f"{BIN_VARIABLE} is {directory}, but there is no {name} in it: name the directory of "
            "loom-server and loom-worker",
            "cluster-start-failed",
        )
    on_path = shutil.which(name)
    if on_path is not None:
        return on_path
    parent = os.path.dirname(os.path.realpath(__file__))
    while parent != os.path.dirname(parent):
        parent = os.path.dirname(parent)
        for path in _in_directory(os.path.join(parent, "dist", "bin"), name):
            return path
    raise LoomError(
        f"There is no {name} on PATH. Install HyperLoom's npm package, or set {BIN_VARIABLE} to the "
        "directory that has it (dist/bin of a checkout, after npm run build)",
        "cluster-start-failed",
    )


def _in_directory(directory: str, name: str) -> Iterator[str]:
    for path in (os.path.join(directory, name), os.path.join(directory, f"{name}.js")):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield path
