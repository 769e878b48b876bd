"""The machine: Python, the system, processors, disk and memory."""

import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import zoo
from zoo.doctor.findings import Finding, Section
from zoo.errors import ZooError
from zoo.printable import printable, shown_bytes
from zoo.runtime.cache_folder import cache_folder, programs_folder
from zoo.runtime.environment import check_address_space
from zoo.runtime.free_memory import host_memory
from zoo.runtime.system_errors import reason
from zoo.runtime.thread_limit import check_threads

# Below these, a download of weights or a training run probably fails.
MIN_DISK = 2**30
MIN_MEMORY = 2**30
MIN_FILES = 128
PROGRAMS = "JAX_COMPILATION_CACHE_DIR"


def programs() -> Section:
    """Versions of zoo and Python, and the system."""
    folder = Path(zoo.__file__).parent
    return Section(
        "zoo",
        (
            Finding("zoo", f"{zoo.__version__}, {printable(folder)}"),
            Finding("Python", f"{platform.python_version()}, {printable(sys.executable or '-')}"),
            Finding("system", f"{platform.platform()}, {platform.machine()}, {_processors()} processors"),
        ),
    )


def disk_and_memory() -> Section:
    """Free space where zoo writes, free memory, and limits of this process."""
    spaces = [_space("current folder", Path.cwd), _space("caches", cache_folder, "ZOO_CACHE")]
    if os.environ.get(PROGRAMS):
        spaces.append(_space("compiled programs", programs_folder, PROGRAMS))
    return Section("disk and memory", (*spaces, _space("temporary files", _temporary), _memory(), *_limits()))


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        raise ZooError(f"there is no folder for temporary files: {reason(error)}") from None


def _space(name: str, locate: Callable[[], Path], variable: str = "") -> Finding:
    """The space in a folder, or in the one above it that exists. One that a variable sets has to be writable."""
    remedy = f"set {variable} to another folder" if variable else "choose another folder"
    try:
        folder = locate().absolute()
        existing = next(one for one in (folder, *folder.parents) if one.exists())
        free, writable = shutil.disk_usage(existing).free, os.access(existing, os.W_OK | os.X_OK)
    except (ZooError, OSError) as error:
        text = str(error) if isinstance(error, ZooError) else reason(error)
        return Finding(name, "-", f"{name}: {text}", remedy)
    value = f"{shown_bytes(free)} free, {'writable' if writable else 'not writable'}, {printable(folder)}"
    problem = ""
    if not existing.is_dir():
        problem = f"{name}: {printable(existing)} is no folder"
    elif not writable and variable:
        problem = f"{name}: {printable(folder)} is not writable"
    elif free < MIN_DISK:
        problem = f"{name}: only {shown_bytes(free)} are free in {printable(folder)}"
        remedy = f"remove some files (zoo cache clear), or {remedy}"
    return Finding(name, value, problem, remedy)


def _memory() -> Finding:
    free = host_memory()
    if free is None:
        return Finding("memory", "not known")
    problem = f"only {shown_bytes(free)} of memory are free" if free < MIN_MEMORY else ""
    return Finding(
        "memory", f"{shown_bytes(free)} free", problem, "close other programs, or raise the container's limit"
    )


def _limits() -> list[Finding]:
    """Limits of the system that JAX meets."""
    found = [*_limit("address space", check_address_space), *_limit("threads", check_threads)]
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    problem = f"a process may open only {files} files" if 0 <= files < MIN_FILES else ""
    return [*found, Finding("open files", "no limit" if files < 0 else f"at most {files:,}", problem, "ulimit -n 1024")]


def _limit(name: str, check: Callable[[], None]) -> list[Finding]:
    """A limit that the check refuses; nothing for one that is high enough."""
    try:
        check()
    except ZooError as error:
        problem, _, remedy = str(error).partition(": ")
        return [Finding(name, "limited", problem, remedy)]
    return []
