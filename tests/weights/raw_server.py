"""A server of raw bytes for tests: its responses need not be HTTP."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

# Gives what to send, in parts, for the header of a request and its number, from 0.
Behaviour = Callable[[bytes, int], Iterable[bytes]]


@contextmanager
def raw_server(behaviour: Behaviour) -> Iterator[str]:
    """The address of a server, which answers each connection with what `behaviour` gives, and closes it.

    At the end all connections are closed, and with them end the threads of clients that still wait.
    """
    listener, closed = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve():
        for number in range(1000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection, number), daemon=True).start()

    def answer(connection, number):
        with connection, suppress(OSError):
            header = b""
            # A TLS client waits for a response to its first bytes.
            while b"\r\n\r\n" not in header and header[:1] != b"\x16" and (received := connection.recv(4096)):
                header += received
            for part in behaviour(header, number):
                if closed.is_set():
                    break
                connection.sendall(part)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        closed.set()
        # `close` alone does not end `accept`.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def says(*parts: bytes) -> Behaviour:
    """The same response to every request."""
    return lambda header, number: parts


def repeating(start: bytes, part: bytes, seconds: float = 0.0) -> Behaviour:
    """A response without an end, with a part every so many seconds."""

    def behave(header: bytes, number: int) -> Iterator[bytes]:
        yield start
        while True:
            yield part
            time.sleep(seconds)

    return behave


def silent_after(start: bytes) -> Behaviour:
    """A response of which the rest never comes."""

    def behave(header: bytes, number: int) -> Iterator[bytes]:
        yield start
        time.sleep(30)

    return behave
