"""A small web server for tests: what it has, how it misbehaves, and what it was asked."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What downloads of `url` get.
BODY = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(BODY).hexdigest()


@dataclass
class Site:
    """`files` by path; `headers` to send with every response; a connection ends after `drop_after` bytes of a body."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    drop_after: int | None = None
    status: int | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


def handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    """What answers for the site."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.respond(with_body=False)

        def do_GET(self):
            self.respond(with_body=True)

        def respond(self, with_body: bool):
            byte_range = self.headers.get("Range")
            site.asked.append((self.command, self.path, byte_range))
            site.authorizations.append(self.headers.get("Authorization"))
            if site.status or self.path not in site.files:
                self.send_response(site.status or 404)
                self.send_header("Content-Length", "0")
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                return
            body, begin = site.files[self.path], 0
            if byte_range and site.ranges:
                begin = int(byte_range.removeprefix("bytes=").removesuffix("-"))
                if begin >= len(body):
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(body) - begin))
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body[begin:][: site.drop_after])

        def log_message(self, *arguments):
            pass

    return Handler


@contextmanager
def serving() -> Iterator[Site]:
    """A site on a free port of this machine."""
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(site)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
