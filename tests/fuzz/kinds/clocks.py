"""Clocks that step and run backwards: nothing that a command decides depends on them."""

from __future__ import annotations

import datetime
import itertools
import time
from collections.abc import Callable, Iterator

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import RESUME, copied, train
from tests.fuzz.seeds import Seeds

YEAR = 365 * 24 * 3600.0
REAL = time.time
WILDEST = "a year apart at every call"


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each clock with a new run, a resumed one, and with what uses its checkpoints."""
    run = copied(seeds.run, "run", lambda folder: None)
    commands = {
        "train": (train("--save-every", "0.001m"), lambda folder: None),
        "resume": (RESUME, copied(seeds.half_run, "run", lambda folder: None)),
        "predict": (("predict", str(seeds.image), "--checkpoint", "run"), run),
        "visualize": (
            ("visualize", "--method", "filters", "--layers", "c1", "--out", "o", "--checkpoint", "run"),
            run,
        ),
    }
    for name, clock in clocks().items():
        for command, (arguments, write) in commands.items():
            yield Case(
                kind="clocks",
                name=f"{command}: {name}",
                arguments=arguments,
                write=write,
                before=lambda clock=clock: _set_clock(clock),
                # Orbax's own deadlines are by this clock: with the wildest one a checkpoint may fail, in one line.
                expected="either" if name == WILDEST else "works",
                seconds=40,
            )


def clocks() -> dict[str, Callable[[], float]]:
    """Functions of seconds since 1970; the n-th call is what they count."""
    calls = itertools.count()
    start = REAL()
    return {
        "a year back after 50 calls": lambda: REAL() - YEAR * (next(calls) > 50),
        "a year ahead after 50 calls": lambda: REAL() + YEAR * (next(calls) > 50),
        "backwards": lambda: start - 10 * (REAL() - start),
        "stopped": lambda: start,
        "1970": lambda: 0.0,
        "2106": lambda: 2.0**32 + REAL() - start,
        WILDEST: lambda: REAL() - YEAR * (next(calls) % 2),
    }


def _set_clock(clock: Callable[[], float]) -> None:
    """What Python's code sees; the files' times are the system's."""
    time.time = clock
    time.time_ns = lambda: int(clock() * 1e9)

    class Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(clock(), tz)

    datetime.datetime = Datetime  # type: ignore[misc]
