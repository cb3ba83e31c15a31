import subprocess
import sys

import cloudpickle

from loom.client.versions import client_versions

EXPECTED = {
    "python": sys.version.split()[0],
    "pickle-protocol": "5",
    "cloudpickle": cloudpickle.__version__,
}


def test_a_client_tells_what_must_fit_elsewhere():
    assert client_versions() == EXPECTED


def test_cloudpickle_is_not_imported_for_its_version():
    script = "import loom.client.versions as v, sys; print(v.client_versions());"
    script += "print('cloudpickle' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert told.stdout == f"{EXPECTED}\nFalse\n", told.stderr


def test_a_client_without_cloudpickle_tells_the_rest(monkeypatch):
    monkeypatch.delitem(sys.modules, "cloudpickle")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    assert client_versions() == {k: v for k, v in EXPECTED.items() if k != "cloudpickle"}
