"""Clients whose connections break, and plans that live without a client."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.proxy import Proxy

from loom.client import Client, LocalCluster, LoomError, tasks

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(workers=2, cpus=2) as running:
        yield running


@pytest.fixture
def proxy(cluster):
    with Proxy(int(cluster.address.rpartition(":")[2])) as running:
        yield running


def until(is_so, timeout=60):
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gate(path):
    """A program that goes on once the file is there."""
    script = f"while [ ! -e '{path}' ]; do sleep 0.02; done; echo {path.name}"
    return tasks.run(["sh", "-c", script])


def test_futures_go_on(proxy, tmp_path):
    notices = []
    with Client(proxy.address, on_notice=notices.append) as client:
        future = client.submit_one(gate(tmp_path / "meanwhile"))
        client.get_stats()
        proxy.refuses = True
        proxy.cut()
        until(lambda: len(notices) == 1)
        assert "Trying for 30 s to come back" in notices[0]
        (tmp_path / "meanwhile").touch()
        proxy.refuses = False
        assert future.gather() == b"meanwhile\n"
        until(lambda: len(notices) == 2)
        assert "found again" in notices[1]


def test_a_plan_with_inner_tasks_goes_on(proxy, tmp_path):
    """What is no result is not told as one that is waited for: the server would say that it was
    canceled."""
    with Client(proxy.address, on_notice=lambda _: None) as client:
        parts = [tasks.const("a"), gate(tmp_path / "go"), tasks.const("b")]
        future = client.submit_one(tasks.merge(parts))
        client.get_stats()
        proxy.cut()
        client.get_stats()
        (tmp_path / "go").touch()
        client.wait([future], timeout=30)
        assert future.gather() == b"ago\nb"


def test_what_is_asked_while_it_is_away_is_answered(proxy):
    with Client(proxy.address, on_notice=lambda _: None) as client:
        kept = client.submit_one(tasks.const("kept"))
        gone = client.submit_one(tasks.const("gone"))
        client.wait([kept, gone])
        proxy.refuses = True
        proxy.cut()
        late = client.submit_one(tasks.merge([gone, tasks.const("late")]))
        gone.release()
        later = client.submit_one(tasks.merge([late, kept]))
        late.release()
        proxy.refuses = False
        assert client.get_stats().n_workers == 2
        assert later.gather() == b"gonelatekept"
        assert client.explain("12345") == []
        kept.release()
        client.get_stats()
    with Client(proxy.address) as other:
        until(lambda: other.get_stats().n_data_objects == 0)


def test_a_failure_is_not_missed(proxy, tmp_path):
    with Client(proxy.address, on_notice=lambda _: None) as client:
        future = client.submit_one(tasks.merge([gate(tmp_path / "go"), tasks.run("false")]))
        proxy.refuses = True
        proxy.cut()
        (tmp_path / "go").touch()
        proxy.refuses = False
        with pytest.raises(Exception, match="terminated with status 1"):
            future.wait(60)


def test_it_gives_up_after_its_time(proxy, tmp_path):
    with Client(proxy.address, on_notice=lambda _: None, reconnect=0.3) as client:
        future = client.submit_one(gate(tmp_path / "never"))
        client.get_stats()
        proxy.refuses = True
        proxy.cut()
        with pytest.raises(LoomError, match="is lost") as caught:
            future.wait(60)
        assert caught.value.code == "server-lost"
        assert client.closed


def test_a_client_that_ends_takes_its_plans_with_it(cluster, tmp_path):
    script = (
        "import sys; from loom.client import Client, tasks\n"
        f"c = Client({cluster.address!r}, name='leaver')\n"
        "f = c.submit_one(tasks.run('sleep 1000'))\n"
        "c.get_stats()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with Client(cluster.address) as client:
        until(lambda: client.get_status()["clients"] == 1)


def test_a_detached_plan_lives_without_its_client(cluster, tmp_path):
    with Client(cluster.address, name="first") as client:
        early = tasks.const("early")
        early.label = "early"
        client.submit([gate(tmp_path / "go"), early], name="detached", detach=True)
        with pytest.raises(LoomError, match="There is a plan 'detached' already"):
            again = client.submit([tasks.const("x")], name="detached", detach=True)
            again[0].wait(60)
    with Client(cluster.address) as client:
        (summary,) = [plan for plan in client.plans() if plan["name"] == "detached"]
        assert summary["state"] == "running"
        assert summary["client"] == "first"
        plan = client.attach("detached")
        assert plan.result("early").fetch() == b"early"
        (tmp_path / "go").touch()
        assert plan.fetch() == [b"go\n", b"early"]
        plan.futures[0].release()
        assert client.attach("detached").futures[0].fetch() == b"go\n"
        assert plan.status()["state"] == "finished"
        plan.forget()
        with pytest.raises(LoomError) as caught:
            client.attach("detached")
        assert caught.value.code == "no-such-plan"


def test_a_plan_of_another_language(cluster):
    script = f"""
      import {{ Client, tasks }} from {json.dumps(str(ROOT / "dist/bin/client.js"))};
      const client = await Client.connect({json.dumps(cluster.address)});
      const hello = tasks.run(["echo", "hello"], {{ label: "hello" }});
      client.submit([tasks.split(hello), hello], {{ name: "from JavaScript", detach: true }});
      await client.stats();
      await client.close();
    """
    subprocess.run(["node", "--input-type=module", "-e", script], check=True)
    with Client(cluster.address) as client:
        plan = client.attach("from JavaScript")
        assert plan.fetch() == [[b"hello\n"], b"hello\n"]
        assert plan.result("hello").fetch() == b"hello\n"
        plan.forget()


def test_a_detached_plan_fails_for_all(cluster):
    with Client(cluster.address) as client:
        (future,) = client.submit([tasks.run("false")], name="failing", detach=True)
        with pytest.raises(Exception, match="status 1"):
            future.wait(60)
    with Client(cluster.address) as client:
        plan = client.attach("failing")
        with pytest.raises(Exception, match="status 1"):
            plan.wait(60)
        assert plan.status()["state"] == "failed"
        plan.forget()


def test_a_detached_plan_is_canceled(cluster, tmp_path):
    with Client(cluster.address) as client:
        (future,) = client.submit([gate(tmp_path / "never")], name="long", detach=True)
        plan = client.attach("long")
        assert plan.cancel()["state"] == "canceled"
        with pytest.raises(Exception, match="cancel"):
            future.wait(60)
        plan.forget()
        assert client.plans() == []
