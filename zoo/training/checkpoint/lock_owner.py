"""The process that holds a lock: which it is, and whether it has ended."""

import os
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from zoo.runtime.record_types import Name
from zoo.runtime.records import as_record, parse_json

# Part of a file's name.
OwnerId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z", description="32 hexadecimal digits")]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process that holds a lock, with an `id` for this one time.

    `host` and `machine` say on which computer, `boot` since which start of it, `namespace` in which container, "" where
    the system does not tell. `started` is when the process started, so that another one with its number is not it.
    `since` is for people.
    """

    id: OwnerId
    host: Name
    machine: Name
    boot: Name
    namespace: Name
    pid: Annotated[int, Meta(ge=1, lt=2**31)]
    started: Name
    since: Name


def this_process() -> Owner:
    """This process, as the owner of a lock from now on."""
    return Owner(
        id=uuid.uuid4().hex,
        host=socket.gethostname(),
        machine=_text(Path("/etc/machine-id")),
        boot=_text(Path("/proc/sys/kernel/random/boot_id")),
        namespace=_pid_namespace(),
        pid=os.getpid(),
        started=_start_time(os.getpid()),
        since=datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
    )


def parse_owner(text: bytes, where: str) -> Owner:
    """The owner that `json.dumps(asdict(owner))` gave, in the file `where`. Raises InvalidRecord if it is none."""
    return as_record(parse_json(text, where), Owner, where)


def has_ended(owner: Owner, here: Owner) -> bool | None:
    """Whether the owner's process has ended, seen from the process `here`; None for one that cannot be seen from it."""
    if (owner.host, owner.machine) != (here.host, here.machine):
        return None
    if owner.boot != here.boot:
        # The computer was started again, unless it is another one of the same name.
        return True if here.machine else None
    if owner.namespace != here.namespace:
        return None
    return not _is_running(owner)


def _is_running(owner: Owner) -> bool:
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not owner.started or _start_time(owner.pid) == owner.started


def _start_time(pid: int) -> str:
    """When the process started, in ticks since the computer did; "" if it has ended, or the system does not tell."""
    # The second field is the program's name in parentheses, and may have spaces (man 5 proc_pid_stat).
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    # A zombie has ended, though nobody has asked for its exit status.
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _pid_namespace() -> str:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _text(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text().strip()
    return ""
