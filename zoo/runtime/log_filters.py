"""Silences libraries that log what one line of ours says already."""

import logging
import sys


def quiet_libraries() -> None:
    """For command lines: silence Orbax, which logs many lines about a damaged checkpoint or a full disk."""
    for name in ("absl", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda _: None
