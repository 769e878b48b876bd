"""Whether this process is only the command, so that it may be ended, replaced, and set up for it.

In a notebook (`%run train.py`), an interpreter, a debugger or a profiler, and where another program calls the command,
the handlers of signals, the streams and the settings of libraries are those of that program.
"""

from __future__ import annotations

import sys
import threading

# That of `typing`, which is not imported before Ctrl-C is handled.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

# Options of Python whose value is the next word, and those without a value, which may be joined to others.
WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
WITHOUT_VALUE = "bBdEiIOPqsSuvx"


def is_own_process() -> bool:
    """Whether Python was started for this command, and nothing else runs in the process."""
    return _is_alone() and _started_for(sys.orig_argv, sys.argv)


def _is_alone() -> bool:
    """Whether there is no other thread, and nobody follows what this one does."""
    followed = sys.gettrace() or sys.getprofile() or sys.flags.interactive or _is_monitored()
    return threading.current_thread() is threading.main_thread() and threading.active_count() == 1 and not followed


def _is_monitored() -> bool:
    """Whether a debugger or a profiler uses `sys.monitoring`, which Python has from 3.12 on."""
    monitoring: Any = getattr(sys, "monitoring", None)
    return monitoring is not None and any(monitoring.get_tool(number) for number in range(6))


def _started_for(started: list[str], arguments: list[str]) -> bool:
    """Whether the words of `sys.orig_argv` are an interpreter, its options, and what has these `sys.argv`."""
    count = len(arguments) - 1
    before = started[: len(started) - count]
    if started[len(before) :] != arguments[1:] or len(before) < 2:
        return False
    program = before.pop()
    if _runs(before[-1]) == "the next word":
        before.pop()
    # A script that is read from standard input cannot be read again.
    elif _runs(program) != "itself" and (program != arguments[0] or program == "-"):
        return False
    return _are_options(before[1:])


def _are_options(words: list[str]) -> bool:
    """Whether all are options of Python: none of them runs another program, which then runs this one."""
    values = {index + 1 for index, word in enumerate(words) if word in WITH_VALUE}
    others = (word for index, word in enumerate(words) if index not in values)
    return all(word[:1] == "-" and not _runs(word) for word in others)


def _runs(word: str) -> Literal["the next word", "itself", ""]:
    """What runs by an option such as -m, -um or -mzoo: the module or the code that follows it, or is in it."""
    program = word[1:].lstrip(WITHOUT_VALUE)
    if word[:1] != "-" or word[:2] == "--" or program[:1] not in ("m", "c"):
        return ""
    return "itself" if len(program) > 1 else "the next word"
