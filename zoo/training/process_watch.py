"""Ends all processes of a run, in one line each, as soon as one of them is lost: killed, or ended by an error.

JAX itself waits for a lost process for minutes, or aborts with a stack trace. Here each process keeps a connection to
the first one. What ends without a farewell is lost: the first process then ends, and with it all others.
"""

import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import NoReturn

from zoo.errors import ZooError
from zoo.runtime.process import leave

# What a process says to another: that it ends in order, or that all must end.
FAREWELL, FAILED = b".", b"!"
CONNECTING_SECONDS = 10.0
# How long a process that learns of a loss may still end with an error of its own, which says more.
GRACE_SECONDS = 2.0
# How long the first process waits for the others to end, as they may depend on it.
LEAVING_SECONDS = 2 * GRACE_SECONDS + 1
TOKEN_BYTES, HOST_BYTES = 16, 64

# Gives all processes the bytes of the first one.
Broadcast = Callable[[bytes], bytes]


class ProcessWatch:
    """A context in which a lost process ends all: each process of a run calls `connect` before, and enters it.

    An error that leaves the context is printed as one line, a bug with its traceback, and the process ends without
    waiting for the others, by `end` with its status. `clean_up` is called before it ends for a lost one.
    """

    def __init__(self, clean_up: Callable[[], None], end: Callable[[int], NoReturn] = leave) -> None:
        self._clean_up, self._end_process = clean_up, end
        self._first = False
        self._peers: dict[int, socket.socket] = {}
        self._token = b""
        self._reason = ""
        self._lost, self._left, self._ending = threading.Event(), threading.Event(), threading.Lock()

    def connect(self, index: int, host: str, broadcast: Broadcast) -> None:
        """Connect to the first process, which has index 0; "" is the host by its own name.

        A process that cannot connect is not watched.
        """
        self._first = index == 0
        listener = _listen() if self._first else None
        port = listener.getsockname()[1] if listener else 0
        own = port.to_bytes(4, "big") + secrets.token_bytes(TOKEN_BYTES) + socket.gethostname().encode()[:HOST_BYTES]
        meeting = broadcast(own.ljust(4 + TOKEN_BYTES + HOST_BYTES, b"\0"))
        self._token = meeting[4 : 4 + TOKEN_BYTES]
        if listener:
            _start(self._accept, listener)
            return
        host = host or meeting[4 + TOKEN_BYTES :].rstrip(b"\0").decode()
        with suppress(OSError):
            connection = socket.create_connection((host, int.from_bytes(meeting[:4], "big")), CONNECTING_SECONDS)
            connection.sendall(self._token + index.to_bytes(4, "big"))
            self._peers[0] = connection
            _start(self._watch, 0, connection)

    @property
    def connected(self) -> bool:
        """Whether this process, which is not the first, would end at the loss of the first one."""
        return bool(self._peers) and not self._left.is_set()

    def __enter__(self) -> "ProcessWatch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if error is None:
            self._left.set()
            self._tell_all(FAREWELL)
            return
        if not isinstance(error, Exception):
            return
        # What JAX raises for a lost process is not the reason.
        if not isinstance(error, ZooError) and self._lost.wait(GRACE_SECONDS):
            self._end(self._reason)
        if isinstance(error, ZooError):
            self._end(f"zoo: {' '.join(str(error).split())}")
        self._end("".join(traceback.format_exception(error)).rstrip(), status=1)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            _start(self._greet, connection)

    def _greet(self, connection: socket.socket) -> None:
        """Watch a process that knows the token; anything else that connects is hung up on."""
        with suppress(OSError):
            connection.settimeout(CONNECTING_SECONDS)
            greeting = _receive(connection, TOKEN_BYTES + 4)
            if secrets.compare_digest(greeting[:TOKEN_BYTES], self._token):
                self._watch(int.from_bytes(greeting[TOKEN_BYTES:], "big"), connection)
                return
        connection.close()

    def _watch(self, peer: int, connection: socket.socket) -> None:
        """Wait for the end of a process, and end this one unless that said farewell."""
        _keep_alive(connection)
        self._peers[peer] = connection
        said = b""
        with suppress(OSError):
            said = connection.recv(1)
        # A process that has ended in order itself does not depend on the first one any more.
        if said == FAREWELL or (self._left.is_set() and not self._first):
            return
        self._reason = self._reason or (
            f"zoo: process {peer} of this run has failed or was lost: see its message; --resume continues from the "
            "last checkpoint"
        )
        self._lost.set()
        time.sleep(GRACE_SECONDS)
        with suppress(Exception):
            self._clean_up()
        self._end(self._reason)

    def _end(self, text: str, status: int = 2) -> NoReturn:
        """Print the text, let the others end before the first process does, and end; only the first call counts."""
        if not self._ending.acquire(blocking=False):
            threading.Event().wait()
        # Who reads the errors may be gone, and all must end nevertheless.
        with suppress(OSError):
            # One write: other processes write to the same terminal.
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        self._tell_all(FAILED)
        if self._first:
            deadline = time.monotonic() + LEAVING_SECONDS
            for connection in list(self._peers.values()):
                _wait_for_end(connection, deadline)
        self._end_process(status)

    def _tell_all(self, message: bytes) -> None:
        for connection in list(self._peers.values()):
            with suppress(OSError):
                connection.sendall(message)


def open_relay(address: str, hold: Callable[[], bool]) -> str:
    """An address on this machine, from which all is passed on to `address`, "HOST:PORT", and back.

    JAX's client aborts the process when the first process ends. Through the relay it does not learn of that while
    `hold` is true, so that a watch can end the process.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            _start(connect, connection)

    def connect(connection: socket.socket) -> None:
        host, _, port = address.rpartition(":")
        try:
            upstream = socket.create_connection((host.strip("[]"), int(port)), CONNECTING_SECONDS)
        except OSError:
            connection.close()
            return
        upstream.settimeout(None)
        _start(_pass_on, connection, upstream)
        _pass_on(upstream, connection, hold)

    _start(accept)
    return f"127.0.0.1:{listener.getsockname()[1]}"


def _pass_on(source: socket.socket, target: socket.socket, hold: Callable[[], bool] = lambda: False) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
        while hold():
            time.sleep(0.1)
        # Not `close`, which would wait for the thread that reads from it.
        target.shutdown(socket.SHUT_RDWR)


def _listen() -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    return socket.create_server(("", 0), backlog=1024)


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count and (data := connection.recv(count - len(received))):
        received += data
    return received


def _keep_alive(connection: socket.socket) -> None:
    """A computer that has crashed does not close its connections: it is lost when it has not answered for 30 s."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


def _wait_for_end(connection: socket.socket, deadline: float) -> None:
    with suppress(OSError):
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        while connection.recv(64):
            pass


def _start(function: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=function, args=arguments, daemon=True).start()
