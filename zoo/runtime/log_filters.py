"""Turns off the logs of libraries that repeat what one line of ours reports."""

import logging
import sys


def quiet_libraries() -> None:
    """For command lines: turn off the logs of Orbax, which logs much for a damaged checkpoint or a full disk."""
    for name in ("absl", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda _: None
