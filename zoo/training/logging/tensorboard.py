"""A run's measurements as TensorBoard events, in the record format of tensorboardX.

Its SummaryWriter is not used: it writes in a thread, which a full disk ends, and then the run would wait forever.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.runtime.system_errors import reason
from zoo.training.logging.rows import is_evaluation

if TYPE_CHECKING:
    from tensorboardX.record_writer import RecordWriter

# Parts of a row that are no curves: TensorBoard has its own step and time.
NOT_SCALARS = {"step", "seconds"}
_FILE_NAME = re.compile(r"events\.out\.tfevents\.([0-9]{10})\.")


def check_tensorboard() -> None:
    """Raises ZooError if tensorboardX is missing, before the run starts."""
    try:
        import tensorboardX.record_writer  # noqa: F401
    except ImportError:
        raise ZooError("--tensorboard needs tensorboardX: pip install tensorboardX, or omit it") from None


class ScalarWriter:
    """Writes scalars to event files in a folder. What could not be written is kept, and written to the next file.

    Each file starts with a session-start event (the `purge_step` of other writers), which makes TensorBoard discard
    events of earlier files from its first step on: a resumed run repeats them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending: list[tuple[float, Mapping[str, float | None]]] = []
        self._file: RecordWriter | None = None
        self._written = False
        self._now = _steady_clock()

    def add(self, row: Mapping[str, float | None]) -> None:
        """Add a row, which must have a "step", for the next `write`."""
        self._pending.append((self._now(), row))

    def write(self) -> None:
        """Write what is not written yet. Raises ZooError if that fails."""
        if not self._pending:
            return
        if not self._file:
            self._path = self.folder / _next_file_name(self.folder, self._now())
            self._written = False
        try:
            self._file = self._file or _open_file(self._path, *self._pending[0])
            for wall_time, row in self._pending:
                self._file.write(_event(wall_time, row))
            self._file.flush()
            self._pending.clear()
            self._written = True
        except OSError as error:
            self._abandon()
            raise ZooError(f"cannot write TensorBoard events in {self.folder}: {reason(error)}") from None

    def close(self) -> None:
        """Close the file; the next `write` opens another."""
        with suppress(OSError):
            if self._file:
                self._file.close()
        self._file = None

    def _abandon(self) -> None:
        """Close a file whose end may be incomplete; remove it if all of it will be written again."""
        self.close()
        if not self._written:
            with suppress(OSError):
                self._path.unlink()


def tag(name: str, *, evaluation: bool) -> str:
    """The tag of a measurement: "train/loss" or "test/loss" of an evaluation, "steps/loss" of logged steps."""
    if not evaluation:
        return f"steps/{name}"
    if name in ("loss", "accuracy"):
        return f"train/{name}"
    return name.replace("test_", "test/", 1) if name.startswith("test_") else name


def _steady_clock() -> Callable[[], float]:
    """The time of day, which never steps back from now on, whatever happens to the system's clock."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


def _next_file_name(folder: Path, now: float) -> str:
    """A name after those in the folder: TensorBoard reads files in the order of their names, which begin with a time.

    An earlier session may have had a clock that was ahead of this one's.
    """
    earlier = [int(found[1]) for path in folder.glob("*") if (found := _FILE_NAME.match(path.name))]
    seconds = max(int(now), 1 + max(earlier, default=0))
    return f"events.out.tfevents.{seconds:010}.{socket.gethostname()}"


def _open_file(path: Path, now: float, row: Mapping[str, float | None]) -> RecordWriter:
    """A new file, with its version and the event that discards earlier ones from the step of its first row on."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.record_writer import RecordWriter

    path.parent.mkdir(exist_ok=True)
    file = RecordWriter(str(path))
    start = SessionLog(status=SessionLog.START)
    file.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
    file.write(Event(wall_time=now, step=row["step"], session_log=start).SerializeToString())
    return file


def _event(wall_time: float, row: Mapping[str, float | None]) -> bytes:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    values = [
        Summary.Value(tag=tag(name, evaluation=is_evaluation(row)), simple_value=value)
        for name, value in row.items()
        if value is not None and name not in NOT_SCALARS
    ]
    return Event(wall_time=wall_time, step=row["step"], summary=Summary(value=values)).SerializeToString()
