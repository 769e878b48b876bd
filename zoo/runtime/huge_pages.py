"""Huge pages: a training step on a CPU allocates and frees gigabytes, which is slow with pages of 4 KB."""

import os
import platform
import signal
import sys
from pathlib import Path

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb=1"
POLICY = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def restart_with_huge_pages() -> None:
    """Restart this process with glibc set to request huge pages, if Linux gives them on request only.

    glibc reads the setting when a process starts, so call this as early as possible. It does nothing if the environment
    has GLIBC_TUNABLES already (also after the restart), on other systems, and if Linux always or never gives them.
    """
    if TUNABLES in os.environ or platform.libc_ver()[0] != "glibc" or not _given_on_request():
        return
    # Python prints a traceback if Ctrl-C comes while it starts: `run_process` unblocks it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execve(sys.executable, sys.orig_argv, {**os.environ, TUNABLES: HUGE_PAGES})


def _given_on_request() -> bool:
    try:
        return "[madvise]" in POLICY.read_text()
    except OSError:
        return False
