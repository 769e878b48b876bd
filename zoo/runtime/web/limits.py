"""How long a response may take, and how large it may be."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds to connect, until the header of the response is complete, redirects included, and for the whole body.

    A body of which less than `slow_bytes` arrive in `slow_seconds` ends. It has at most `max_bytes`, or
    `max_unstated_bytes` where the server does not state how many. A process that waits for the same download of
    another one ends when that has written nothing for `waiting_seconds`.
    """

    connect_seconds: float = 10.0
    header_seconds: float = 60.0
    slow_seconds: float = 30.0
    slow_bytes: int = 30_000
    body_seconds: float = 24 * 3600.0
    max_bytes: int = 16 * 2**30
    max_unstated_bytes: int = 2**30
    redirects: int = 10
    waiting_seconds: float = 180.0


LIMITS = Limits()
