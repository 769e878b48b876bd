"""What libraries log and warn of, for command lines."""

import logging
import sys
import warnings
from typing import Any

from zoo.printable import one_line
from zoo.runtime.console import print_note


def quiet_libraries() -> None:
    """For command lines: turn off the logs of libraries that repeat what one line of ours reports.

    Those are Orbax's, which logs much for a damaged checkpoint or a full disk, Matplotlib's about its fonts and its
    cache, and urllib3's about a server's headers. Warnings are one line each, without their source code; PIL's of too
    many pixels is an error of ours.
    """
    for name in ("absl", "asyncio", "matplotlib", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # What is logged without a logger's name, as by Orbax; libraries' loggers do not ask this one's filters.
    logging.getLogger().addFilter(lambda record: False)
    sys.unraisablehook = lambda _: None
    warnings.showwarning = print_warning
    # A cache that cannot be used is one line of `enable_compilation_cache`; later, as on a full disk, it is only slow.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")
    # Orbax's, after a failure.
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
    warnings.filterwarnings("ignore", message=r"Image size \(\d+ pixels\) exceeds limit")


def print_warning(message: Warning | str, *details: Any, **more: Any) -> None:
    """A warning as one line on standard error; in place of `warnings.showwarning`."""
    print_note(f"warning: {one_line(message, 2000)}")
