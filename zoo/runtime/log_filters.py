"""Libraries that log what one line of ours says already."""

import logging
import sys


def quiet_libraries() -> None:
    """For command lines: Orbax's logs, tasks and threads tell at length of a damaged checkpoint, or of a full disk."""
    for name in ("absl", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda _: None
