"""Whatever a server sends, a download ends in time, in one line, and keeps nothing that may be wrong."""

import gzip
import hashlib
import logging
import re
import sys
import time
import tracemalloc
import warnings
from dataclasses import replace

import pytest
from weights.raw_server import raw_server, repeating, says, silent_after

import zoo
from zoo.__main__ import main
from zoo.runtime.log_filters import quiet_libraries
from zoo.runtime.web.download import download
from zoo.runtime.web.limits import Limits

OK = b"HTTP/1.1 200 OK\r\n"
PARTIAL = b"HTTP/1.1 206 Partial Content\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = bytes(range(256)) * 40
DIGEST = hashlib.sha256(BODY).hexdigest()
LIMITS = Limits(slow_bytes=1000, max_bytes=1_000_000, max_unstated_bytes=200_000, redirects=3)
IMPATIENT = {
    "no response in time": replace(LIMITS, header_seconds=0.2),
    "less than 1 kB in 0.2 s": replace(LIMITS, slow_seconds=0.2),
}


def stating(length: bytes, body: bytes = BODY) -> bytes:
    return OK + b"Content-Length: " + length + b"\r\n\r\n" + body


def range_of(stated: bytes, body: bytes = BODY[1000:]) -> bytes:
    return PARTIAL + b"Content-Range: " + stated + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def redirects_to(target: bytes):
    return says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")


def chunked(*sizes_and_parts: bytes) -> bytes:
    return CHUNKED + b"".join(sizes_and_parts)


