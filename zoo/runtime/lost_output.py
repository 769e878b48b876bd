"""Standard output of a command that matters less than what the command does: a training run continues without it."""

import io
import os
import sys
from typing import Any

from zoo.runtime.console import print_note
from zoo.runtime.system_errors import reason


def continue_without_output() -> None:
    """From the first write to standard output that fails, all output is discarded, and none fails.

    Nothing is said where the reader, such as `head`, has closed the pipe; a full disk is a line on standard error.
    """
    stream = sys.stdout
    raw = _Discarding(stream.fileno(), "wb", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty(),
        write_through=True,
    )


class _Discarding(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                print_note(f"standard output cannot be written: {reason(error)}; the run continues without it")
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return memoryview(data).nbytes
