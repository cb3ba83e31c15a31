"""Fixtures of all tests."""

import os
import sys
from pathlib import Path

import pytest

from loom.client import Client, LocalCluster

sys.path.insert(0, str(Path(__file__).parent))
# The checkout's executables, whatever else is on PATH.
os.environ["HYPERLOOM_BIN"] = str(Path(__file__).parents[2] / "dist" / "bin")
os.environ.pop("HYPERLOOM_SERVER", None)


@pytest.fixture(scope="session")
def cluster():
    """Two workers with two cpus each, for tests that leave it as they found it."""
    with LocalCluster(workers=2, cpus=2) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster.address) as client:
        yield client
    with Client(cluster.address) as after:
        assert after.get_stats() == {"n_workers": 2, "n_data_objects": 0}
