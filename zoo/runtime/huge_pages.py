"""Huge pages: a training step on a CPU allocates and frees gigabytes, which is slow with pages of 4 KB."""

import os
import platform
import signal
import sys
from pathlib import Path

from zoo.runtime.own_process import is_own_process

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb=1"
POLICY = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def restart_with_huge_pages() -> None:
    """Restart this process with glibc set to request huge pages, if Linux gives them on request only.

    glibc reads the setting when a process starts, so call this as early as possible. It does nothing if the environment
    has GLIBC_TUNABLES already (also after the restart), on other systems, if Linux always or never gives them, and in a
    process that is not the command's own, such as a notebook's.
    """
    if not lacks_huge_pages() or not is_own_process():
        return
    # Python prints a traceback if Ctrl-C comes while it starts: `run_process` unblocks it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execve(sys.executable, sys.orig_argv, {**os.environ, TUNABLES: HUGE_PAGES})


def lacks_huge_pages() -> bool:
    """Whether Linux gives huge pages on request, and glibc does not request them in this process."""
    return TUNABLES not in os.environ and platform.libc_ver()[0] == "glibc" and _given_on_request()


def _given_on_request() -> bool:
    try:
        return "[madvise]" in POLICY.read_text()
    except OSError:
        return False
