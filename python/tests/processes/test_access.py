"""Clients of servers that let in only whom they know."""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, Tuple

import pytest

from loom.client import Client, LoomError, tasks
from loom.client.executables import find_executable
from loom.client.security.peer_owner import ends_of, find_peer_owner

#: Somebody who is neither us nor root.
OTHER_UID = 61_236
_SIZE = 5_000_000


@contextlib.contextmanager
def running(name: str, *args: str, env: Dict[str, str], pattern: str) -> Iterator[Tuple[str, ...]]:
    """A program, once it has written what the pattern matches; its groups."""
    process = subprocess.Popen(
        [find_executable(name), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **env},
    )
    try:
        assert process.stdout is not None
        written = ""
        for line in process.stdout:
            written += line
            match = re.search(pattern, line)
            if match:
                yield match.groups()
                return
        raise AssertionError(f"{name} ended: {written}")
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dict[str, str]:
    env = {"HYPERLOOM_HOME": str(tmp_path / "home"), "HYPERLOOM_TLS": "always"}
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    return env


def test_a_client_speaks_tls_by_the_file_that_it_finds(
    home: Dict[str, str], tmp_path: Path
) -> None:
    server = running(
        "loom-server", "--host", "0.0.0.0", "--port", "0", env=home, pattern=r"written path=(\S+)"
    )
    with server as (access_file,):
        match = re.search(r"-(\d+)\.access", access_file)
        assert match is not None
        port = match[1]
        worker = running(
            "loom-worker", "--cpus", "1", "--wdir", str(tmp_path), "localhost", port,
            env=home, pattern="joined the server",
        )  # fmt: skip
        with worker, Client("localhost", int(port)) as client:
            # Both directions, in many records.
            large = tasks.const(os.urandom(_SIZE))
            futures = client.submit([tasks.merge((large, large)), tasks.const("small")])
            values = client.gather(futures)
            assert len(values[0]) == 2 * _SIZE  # type: ignore[arg-type]
            assert values[1] == b"small"
        with Client(access_file=access_file) as client:
            assert client.get_stats().n_data_objects == 0
        viewer = tmp_path / "viewer.json"
        subprocess.run(
            [find_executable("hyperloom"), "access", "--role", "viewer"]
            + ["--access-file", access_file, "--output", str(viewer)],
            check=True,
            env={**os.environ, **home},
        )
        with Client(access_file=str(viewer)) as client:
            assert client.get_status()["clients"] == 1
            with pytest.raises(LoomError, match="viewer may only look"):
                client.submit_one(tasks.const("x")).wait()
    with pytest.raises(LoomError, match="cannot be used"):
        Client(access_file=str(tmp_path / "missing.json"))


def test_whoever_listens_in_place_of_the_server_is_not_trusted(home: Dict[str, str]) -> None:
    script = (
        "import os, socket, sys; uid = int(sys.argv[1]); uid == os.getuid() or os.setuid(uid); "
        "s = socket.create_server(('127.0.0.1', 0)); "
        "print(s.getsockname()[1], flush=True); c = s.accept()[0]; print(len(c.recv(1)))"
    )
    is_root = os.getuid() == 0
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(OTHER_UID if is_root else os.getuid())],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    if is_root:
        with pytest.raises(LoomError, match=f"of uid {OTHER_UID}"):
            Client("127.0.0.1", port)
        # It was told nothing.
        assert process.communicate(timeout=20)[0] == "0\n"
    else:
        with pytest.raises(LoomError):  # It is ours, but no server.
            Client("127.0.0.1", port, timeout=1)
        assert process.communicate(timeout=20)[0] == "1\n"


def test_the_owner_of_a_connection_is_found_from_both_ends() -> None:
    import socket

    for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        with socket.create_server((host, 0), family=family) as listener:
            with socket.create_connection(listener.getsockname()[:2]) as client:
                started = time.monotonic()
                assert find_peer_owner(ends_of(client), 0.02) == "not-accepted"
                assert time.monotonic() - started < 20
                accepted = listener.accept()[0]
                assert find_peer_owner(ends_of(client), 5) == os.getuid()
                assert find_peer_owner(ends_of(accepted)) == os.getuid()
            assert find_peer_owner(ends_of(accepted)) in ("closed", "not-found")
            accepted.close()
