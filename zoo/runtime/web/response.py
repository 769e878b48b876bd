"""A web server's response to a request, after redirects that are as safe as the request; nothing in it is decoded."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from zoo.errors import ZooError
from zoo.runtime.bounded_calls import BoundedCall, CallTimeout, bounded_calls
from zoo.runtime.web.body import RequestFailed, failure_reason, read_body, stated_length
from zoo.runtime.web.limits import Limits
from zoo.runtime.web.url import parse_url, redacted, redirect_target

REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Response:
    """The response at the end of all redirects. `pieces` reads the body, once, and raises as `read_body`."""

    url: str
    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]

    @property
    def length(self) -> int | None:
        """The bytes of the body as the server states them, or None. Raises ZooError as `stated_length`."""
        return stated_length(self.url, self.headers)

    @property
    def has_known_end(self) -> bool:
        """Whether the end of the body can be told from a lost connection."""
        return self.length is not None or self.headers.get("Transfer-Encoding", "").lower() == "chunked"


class PlainSession(requests.Session):
    """A session that leaves redirects to its user: to follow them, it would read their bodies, of whatever size."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


@contextmanager
def open_response(url: str, headers: Mapping[str, str], limits: Limits) -> Iterator[Response]:
    """Ask for an http(s) URL, follow redirects, and yield the response, whatever its status.

    Raises RequestFailed without a response, ZooError for a URL or a redirect that is refused.
    """
    parse_url(url)
    # Compression would change the meaning of lengths and offsets.
    sent = {"Accept-Encoding": "identity", **headers}
    deadline = time.monotonic() + limits.header_seconds
    with PlainSession() as session, bounded_calls() as call:
        for _ in range(limits.redirects + 1):
            response = _ask(call, session, url, sent, deadline, limits)
            target = response.headers.get("Location") if response.status_code in REDIRECTS else None
            if target is None:
                break
            response.close()
            # Names in it that are not ASCII are UTF-8, which Python has read as Latin-1.
            next_url = redirect_target(url, target.encode("latin1", "replace").decode("utf-8", "replace"))
            if parse_url(next_url).netloc != parse_url(url).netloc:
                # Whatever it allows, it is for the first host only.
                sent.pop("Authorization", None)
            url = next_url
        else:
            raise ZooError(
                f"{redacted(url)} redirects again after {limits.redirects} redirects: give the URL of the file itself"
            )
        with _closing(response):
            yield Response(url, response.status_code, response.headers, read_body(call, response, limits))


def _ask(
    call: BoundedCall,
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    deadline: float,
    limits: Limits,
) -> requests.Response:
    def get() -> requests.Response:
        timeout = (limits.connect_seconds, limits.header_seconds)
        return session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=timeout)

    try:
        return call(deadline - time.monotonic(), get)
    except CallTimeout:
        raise RequestFailed("no response in time") from None
    except (requests.exceptions.InvalidURL, UnicodeError):
        whose = " or the proxy in the environment" if requests.utils.get_environ_proxies(url) else ""
        raise ZooError(f"{redacted(url)}{whose} has no valid host: give a URL as https://host/folder/file") from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise RequestFailed(failure_reason(error)) from None


@contextmanager
def _closing(response: requests.Response) -> Iterator[None]:
    """Close the response at the end, also where a thread still waits for its next bytes."""
    try:
        yield
    finally:
        with suppress(Exception):
            response.raw.shutdown()
        response.close()
