"""TFDS's downloads, made to end: TFDS itself asks without a timeout, and waits for a silent server for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests

from zoo.runtime.bounded_calls import CallTimeout, bounded_calls, call_within
from zoo.runtime.web.body import RequestFailed, read_body
from zoo.runtime.web.limits import Limits


class LimitedAdapter(requests.adapters.HTTPAdapter):
    """Sends requests whose responses end within limits and are not decoded. Raises errors of requests, and ZooError."""

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """As `requests.adapters.HTTPAdapter.send`; the limits take the place of the timeout."""
        request.headers["Accept-Encoding"] = "identity"
        timeout = (self._limits.connect_seconds, self._limits.header_seconds)
        try:
            send = partial(super().send, request, stream, timeout, verify, cert, proxies)
            response: Any = call_within(self._limits.header_seconds, send)
        except CallTimeout:
            raise requests.ConnectTimeout(
                f"no response in {self._limits.header_seconds:g} s", request=request
            ) from None
        response.iter_content = partial(_pieces, response, self._limits)
        return response


@contextmanager
def limited_downloads(limits: Limits) -> Iterator[None]:
    """Within this context TFDS downloads with `LimitedAdapter`.

    TFDS has no option for it. It looks the adapter up here for each download, in several threads; a `timeout` in its
    `DownloadConfig` would replace this.
    """
    adapters: Any = requests.adapters
    before = adapters.HTTPAdapter
    adapters.HTTPAdapter = partial(LimitedAdapter, limits)
    try:
        yield
    finally:
        adapters.HTTPAdapter = before


def _pieces(
    response: requests.Response, limits: Limits, chunk_size: int | None = 1, decode_unicode: bool = False
) -> Iterator[bytes]:
    """In place of `requests.Response.iter_content`: pieces of any size, undecoded, and nothing of a redirect."""
    if response.is_redirect:
        return
    with bounded_calls() as call:
        try:
            yield from read_body(call, response, limits)
        except RequestFailed as failure:
            raise requests.ConnectionError(str(failure), request=response.request) from None
