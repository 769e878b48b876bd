"""The processes of a run meet at the address of --coordinator before JAX connects them there.

JAX waits for a process that is missing, or has the number of another one, and then aborts with a stack trace. Here each
of these ends all processes in one line.
"""

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from zoo.errors import ZooError, list_first
from zoo.printable import printable
from zoo.runtime.system_errors import reason

# How long they wait for each other, as JAX does.
MEETING_SECONDS = 300.0
CONNECTING_SECONDS, RETRY_SECONDS = 10.0, 0.2
# A process greets with a line: this word, its index, the number of processes, its host. It is answered with a line.
WORD, ALL_THERE = "zoo", "all are there"
LINE_BYTES = 512


def meet(host: str, port: int, processes: int, process: int, seconds: float = MEETING_SECONDS) -> None:
    """Wait until all processes are there. Raises ZooError, in all that have come, if they are not in time."""
    if processes > 1:
        attend(host, port, processes, process, seconds) if process else hold(port, processes, seconds)


def hold(port: int, processes: int, seconds: float) -> None:
    """The part of process 0: wait for the others, and tell them the end of it."""
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(_listen(port))
        except OSError as error:
            raise ZooError(
                f"process 0 cannot use port {port} of --coordinator ({reason(error)}): choose another, or give another "
                "process its own --process"
            ) from None
        present: dict[int, Attendee] = {}
        answer = "process 0 was stopped"
        try:
            _gather(listener, present, processes, seconds)
            answer = ALL_THERE
        except ZooError as error:
            answer = str(error)
            raise
        finally:
            for attendee in present.values():
                attendee.end(answer)


class Attendee:
    """A connection to another process; `index` and the rest are known once it has greeted."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.greeting = connection, b""
        self.index, self.processes, self.host = 0, 0, ""

    def read(self) -> bool:
        """Read what has come; false where the other end is closed, or is no process of a run."""
        with suppress(OSError, ValueError):
            self.greeting += (received := self.connection.recv(LINE_BYTES))
            if not self.greeting.endswith(b"\n"):
                return bool(received) and len(self.greeting) < LINE_BYTES
            word, index, processes, host = self.greeting.decode().split(maxsplit=3)
            self.index, self.processes, self.host = int(index), int(processes), printable(host.strip())
            return bool(received) and word == WORD
        return False

    def end(self, answer: str) -> None:
        """Tell it the end, and close the connection after the other process, which has no port to keep."""
        with suppress(OSError):
            self.connection.sendall(f"{answer}\n".encode())
            self.connection.settimeout(CONNECTING_SECONDS)
            self.connection.recv(1)
        self.connection.close()


def _gather(listener: socket.socket, present: dict[int, Attendee], processes: int, seconds: float) -> None:
    """Fill `present` with the other processes. Raises ZooError for two of the same index, and when the time is over."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while len(present) < processes - 1:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ZooError(_missing(present, processes, seconds))
            for key, _ in selector.select(left):
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    selector.register(connection, selectors.EVENT_READ, Attendee(connection))
                elif key.data.read():
                    _add(key.data, present, processes)
                else:
                    # It was stopped, and may be started again.
                    selector.unregister(key.data.connection)
                    key.data.connection.close()
                    present.pop(key.data.index, None)


def _add(attendee: Attendee, present: dict[int, Attendee], processes: int) -> None:
    """Add a process that has greeted. Raises ZooError, for it too, where its numbers cannot be."""
    index, other = attendee.index, present.get(attendee.index)
    if not attendee.host or other is attendee:
        return
    wrong = ""
    if attendee.processes != processes:
        wrong = (
            f"--processes is {attendee.processes} in process {index} on {attendee.host}, and {processes} in process 0"
        )
    elif other or not 0 < index < processes:
        hosts = f"on {attendee.host}" if other is None else f"on {other.host} and on {attendee.host}"
        wrong = f"two processes have --process {index}, {hosts}: give each another number"
    if wrong:
        attendee.end(wrong)
        raise ZooError(wrong)
    present[index] = attendee


def _missing(present: dict[int, Attendee], processes: int, seconds: float) -> str:
    absent = [str(index) for index in range(1, processes) if index not in present]
    return (
        f"{len(absent)} of {processes} processes did not come within {seconds:.0f} s (--process "
        f"{list_first(absent, 5)}): look at their messages, and start all again"
    )


def attend(host: str, port: int, processes: int, process: int, seconds: float) -> None:
    """The part of every other process: find process 0, and wait for what it says."""
    deadline = time.monotonic() + seconds
    where, why = f"{host}:{port}", "nothing answers there"
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, port), min(left, CONNECTING_SECONDS)) as connection:
                connection.sendall(f"{WORD} {process} {processes} {socket.gethostname()[:64]}\n".encode())
                # Process 0 has its own time.
                connection.settimeout(left + CONNECTING_SECONDS)
                answer = _line(connection.recv)
        except OSError as error:
            why = reason(error)
        else:
            if answer == ALL_THERE:
                return
            if answer:
                raise ZooError(answer)
        time.sleep(RETRY_SECONDS)
    raise ZooError(
        f"process 0 was not found at {where} within {seconds:.0f} s ({why}): check --coordinator, and that process 0 "
        "is started there"
    )


def _line(receive: Callable[[int], bytes]) -> str:
    """The line that is received; "" where the other end was closed before. Raises ZooError for what is none."""
    received = b""
    while not received.endswith(b"\n"):
        if not (part := receive(LINE_BYTES)):
            return ""
        received += part
        # JAX's own service, after they have met.
        if b"\0" in received or len(received) > 2 * LINE_BYTES:
            raise ZooError(
                "at the address of --coordinator is another program, or a run that has all its processes: check "
                "--coordinator and --process"
            )
    return printable(received.decode(errors="replace").strip())


def _listen(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    return socket.create_server(("", port), backlog=1024)
