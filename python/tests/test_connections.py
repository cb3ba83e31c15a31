"""Connecting, and what ends a connection."""

import gc
import os
import socket
import threading
import time

import pytest
from support.fake_server import FakeServer, const, data, error, finished, serve, stats

from loom.client import Client, LoomError


def test_the_registration_says_who_and_what_the_client_is():
    seen = []
    with serve(lambda peer: seen.append(peer.register)) as server:
        Client(server.address, name="notebook").close()
    (register,) = seen
    assert register["protocol_version"] == 2
    assert register["type"] == "CLIENT"
    assert register["client_name"] == "notebook"
    assert register["capabilities"] == [
        "notices",
        "symbols",
        "carried-results",
        "cancel",
        "sessions",
    ]


def test_a_refused_registration():
    def script(peer):
        peer.send(error("expected version 2"))

    with FakeServer(script) as server:
        with pytest.raises(LoomError, match="refused this client: expected version 2") as caught:
            Client(server.address)
        assert caught.value.code == "server-refused"


def test_a_listener_that_is_no_server():
    with FakeServer(lambda peer: peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")) as server:
        with pytest.raises(LoomError) as caught:
            Client(server.address)
        assert caught.value.code == "protocol-broken"

    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(LoomError, match="does not answer as a HyperLoom server") as caught:
            Client("127.0.0.1", silent.getsockname()[1], timeout=0.01)
        assert caught.value.code == "server-unreachable"
        assert time.monotonic() - start < 4


def test_a_refused_connection_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(LoomError, match=r"refused connections for 0.2 s. Start a server") as caught:
        Client("127.0.0.1", port, timeout=0.2)
    assert caught.value.code == "server-unreachable"
    assert time.monotonic() - start >= 0.15

    servers = []

    def start_late():
        time.sleep(0.1)
        servers.append(socket.create_server(("127.0.0.1", port)))

    late = threading.Thread(target=start_late)
    late.start()
    with pytest.raises(LoomError, match="does not answer"):
        Client("127.0.0.1", port, timeout=1)
    late.join()
    servers[0].close()


def test_no_such_host():
    with pytest.raises(LoomError, match="no-such-host.invalid:9010 is not reachable"):
        Client("no-such-host.invalid")


@pytest.mark.parametrize("partial", [b"", finished(0)[:5], data(0, "loom/data", [b"abc"])[:-1]])
def test_a_server_that_goes_away_is_noticed_by_everyone_who_waits(partial):
    with serve("PLAN", finished(0), "FETCH", partial, lambda peer: peer.close()) as server:
        client = Client(server.address)
        first, second = client.submit([const("a"), const("b")])
        errors = []

        def wait_for_second():
            with pytest.raises(LoomError) as caught:
                second.wait()
            errors.append(caught.value)

        waiting = threading.Thread(target=wait_for_second)
        waiting.start()
        with pytest.raises(LoomError, match=r"is lost: .* connect again and submit again"):
            first.fetch()
        waiting.join(10)
        assert [e.code for e in errors] == ["server-lost"]
        start = time.process_time()
        with pytest.raises(LoomError, match="is lost"):
            client.submit_one(const())
        with pytest.raises(LoomError, match="is lost"):
            client.get_stats()
        with pytest.raises(LoomError, match="is lost"):
            second.wait()
        assert client.closed
        first.release()
        client.close()
        # Nothing spins.
        time.sleep(0.2)
        assert time.process_time() - start < 0.15


def test_a_broken_protocol_ends_the_connection_with_an_error():
    with serve("PLAN", data(17, "loom/data", [b""])) as server:
        client = Client(server.address)
        future = client.submit_one(const())
        with pytest.raises(LoomError, match="broke the protocol: data of a task that nobody"):
            future.wait()
        client.close()


def test_an_unforeseen_error_that_the_server_closes_with_is_told():
    with serve("PLAN", error("the frame is too long"), lambda peer: peer.close()) as server:
        client = Client(server.address, on_notice=lambda _: None)
        future = client.submit_one(const())
        with pytest.raises(LoomError, match="is lost: the frame is too long"):
            future.wait()
        client.close()


def test_a_closed_client_says_so():
    with serve("PLAN") as server:
        with Client(server.address) as client:
            future = client.submit_one(const())
            assert repr(client) == f"<Client of {server.address}>"
        assert client.closed
        for use in (client.get_stats, future.wait, lambda: client.submit_one(const())):
            with pytest.raises(LoomError, match="The client was closed") as caught:
                use()
            assert caught.value.code == "client-closed"
        client.close()


def test_a_client_that_nobody_refers_to_leaves():
    left = threading.Event()

    def until_end(peer):
        assert peer.receive()["type"] == "PLAN"
        assert peer.receive()["type"] == "RELEASE"
        assert peer.receive() is None
        left.set()

    with serve(until_end) as server:
        future = Client(server.address).submit_one(const())
        # Its future keeps it.
        gc.collect()
        assert not left.wait(0.05)
        assert future.running()
        del future
        gc.collect()
        assert left.wait(5)


def test_a_forked_process_does_not_use_its_parents_client():
    with serve("STATS", stats(1, 1)) as server, Client(server.address) as client:
        pid = os.fork()
        if pid == 0:
            try:
                client.get_stats()
            except LoomError as failure:
                os._exit(0 if "was forked from" in str(failure) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert client.get_stats().n_workers == 1
