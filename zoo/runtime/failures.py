"""What ends a command other than a bug, as one line: bad input, the system, too little memory, a broken library."""

import os
import sys
from collections.abc import Callable, Iterator
from types import TracebackType

from zoo.errors import ZooError
from zoo.printable import one_line
from zoo.runtime.console import print_note
from zoo.runtime.process import discard_output
from zoo.runtime.system_errors import REFUSALS, error_number, reason

# That of XLA's error, which is a RuntimeError.
OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"
# The module of JAX that starts the platforms of JAX_PLATFORMS; what it raises has no class of its own.
START_OF_DEVICES = "jax._src.xla_bridge"
NO_THREAD = "can't start new thread"


def exit_status(command: Callable[[], int | None]) -> int:
    """Run a command and return its exit status: 2, and one line on standard error, where it fails.

    It is 0 where the reader of its output, such as `head`, has closed the pipe. A bug raises.
    """
    try:
        try:
            return command() or 0
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        return 0
    except Exception as error:
        line = failure_line(error)
        if line is None:
            raise
        print_note(line)
        if isinstance(error, OSError) and error.filename is None:
            # It may be that of standard output, which Python would flush again at its exit.
            discard_output()
        return 2


def failure_line(error: BaseException) -> str | None:
    """What was wrong and what to do; None for an error that only a bug explains, or a damaged file."""
    # A warning is an error with PYTHONWARNINGS=error.
    if isinstance(error, ZooError | Warning):
        return str(error)
    if line := refusal_line(error):
        return line
    return _named(error) if isinstance(error, OSError) or error_number(error) else None


def refusal_line(error: BaseException) -> str | None:
    """As `failure_line` for what no file explains: the system refused, a library does not start, memory is missing.

    Of an error that was raised from another one, also that one.
    """
    return _refusal(error) or (refusal_line(error.__cause__) if error.__cause__ else None)


def _refusal(error: BaseException) -> str | None:
    text = one_line(error, 300)
    if library := failed_import(error):
        why = reason(error) if error_number(error) else f"{type(error).__name__}: {text}"
        return f"cannot import {library}: {why} (check its installation, environment variables and configuration)"
    if START_OF_DEVICES in _modules(error.__traceback__):
        platforms = os.environ.get("JAX_PLATFORMS", "")
        return f"JAX cannot start its devices (JAX_PLATFORMS={platforms!r}): {text}"
    if error_number(error) in REFUSALS:
        return _named(error)
    if isinstance(error, MemoryError) or OUT_OF_MEMORY in text:
        return "out of memory: use smaller images, or a smaller --batch-size where there is one"
    if NO_THREAD in text:
        return "the system starts no more threads: raise the limit with ulimit -u, or end other programs"
    return None


def _named(error: BaseException) -> str:
    return f"{getattr(error, 'filename', None) or 'cannot read or write'}: {reason(error)}"


def failed_import(error: BaseException) -> str:
    """The library that raised this error while it was imported, such as "jax"; "" if none did."""
    missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else ""
    packages = [name.partition(".")[0] for name in (*_modules(error.__traceback__, imported=True), missing)]
    libraries = [name for name in packages if name not in {"", "__main__", "zoo", *sys.stdlib_module_names}]
    return libraries[-1] if libraries else ""


def _modules(trace: TracebackType | None, *, imported: bool = False) -> Iterator[str]:
    """The modules in which an error was raised, from the outermost; only those that were being `imported`."""
    while trace:
        if not imported or trace.tb_frame.f_code.co_name == "<module>":
            yield str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
