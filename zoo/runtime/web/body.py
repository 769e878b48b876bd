"""The body of a web server's response, in pieces: it ends in time, and is no longer than it was stated to be."""

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError, InvalidHeader

from zoo.errors import ZooError
from zoo.runtime.bounded_calls import BoundedCall, CallTimeout
from zoo.runtime.web.limits import Limits
from zoo.runtime.web.url import redacted

# Bytes; at most so much is lost when a connection breaks.
PIECE_SIZE = 1 << 16


class RequestFailed(Exception):
    """There is no response, or its end does not arrive; the message is the reason, for the middle of a line."""


def read_body(call: BoundedCall, response: requests.Response, limits: Limits) -> Iterator[bytes]:
    """The body of a response in pieces, as they arrive, read by `call`.

    Raises RequestFailed where it ends too early or comes too slowly, and ZooError where it is encoded, or longer than
    it was stated to be or may be.
    """
    url, length = response.url, stated_length(response.url, response.headers)
    promised = min(limits.max_bytes, limits.max_unstated_bytes if length is None else length)
    received, rate = 0, _RateCheck(limits)
    while True:
        start = time.monotonic()
        try:
            piece = call(limits.slow_seconds, _read_piece, response.raw)
        except CallTimeout:
            raise RequestFailed(rate.too_slow) from None
        except (HTTPError, OSError, ValueError) as error:
            raise RequestFailed(failure_reason(error)) from None
        if not piece:
            break
        seconds = time.monotonic() - start
        received += len(piece)
        if received > promised:
            limit = "are taken where no length is stated" if length is None else "were stated"
            raise ZooError(f"{redacted(url)} sends more than the {promised:,} bytes that {limit}: nothing is kept")
        yield piece
        rate.check(len(piece), seconds)
    if length is not None and received < length:
        raise RequestFailed("the connection was closed")


def stated_length(url: str, headers: Mapping[str, str]) -> int | None:
    """The bytes of a body, or None where they are not stated.

    Raises ZooError where the Content-Length is no number, or the body is encoded, which was not asked for: a few bytes
    could stand for a terabyte.
    """
    content, transfer = headers.get("Content-Encoding", "identity"), headers.get("Transfer-Encoding", "chunked")
    if content.lower() != "identity" or transfer.lower() != "chunked":
        encoding = redacted(transfer if content.lower() == "identity" else content)
        raise ZooError(f"{redacted(url)} is sent encoded ({encoding}), which zoo does not decode: use another source")
    stated = headers.get("Content-Length")
    if stated is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", stated):
        raise ZooError(f"{redacted(url)} states the length {redacted(stated)!r}, not a number: use another source")
    return int(stated)


def failure_reason(error: Exception) -> str:
    """Why a request failed, in a few words."""
    if "Timeout" in type(error).__name__:
        return "no response in time"
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {redacted(cause.verify_message)}; check this computer's clock"
        if isinstance(cause, ssl.SSLError):
            return "no encrypted connection"
        if isinstance(cause, IncompleteRead):
            return "the connection was closed"
        if isinstance(cause, (HTTPException, InvalidHeader)) and not isinstance(cause, RemoteDisconnected):
            return "its response is not valid HTTP"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not connect"
    # A proxy or certificates of the environment that cannot be used: nothing was asked.
    if isinstance(error, ValueError) or not isinstance(error, (requests.RequestException, HTTPError)):
        return redacted(str(error))
    return "no connection"


class _RateCheck:
    """The rate at which a body comes. Only reading counts: not the time in which a slow disk takes the pieces."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seconds = self._recent_seconds = 0.0
        self._recent_bytes = 0
        self.too_slow = f"it sends less than {limits.slow_bytes / 1000:g} kB in {limits.slow_seconds:g} s"

    def check(self, size: int, seconds: float) -> None:
        """Count a piece. Raises RequestFailed where all takes too long, or too little has come in the last seconds."""
        self._seconds += seconds
        if self._seconds > self._limits.body_seconds:
            raise RequestFailed(f"it takes more than {self._limits.body_seconds:g} s")
        self._recent_seconds += seconds
        self._recent_bytes += size
        if self._recent_seconds >= self._limits.slow_seconds:
            if self._recent_bytes < self._limits.slow_bytes:
                raise RequestFailed(self.too_slow)
            self._recent_seconds, self._recent_bytes = 0.0, 0


def _read_piece(raw: HTTPResponse) -> bytes:
    """What has arrived of a body, at least a byte of it; b"" at its end."""
    piece = raw.read1(PIECE_SIZE, decode_content=False) or b""
    # Python's http.client takes a negative size of a chunk, and what follows it, chunks' headers too, for the file.
    # urllib3 would have to refuse it; it has the response of http.client under this name, which requests uses too.
    if raw.chunked and raw._original_response and (raw._original_response.chunk_left or 0) < 0:
        raise InvalidHeader("the size of a chunk is negative")
    return piece
