"""HTTP servers that do not do what was asked, and addresses that are none."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

from tests.fuzz.case import Case
from tests.fuzz.seeds import TORCH_NETWORK, Seeds

Response = Callable[[socket.socket, bytes], None]
# A server may be slow for so long before zoo gives up; its own deadlines are shorter.
SLOW = 75.0
ADDRESSES = (
    "http://[::1", "https://[::1", "http://[nonsense]/w.safetensors", "https://127.0.0.1:99999/w.safetensors",
    "https://127.0.0.1:text/w.safetensors", "https://127.0.0.1:-1/w.safetensors", "https:///w.safetensors", "https://",
    "https://user:password@127.0.0.1:1/w.safetensors", "https://127.0.0.1:1/\x00.safetensors", "https://\x1b[31m/x",
    "https://127.0.0.1:1/\n.safetensors", "https://127.0.0.1:1/" + "x" * 100_000, "https://\udcff/w", "ftp://127.0.0.1/w",
    "https://ex ample.org/w", "https://" + "a" * 300 + ".org/w", "https://xn--a/w", "https://ß‮.invalid/w",
    "https://127.0.0.1:1/w.safetensors", "https://127.0.0.1:1/w#sha256=", "https://127.0.0.1:1/w#sha256=xyz",
    "https://127.0.0.1:1/w#md5=00000000", "file://", "file:///", "file:///dev/zero", "file://other/w", "file:///%00",
    "file:///etc", "data:text/plain,x", "https://127.0.0.1:1/../../w", "https://127.0.0.1:1/%2e%2e%2fw", "://", "a://b",
    "https://[::ffff:127.0.0.1]:1/w", "https://0x7f.1:1/w", "https://127.1:1/w?q=1#sha256=00000000",
)  # fmt: skip


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """A case per behaviour of a server, and per address."""
    content = seeds.torch_weights.read_bytes()[:200_000]
    responses = behaviours(content)
    sha256 = hashlib.sha256(content).hexdigest()
    with_port = _serve({name: response for name, (response, _) in responses.items()})
    for name, (_, seconds) in responses.items():
        path = name.replace(" ", "-").replace("/", "-")
        yield Case(
            kind="servers",
            name=name,
            arguments=_convert(f"http://127.0.0.1:{with_port[name]}/{path}.safetensors#sha256={sha256}"),
            # Cut off, the file is none of weights: it is refused after a right download, too.
            expected="refused",
            seconds=seconds,
        )
    for address in ADDRESSES:
        yield Case(kind="addresses", name=ascii(address[:40]), arguments=_convert(address))


def _convert(address: str) -> tuple[str, ...]:
    return ("convert", address, "out.safetensors", "--model", TORCH_NETWORK)


def behaviours(content: bytes) -> dict[str, tuple[Response, float]]:
    """What a server responds with, and the seconds that this may take."""

    def raw(head: str, body: bytes = b"", then: Response | None = None) -> Response:
        def respond(connection: socket.socket, request: bytes) -> None:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)
            if then:
                then(connection, request)

        return respond

    def ok(headers: str, body: bytes = content, then: Response | None = None) -> Response:
        return raw(f"HTTP/1.1 200 OK\n{headers}Connection: close\n", body, then)

    size = len(content)
    at_once = {
        "right": ok(f"Content-Length: {size}\n"),
        "no length": ok(""),
        "a length too short": ok(f"Content-Length: {size // 2}\n"),
        "a length too long": ok(f"Content-Length: {size * 2}\n"),
        "a negative length": ok("Content-Length: -1\n"),
        "a length of 10^30": ok(f"Content-Length: {10**30}\n"),
        "a length of 5,000 digits": ok(f"Content-Length: {'9' * 5000}\n"),
        "a length that is text": ok("Content-Length: many\n"),
        "a length of superscripts": ok("Content-Length: ³\n"),
        "two lengths": ok(f"Content-Length: {size}\nContent-Length: 3\n"),
        "an empty body": ok("Content-Length: 0\n", b""),
        "206 without Range": raw(f"HTTP/1.1 206 Partial\nContent-Length: {size}\n", content),
        "206 of another range": raw(f"HTTP/1.1 206 P\nContent-Range: bytes 5-9/9\nContent-Length: {size}\n", content),
        "416": raw("HTTP/1.1 416 Range\nContent-Length: 0\n"),
        "204": raw("HTTP/1.1 204 No Content\n"),
        "401": raw("HTTP/1.1 401 Who\nContent-Length: 0\n"),
        "403": raw("HTTP/1.1 403 No\nContent-Length: 0\n"),
        "404": raw("HTTP/1.1 404 No\nContent-Length: 0\n"),
        "429": raw("HTTP/1.1 429 Slow\nRetry-After: 9999999\nContent-Length: 0\n"),
        "500": raw("HTTP/1.1 500 Oh\nContent-Length: 0\n"),
        "999": raw("HTTP/1.1 999 Oh\x1b[31m\nContent-Length: 0\n"),
        "no status": raw("nonsense\n"),
        "a status of text": raw("HTTP/1.1 OK OK\n"),
        "HTTP 0.9": raw("", content),
        "TLS": raw("\x16\x03\x01", b"\x00" * 100),
        "nothing": lambda connection, request: None,
        "reset": _reset,
        "a chunk of -1": ok("Transfer-Encoding: chunked\n", b"-1\r\n" + content),
        "a chunk of 2^63": ok("Transfer-Encoding: chunked\n", b"8000000000000000\r\n" + content),
        "a chunk that is text": ok("Transfer-Encoding: chunked\n", b"nonsense\r\n" + content),
        "a chunk of a long number": ok("Transfer-Encoding: chunked\n", b"F" * 100_000 + b"\r\n"),
        "chunks without end": ok("Transfer-Encoding: chunked\n", b"5\r\nabcde\r\n"),
        "chunked and a length": ok("Transfer-Encoding: chunked\nContent-Length: 5\n", b"5\r\nabcde\r\n0\r\n\r\n"),
        "a gzip bomb": ok("Content-Encoding: gzip\n", gzip.compress(bytes(2**28), 1) * 8),
        "an unknown encoding": ok("Content-Encoding: nonsense\n"),
        "a broken gzip": ok("Content-Encoding: gzip\n"),
        "a login page": ok("Content-Type: text/html\n", b"<html>Please log in</html>"),
        "a redirect to a file": _redirect("file:///etc/passwd"),
        "a redirect to ftp": _redirect("ftp://127.0.0.1/x"),
        "a redirect to nowhere": raw("HTTP/1.1 302 Found\nContent-Length: 0\n"),
        "a redirect to nonsense": _redirect("http://[::1"),
        "a redirect to a port of 99999": _redirect("http://127.0.0.1:99999/"),
        "a redirect to itself": _redirect("/itself"),
        "a redirect to bytes": _redirect("/\xff\xfe"),
        "a redirect to a long address": _redirect("/" + "x" * 60_000),
        "a long header": ok("X: " + "x" * 1_000_000 + "\n"),
        "10,000 headers": ok("".join(f"X{i}: x\n" for i in range(10_000))),
        "a header without a colon": ok("nonsense\n"),
        "many 100 Continue": raw("HTTP/1.1 100 Continue\n\n" * 10_000),
        "a cookie of an escape": ok("Set-Cookie: \x1b[31m=1\n"),
        "a body without end": ok("", b"", _endless(b"x" * 2**16)),
        "a longer body than its length": ok(f"Content-Length: {size}\n", content, _endless(b"x" * 2**16)),
    }
    slow = {
        "a byte per second": ok(f"Content-Length: {size}\n", b"", _dripping(b"x", 1)),
        "a byte per second without a length": ok("", b"", _dripping(b"x", 1)),
        "a header per second": raw("HTTP/1.1 200 OK", b"", _dripping(b"X: x\r\n", 1)),
        "a status of a byte per second": lambda connection, request: _dripping(b"H", 1)(connection, request),
        "silence": lambda connection, request: time.sleep(120),
        "silence after the header": ok(f"Content-Length: {size}\n", b"", lambda c, r: time.sleep(120)),
        "silence in the middle": ok(f"Content-Length: {size}\n", content[:9999], lambda c, r: time.sleep(120)),
        "headers without end": raw("HTTP/1.1 200 OK", b"", _endless(b"X: x\r\n")),
        "100 Continue without end": raw("HTTP/1.1 100 Continue\n", b"", _endless(b"HTTP/1.1 100 Continue\r\n\r\n")),
    }
    return {
        **{name: (response, 10.0) for name, response in at_once.items()},
        **{name: (response, SLOW) for name, response in slow.items()},
    }


def _redirect(location: str) -> Response:
    def respond(connection: socket.socket, request: bytes) -> None:
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode("latin-1"))

    return respond


def _endless(piece: bytes) -> Response:
    def respond(connection: socket.socket, request: bytes) -> None:
        while True:
            connection.sendall(piece)

    return respond


def _dripping(piece: bytes, seconds: float) -> Response:
    def respond(connection: socket.socket, request: bytes) -> None:
        while True:
            connection.sendall(piece)
            time.sleep(seconds)

    return respond


def _reset(connection: socket.socket, request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def _serve(responses: dict[str, Response]) -> dict[str, int]:
    """The port of the server of each response; all are in one process, which ends with this one."""
    servers = {name: socket.create_server(("127.0.0.1", 0)) for name in responses}
    ports = {name: server.getsockname()[1] for name, server in servers.items()}
    if not os.fork():
        # Linux: end with the parent.
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        for name, server in servers.items():
            threading.Thread(target=_accept, args=(server, responses[name]), daemon=True).start()
        while True:
            time.sleep(3600)
    for server in servers.values():
        server.close()
    return ports


def _accept(server: socket.socket, response: Response) -> None:
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_respond, args=(connection, response), daemon=True).start()


def _respond(connection: socket.socket, response: Response) -> None:
    try:
        with connection:
            response(connection, connection.recv(2**16))
    except OSError:
        pass
