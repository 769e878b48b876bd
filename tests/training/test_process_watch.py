"""The loss of one of several processes ends all, each with one line; here the processes are threads of the test."""

import socket
import threading
import time

import pytest

import zoo
from zoo.training import process_watch
from zoo.training.process_watch import ProcessWatch, open_relay


class Ended(Exception):
    """Takes the place of the end of the process."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(process_watch, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(process_watch, "LEAVING_SECONDS", 0.2)


class Run:
    """Connected processes: their watches, the exit statuses of those that have ended, and which have cleaned up."""

    def __init__(self, count):
        self.statuses, self.cleaned, self.meeting = [], [], []
        self.watches = [ProcessWatch(lambda i=index: self.cleaned.append(i), self.end) for index in range(count)]
        for index, watch in enumerate(self.watches):
            watch.connect(index, "127.0.0.1", self.broadcast)
        wait_until(lambda: len(self.watches[0]._peers) == count - 1)

    def broadcast(self, content):
        self.meeting.append(content)
        return self.meeting[0]

    def end(self, status):
        self.statuses.append(status)
        if threading.current_thread() is threading.main_thread():
            raise Ended
        threading.Event().wait()


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_a_killed_process_ends_all_others(capfd, killed):
    run = Run(3)
    for connection in run.watches[killed]._peers.values():
        # As the system does for a process that has ended; its own threads would see that too.
        connection.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: len(run.statuses) >= 2)
    assert set(run.statuses) == {2}
    lines = capfd.readouterr().err.splitlines()
    assert lines and all(line.startswith("zoo: process ") and "--resume" in line for line in lines)
    assert any(f"process {killed} of this run" in line for line in lines)
    assert run.cleaned


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_one_process_is_its_line_and_ends_the_others(capfd, failing):
    run = Run(2)
    with pytest.raises(Ended), run.watches[failing]:
        raise zoo.ZooError("cannot read x.png")
    wait_until(lambda: len(run.statuses) == 2)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "zoo: cannot read x.png"
    assert lines[1].startswith(f"zoo: process {failing} of this run has failed") and len(lines) == 2


def test_a_bug_has_its_traceback(capfd):
    run = Run(2)
    with pytest.raises(Ended), run.watches[1]:
        raise KeyError("a bug")
    wait_until(lambda: len(run.statuses) == 2)
    assert run.statuses == [1, 2]
    assert "KeyError: 'a bug'" in capfd.readouterr().err


def test_what_jax_raises_for_a_lost_process_is_not_the_reason(capfd, monkeypatch):
    monkeypatch.setattr(process_watch, "GRACE_SECONDS", 0.5)
    run = Run(2)
    run.watches[1]._peers[0].shutdown(socket.SHUT_RDWR)
    with pytest.raises(Ended), run.watches[0]:
        raise RuntimeError("Connection closed by peer")
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("zoo: process 1 of this run has failed") and run.statuses == [2]
    wait_until(lambda: len(run.statuses) == 2)


def test_processes_that_end_in_order_end_nothing():
    run = Run(3)
    for watch in run.watches[::-1]:
        with watch:
            pass
        assert not watch.connected
    for connection in run.watches[1]._peers.values():
        connection.close()
    time.sleep(0.2)
    assert not run.statuses


@pytest.mark.parametrize("greeting", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 20])
def test_what_else_connects_is_not_watched(monkeypatch, greeting):
    ports = []
    monkeypatch.setattr(
        process_watch, "_listen", lambda listen=process_watch._listen: ports.append(listen()) or ports[0]
    )
    run = Run(2)
    with socket.create_connection(("127.0.0.1", ports[0].getsockname()[1])) as stranger:
        stranger.sendall(greeting)
    time.sleep(0.2)
    assert not run.statuses and list(run.watches[0]._peers) == [1]


@pytest.mark.parametrize("hold", [True, False])
def test_a_relay_passes_on_all_but_the_end(hold):
    held = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = open_relay(f"127.0.0.1:{server.getsockname()[1]}", lambda: hold and not held.is_set())
        with socket.create_connection(("127.0.0.1", int(address.split(":")[1]))) as client:
            upstream, _ = server.accept()
            client.sendall(b"to the service")
            assert upstream.recv(100) == b"to the service"
            upstream.sendall(b"and back")
            assert client.recv(100) == b"and back"
            upstream.close()
            client.settimeout(0.3)
            if hold:
                with pytest.raises(TimeoutError):
                    client.recv(100)
                held.set()
            assert client.recv(100) == b""


def test_all_end_where_nobody_reads_the_errors(monkeypatch):
    """As in a pipe whose reader has ended."""

    class BrokenPipe:
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", BrokenPipe())
    run = Run(3)
    for connection in run.watches[1]._peers.values():
        connection.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: len(run.statuses) >= 2)
