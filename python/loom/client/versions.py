"""What must fit for functions of this client to run elsewhere."""

import importlib.util
import os
import pickle
import sys
from typing import Dict, Optional


def client_versions() -> Dict[str, str]:
    """Versions by the names that the server compares; told at registration."""
    versions = {
        "python": sys.version.split()[0],
        "pickle-protocol": str(pickle.HIGHEST_PROTOCOL),
    }
    cloudpickle = _find_cloudpickle()
    if cloudpickle is not None:
        versions["cloudpickle"] = cloudpickle
    return versions


def _find_cloudpickle() -> Optional[str]:
    """Its version, without the 10 ms that its import takes: a client of programs never needs it."""
    loaded = sys.modules.get("cloudpickle")
    if loaded is not None:
        return getattr(loaded, "__version__", None)
    try:
        spec = importlib.util.find_spec("cloudpickle")
        if spec is None or spec.origin is None:
            return None
        names = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))
    except (ImportError, OSError, ValueError):
        return None
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix in (".dist-info", ".egg-info") and stem.startswith("cloudpickle-"):
            return stem.split("-")[1]
    return None
