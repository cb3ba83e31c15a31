"""Clusters that a program starts: nothing of them is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes.test_clients import is_alive, until

from loom.client import Client, LocalCluster, LoomError, tasks


def test_with(tmp_path):
    with LocalCluster(
        workers=2, cpus=3, resources={"gpus": 1}, work_directory=str(tmp_path)
    ) as cluster:
        pids = [cluster.server_pid, *cluster.worker_pids]
        with Client(cluster.address) as client:
            status = client.get_status()
            assert [w["cpus"] for w in status["workers"]] == [3, 3]
            assert [w["resources"]["gpus"] for w in status["workers"]] == [1, 1]
            request = tasks.cpus(1)
            request.add_resource("gpus", 1)
            assert client.submit_one(tasks.run("echo x", request=request)).gather() == b"x\n"
        assert len([n for n in os.listdir(tmp_path) if n.startswith("worker-")]) == 2
    assert not any(map(is_alive, pids))
    assert os.listdir(tmp_path) == []


def test_without_workers():
    with LocalCluster(workers=0) as cluster, Client(cluster.address) as client:
        assert client.get_stats() == {"n_workers": 0, "n_data_objects": 0}
        assert repr(cluster) == f"<LocalCluster at {cluster.address}, 0 workers>"


def test_an_error_inside_of_with_ends_it_too():
    with pytest.raises(ZeroDivisionError), LocalCluster() as cluster:
        raise ZeroDivisionError
    assert not is_alive(cluster.server_pid)
    cluster.close()


def test_a_worker_that_cannot_start_says_why():
    with pytest.raises(
        LoomError, match=r"loom-worker ended with exit status 5.*(?s:.)*/dev/null/no"
    ):
        LocalCluster(work_directory="/dev/null/no")


def test_a_port_that_is_taken(cluster):
    port = int(cluster.address.split(":")[1])
    with pytest.raises(LoomError, match=f"loom-server ended with exit status 4.*(?s:.)*{port}"):
        LocalCluster(port=port)


def test_executables_are_looked_for(monkeypatch, tmp_path):
    with pytest.raises(LoomError, match="workers must be"):
        LocalCluster(workers=-1)
    monkeypatch.setenv("HYPERLOOM_BIN", str(tmp_path))
    with pytest.raises(LoomError, match="there is no loom-server in it") as caught:
        LocalCluster()
    assert caught.value.code == "cluster-start-failed"
    # An installation on PATH.
    bin_directory = Path(__file__).parents[3] / "dist" / "bin"
    for name in ("loom-server", "loom-worker"):
        (tmp_path / name).symlink_to(bin_directory / f"{name}.js")
    monkeypatch.delenv("HYPERLOOM_BIN")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with LocalCluster() as cluster:
        assert Path(f"/proc/{cluster.server_pid}").exists()
    # The checkout.
    for name in ("loom-server", "loom-worker"):
        (tmp_path / name).unlink()
    with LocalCluster(workers=0) as cluster:
        assert is_alive(cluster.server_pid)


PROGRAM = """
import os, sys, time
from loom.client import Client, LocalCluster, tasks
cluster = LocalCluster(workers=1)
client = Client(cluster.address)
future = client.submit_one(tasks.run("sleep 60"))
child = os.fork()
if child == 0:
    time.sleep(30)
    os._exit(0)
print(cluster.server_pid, *cluster.worker_pids, child, flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["time.sleep(60)", "sys.exit(3)", "os._exit(3)", "raise SystemError", "client.close()"]
)
def test_it_ends_with_the_program_that_started_it(end):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(end=end)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    *pids, child = map(int, program.stdout.readline().split())
    try:
        if end == "time.sleep(60)":
            program.kill()
        program.wait(20)
        until(lambda: not any(map(is_alive, pids)))
        # Although a process that was forked from the program lives on.
        assert is_alive(child)
    finally:
        os.kill(child, signal.SIGKILL)
        program.stdout.close()
