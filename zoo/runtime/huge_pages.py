"""Memory of the host: a training step on a CPU takes and gives back gigabytes, page by page unless pages are large."""

import os
import platform
import sys
from pathlib import Path

TUNABLES = "GLIBC_TUNABLES"
LARGE_PAGES = "glibc.malloc.hugetlb=1"
POLICY = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def restart_with_large_pages() -> None:
    """Begin this program again with glibc asking for large pages, where Linux gives them only to who asks.

    glibc reads that once, when a program begins. Does nothing where the environment has GLIBC_TUNABLES already, on
    other systems, and where large pages are always or never given. Call it first of all.
    """
    if TUNABLES in os.environ or platform.libc_ver()[0] != "glibc" or not _on_request():
        return
    os.execve(sys.executable, sys.orig_argv, {**os.environ, TUNABLES: LARGE_PAGES})


def _on_request() -> bool:
    try:
        return "[madvise]" in POLICY.read_text()
    except OSError:
        return False
