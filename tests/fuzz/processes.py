"""Runs cases as processes, a few at a time, each with a bound on its time and its memory.

A command imports for seconds and refuses in milliseconds. So one process imports all that commands need, and each
case is a fork of it. That is safe as long as it has not started JAX's backend: until then JAX has no threads.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.case import Case, Ended
from tests.fuzz.outcome import MAX_MEMORY, SCRIPT, Outcome, judge

CORES = os.cpu_count() or 1
# A hang is found in a minute on any machine.
MAX_PATIENCE = 3.0
# Seconds between two looks at a process.
TICK = 0.02
# What `start` makes in the folder of a case.
OURS = {"work", "home", "tmp", "stdout", "stderr"}
PAGE = resource.getpagesize()
# What was written to a stream beyond this is not read: a command in a loop can fill a disk.
MAX_TEXT = 1 << 20
# `python -m zoo` with jax imported, measured; other cases begin with what this process has imported.
FRESH_IDLE = 250 << 20
# Where an interpreter that is started finds the package of this one.
ROOT = str(Path(__file__).resolve().parents[2])
# glibc reads it when a process starts, and `zoo train` restarts itself where it is absent.
NO_RESTART = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}


@dataclass
class Running:
    """A process that runs a case in `folder`."""

    case: Case
    folder: Path
    pid: int
    idle: int
    start: float = field(default_factory=time.monotonic)
    peak: int = 0
    killed: str = ""
    ticks: int = 0
    moved: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)


def run_cases(cases: Iterable[Case], folder: Path, jobs: int) -> Iterator[Outcome]:
    """The outcomes of the cases, in the order of their ends. Each case has a folder below `folder` while it runs."""
    running: list[Running] = []
    for number, case in enumerate(cases):
        running.append(start(case, folder / str(number)))
        while len(running) >= jobs:
            yield from _ended(running)
    while running:
        yield from _ended(running)


def start(case: Case, folder: Path) -> Running:
    """Write the case's files and start its process."""
    work = folder / "work"
    work.mkdir(parents=True)
    (folder / "home").mkdir()
    (folder / "tmp").mkdir()
    case.write(work)
    idle = FRESH_IDLE if case.fresh else _resident("self")
    pid = os.fork()
    if not pid:
        _be_command(case, folder)
    return Running(case, folder, pid, idle)


def patience() -> float:
    """How many times longer things take on this machine at this moment than on an idle one."""
    return min(MAX_PATIENCE, max(1.0, 1.5 * os.getloadavg()[0] / CORES))


def _ended(running: list[Running]) -> Iterator[Outcome]:
    """Wait a moment; the outcomes of the processes that have ended, which leave the list."""
    time.sleep(TICK)
    for process in list(running):
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if not pid:
            _watch(process)
            continue
        running.remove(process)
        ended = _as_ended(process, os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)
        shutil.rmtree(process.folder, ignore_errors=True)
        yield judge(process.case, ended, patience())


def _watch(process: Running) -> None:
    """Kill a process that takes far too much, or that waits without computing, which no load explains."""
    now = process.seen = time.monotonic()
    if (ticks := _ticks(process.pid)) != process.ticks:
        process.ticks, process.moved = ticks, now
    if not process.case.fresh or _is_other_program(process.pid):
        process.peak = max(process.peak, _resident(process.pid) - process.idle)
    if process.peak > 3 * MAX_MEMORY:
        process.killed = "memory"
    elif now - process.start > 2 * process.case.seconds * patience() or now - process.moved > process.case.seconds:
        process.killed = "hang"
    if process.killed:
        os.killpg(process.pid, signal.SIGKILL)


def _as_ended(process: Running, status: int, peak: int) -> Ended:
    return Ended(
        status=status,
        output=_text(process.folder / "stdout"),
        error=_text(process.folder / "stderr"),
        # It may have ended long before it was asked again, while the files of another were made.
        seconds=process.seen - process.start,
        # Of a fresh interpreter the system's number is that of the process which it was forked from.
        peak=process.peak if process.case.fresh else max(process.peak, peak - process.idle),
        killed=process.killed,
        outside=tuple(sorted({path.name for path in process.folder.iterdir()} - OURS)),
        has_script=any(map(_has_script, _pages(process.folder / "work"))),
    )


def _has_script(page: Path) -> bool:
    try:
        return SCRIPT.encode() in page.read_bytes()
    except OSError:  # A case may have made it of something that cannot be read.
        return False


def _pages(folder: Path) -> Iterator[Path]:
    return (page for page in folder.rglob("*.html") if page.is_file())


def _text(file: Path) -> str:
    if not file.exists():
        # It was ended before it began.
        return ""
    with file.open("rb") as stream:
        return stream.read(MAX_TEXT).decode(errors="backslashreplace")


def _resident(pid: int | str) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _is_other_program(pid: int) -> bool:
    """Whether a forked process has become another program."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != Path("/proc/self/cmdline").read_bytes()
    except OSError:
        return False


def _ticks(pid: int) -> int:
    """The processor time of a process, of all its threads."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError):
        return 0


def _be_command(case: Case, folder: Path) -> None:
    """In the forked process: become the command, and end."""
    status = 70
    try:
        os.setsid()
        _redirect(case, folder)
        os.chdir(folder / "work")
        _set_environment(case, folder)
        arguments = [argument.replace("{folder}", str(folder / "work")) for argument in case.arguments]
        command = [sys.executable, "-m", "zoo", *arguments]
        if case.fresh:
            case.before()
            os.execvp((case.shell or command)[0], [*case.shell, *command])
        # A process of its own, as the installed script is.
        sys.argv = ["zoo", *arguments]
        sys.orig_argv = [sys.executable, *sys.argv]
        case.before()
        status = _call_main()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        # What an interpreter does at its end; this one must not come back to the loop over cases.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _call_main() -> int:
    from zoo.__main__ import main

    status = main()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    return status


def _redirect(case: Case, folder: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.dup2(os.open(case.stdin, os.O_RDONLY | os.O_NONBLOCK), 0)
    os.set_blocking(0, True)
    os.dup2(os.open(folder / "stdout", flags), 1)
    os.dup2(os.open(folder / "stderr", flags), 2)
    # As those of a process whose streams are files.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="strict", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stdin = os.fdopen(0, "r", closefd=False)


def _set_environment(case: Case, folder: Path) -> None:
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "ZOO_CACHE": str(folder / "home" / "cache")}
    own["PYTHONPATH"] = ROOT
    for name, value in {**NO_RESTART, **own, **case.environment}.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