RESPONSES = {
    # What comes too slowly, or not at all.
    "nothing": (silent_after(b""), "no response in time"),
    "closed at once": (says(), "no connection"),
    "half a header": (silent_after(OK + b"Content-Le"), "no response in time"),
    "a header byte by byte": (repeating(b"", b"H", 0.02), "no response in time"),
    "a header line by line": (repeating(OK, b"A: b\r\n", 0.05), "no response in time"),
    "100 Continue for ever": (repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001), "no response in time"),
    "a body that stops": (silent_after(stating(b"10240", BODY[:5000])), "less than 1 kB in 0.2 s"),
    "a body byte by byte": (repeating(stating(b"10240", b""), b"b", 0.02), "less than 1 kB in 0.2 s"),
    "the size of a chunk byte by byte": (repeating(CHUNKED, b"0", 0.02), "less than 1 kB in 0.2 s"),
    "trailers for ever": (repeating(chunked(b"1\r\nb\r\n0\r\n"), b"a: b\r\n", 0.001), "less than 1 kB in 0.2 s"),
    # What is no HTTP.
    "no HTTP": (says(b"220 mail.example ESMTP\r\n"), "not valid HTTP"),
    "noise": (says(b"\x00\xff\x16\x03" * 100), "not valid HTTP"),
    "a status that is no number": (says(b"HTTP/1.1 abc OK\r\n\r\n"), "not valid HTTP"),
    "a status line without an end": (repeating(b"HTTP/1.1 200 ", b"K" * 9999), "not valid HTTP"),
    "headers without an end": (repeating(OK, b"A: b\r\n" * 100), "not valid HTTP"),
    "a header line without an end": (repeating(OK + b"A: ", b"b" * 9999), "not valid HTTP"),
    # Lengths.
    "a negative length": (says(stating(b"-5")), "states the length '-5'"),
    "a length that is text": (says(stating(b"many")), "states the length 'many'"),
    "a length with a sign": (says(stating(b"+10240")), r"states the length '\+10240'"),
    "an empty length": (says(stating(b"")), "states the length ''"),
    "two lengths": (says(stating(b"10240\r\nContent-Length: 5")), "not valid HTTP"),
    "a length of 400 digits": (says(stating(b"9" * 400)), "states the length '99"),
    "a length of exabytes": (says(stating(b"9" * 18)), "999,999,999,999,999,999 bytes"),
    "too large": (says(stating(b"1000001")), "1,000,001 bytes"),
    "shorter than stated": (says(stating(b"10241")), "the connection was closed"),
    "chunks beyond the length": (
        says(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "more than the 3 bytes that were stated",
    ),
    "chunks without an end": (repeating(CHUNKED, b"2710\r\n" + b"b" * 10_000 + b"\r\n"), "more than the 200,000 bytes"),
    # Chunks.
    "a negative chunk": (says(chunked(b"-5\r\nhello\r\n0\r\n\r\n")), "not valid HTTP"),
    "a chunk of -1": (repeating(chunked(b"-1\r\n"), b"b" * 10_000), "not valid HTTP"),
    "the size of a chunk is text": (says(chunked(b"many\r\nhello\r\n0\r\n\r\n")), "the connection was closed"),
    "a huge chunk": (says(chunked(b"f" * 300 + b"\r\nhello")), "the connection was closed"),
    "the size of a chunk without an end": (repeating(CHUNKED, b"0" * 9999), "not valid HTTP"),
    "chunks that end too early": (says(chunked(b"5\r\nhello\r\n")), "the connection was closed"),
    # Encodings.
    "gzip": (
        says(OK + b"Content-Encoding: gzip\r\nContent-Length: 1042\r\n\r\n" + gzip.compress(bytes(1_000_000))),
        r"encoded \(gzip\)",
    ),
    "several encodings": (says(OK + b"Content-Encoding: br, gzip, gzip\r\n\r\n"), r"encoded \(br, gzip, gzip\)"),
    "a transfer that is gzip": (says(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"), r"encoded \(gzip, chunked\)"),
    # Statuses.
    "206 without a range": (says(range_of(b"bytes 1000-10239/10240")), r"a part of the file \(206\)"),
    "416 without a range": (says(b"HTTP/1.1 416 \x1b[31mred\r\n\r\n"), "responded with 416"),
    "204": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "responded with 204 No Content"),
    "a status of its own": (says(b"HTTP/1.1 799 \x1b[31mred\r\n\r\n"), "responded with 799 no known status"),
    # Redirects.
    "a redirect to a file": (redirects_to(b"file:///etc/passwd"), "redirects to file:///etc/passwd, .*not followed"),
    "a redirect to FTP": (redirects_to(b"ftp://127.0.0.1/w"), "redirects to ftp://127.0.0.1/w, .*not followed"),
    "a redirect to no URL": (redirects_to(b"http://[::1"), r"redirects to http://\[::1, .*not followed"),
    "a redirect to no port": (redirects_to(b"http://127.0.0.1:99999/"), "99999.*not followed"),
    "a redirect with a password": (redirects_to(b"http://me:secret@127.0.0.1/"), "not followed: .*user's name"),
    "a redirect to itself": (redirects_to(b"/w.bin"), "redirects again after 3 redirects"),
    "a redirect without a target": (says(b"HTTP/1.1 302 Found\r\n\r\n"), "responded with 302 Found"),
    "a redirect with an endless body": (
        repeating(b"HTTP/1.1 302 Found\r\nLocation: file:///\r\n\r\n", b"b" * 9999),
        "not followed",
    ),
    # Contents.
    "a login page": (says(OK + b"Content-Length: 33\r\n\r\n\n<!DOCTYPE html><title>Log in</title>"), "a web page"),
    "another file": (says(stating(b"10240", BODY[::-1])), f"SHA-256 .*, not {DIGEST}"),
}
WITHOUT_DIGEST = {"another file"}


@pytest.fixture
def target(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "w.bin"


@pytest.mark.parametrize("digest", [DIGEST, ""], ids=["digest", "no digest"])
@pytest.mark.parametrize("name", RESPONSES)
def test_a_hostile_response_ends_in_one_line(name, digest, target):
    if not digest and name in WITHOUT_DIGEST:
        pytest.skip("nothing tells")
    behaviour, message = RESPONSES[name]
    start = time.monotonic()
    with raw_server(behaviour) as address, pytest.raises(zoo.ZooError, match=message) as error:
        download(f"{address}/w.bin", target, digest, IMPATIENT.get(message, LIMITS))
    assert time.monotonic() - start < 10
    assert str(error.value).isprintable() and "secret" not in str(error.value) and len(str(error.value)) < 700
    kept = [path.name for path in target.parent.iterdir()]
    assert kept in ([], ["w.bin.part"]) and (digest or not kept)


LOGGED = {
    "chunks and a length": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a header without a colon": OK + b"nonsense\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.fixture
def quiet(monkeypatch):
    """As in the process of a command."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    levels = {name: logging.getLogger(name).level for name in ("absl", "asyncio", "matplotlib", "urllib3")}
    with warnings.catch_warnings():
        quiet_libraries()
        yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", LOGGED)
def test_commands_do_not_show_what_libraries_log_of_headers(name, target, capsys, caplog):
    with raw_server(says(LOGGED[name])) as address:
        url = f"{address}/w.safetensors#sha256=00000000"
        assert main(["convert", url, str(target.with_name("out.safetensors")), "--model", "lenet5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not caplog.records


def test_a_file_whose_end_nothing_tells_needs_a_digest(target):
    with raw_server(says(OK + b"\r\n" + BODY)) as address:
        with pytest.raises(zoo.ZooError, match="does not state its length: add #sha256="):
            download(f"{address}/w.bin", target, "", LIMITS)
        assert download(f"{address}/w.bin", target, DIGEST, LIMITS).read_bytes() == BODY


@pytest.mark.parametrize("digest", [DIGEST, ""])
def test_chunks_are_taken(target, digest):
    parts = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in (BODY[:1], BODY[1:5000], BODY[5000:]))
    with raw_server(says(CHUNKED, parts, b"0\r\nA: trailer\r\n\r\n")) as address:
        assert download(f"{address}/w.bin", target, digest, LIMITS).read_bytes() == BODY


def test_redirects_are_followed(target):
    def behave(header, number):
        place = re.match(rb"GET /(\S*)", header)[1]
        if place == "ü/w.bin".encode().replace(b"\xc3\xbc", b"%C3%BC"):
            return [stating(b"10240")]
        return [b"HTTP/1.1 301 Moved\r\nLocation: ", "ü/w.bin".encode(), b"\r\nContent-Length: 0\r\n\r\n"]

    with raw_server(behave) as address:
        assert download(f"{address}/w.bin", target, DIGEST, LIMITS).read_bytes() == BODY


@pytest.mark.parametrize(
    "response",
    [
        range_of(b"bytes 1000-10239/10240"),
        range_of(b"bytes 1000-10239/*"),
        stating(b"10240"),
        range_of(b"bytes 0-10239/10240", BODY),
        range_of(b"bytes 999-10238/10240"),
        range_of(b"bytes 1000-5000/10240", BODY[1000:5001]),
        range_of(b"bytes 1000-20000/20001"),
        range_of(b"bytes 1000-900/10240"),
        range_of(b"1000-10239"),
        range_of(b"bytes -5-10239/10240"),
        PARTIAL + b"Content-Length: 9240\r\n\r\n" + BODY[1000:],
        b"HTTP/1.1 416 Range Not Satisfiable\r\n\r\n",
    ],
)
def test_a_wrong_range_starts_again(target, response):
    target.with_name("w.bin.part").write_bytes(BODY[:1000])
    asked = []

    def behave(header, number):
        asked.append(b"Range: bytes=1000-" in header)
        return [response if asked[-1] else stating(b"10240")]

    with raw_server(behave) as address:
        assert download(f"{address}/w.bin", target, DIGEST, LIMITS).read_bytes() == BODY
    assert asked in ([True], [True, False])


def test_a_stalled_download_is_resumed(target):
    def behave(header, number):
        if not number:
            yield stating(b"10240", BODY[:5000])
            time.sleep(5)
            return
        yield range_of(b"bytes 5000-10239/10240", BODY[5000:])

    with raw_server(behave) as address:
        with pytest.raises(zoo.ZooError, match=r"stopped after .*less than .*again to resume it"):
            download(f"{address}/w.bin", target, DIGEST, replace(LIMITS, slow_seconds=0.2))
        assert download(f"{address}/w.bin", target, DIGEST, LIMITS).read_bytes() == BODY


def test_an_endless_response_takes_little_memory(target):
    endless = repeating(CHUNKED, b"10000\r\n" + b"b" * 2**16 + b"\r\n")
    tracemalloc.start()
    with raw_server(endless) as address, pytest.raises(zoo.ZooError, match="50,000,000"):
        download(f"{address}/w.bin", target, "", Limits(max_unstated_bytes=50_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_full_disk_is_told_before_the_download(target, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10_000}))
    with raw_server(says(stating(b"10240"))) as address, pytest.raises(zoo.ZooError, match="has room for 0"):
        download(f"{address}/w.bin", target, DIGEST, LIMITS)
