"""A run's evaluations as TensorBoard events, in the record format of tensorboardX.

Its SummaryWriter is not used: it writes in a thread, which a full disk ends, and then the run waits for it forever.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    from tensorboardX.record_writer import RecordWriter

# What is measured at each evaluation, but is no curve: TensorBoard has the step and the time itself.
NO_SCALARS = {"step", "seconds"}


def check_tensorboard() -> None:
    """Raises ZooError where events could not be written: better before a run than at its first evaluation."""
    try:
        import tensorboardX.record_writer  # noqa: F401
    except ImportError:
        raise ZooError("--tensorboard needs tensorboardX: pip install tensorboardX, or leave it out") from None


class ScalarWriter:
    """Appends scalars to event files in a folder; what could not be written is kept, and goes to the next file.

    Each file begins with a mark (the `purge_step` of other writers) that takes back what earlier ones have of its
    steps, as a resumed run does them again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending: list[tuple[float, Mapping[str, float | None]]] = []
        self._file: RecordWriter | None = None
        self._written = False

    def add(self, measured: Mapping[str, float | None]) -> None:
        """An evaluation, with its "step", that the next `write` writes."""
        self._pending.append((time.time(), measured))

    def write(self) -> None:
        """Write all that is not written yet. Raises ZooError where that fails."""
        if not self._pending:
            return
        if not self._file:
            self._path = self.folder / _file_name()
            self._written = False
        try:
            self._file = self._file or _begun(self._path, purge_step=self._pending[0][1]["step"])
            for moment, measured in self._pending:
                self._file.write(_event(moment, measured))
            self._file.flush()
            self._pending.clear()
            self._written = True
        except OSError as error:
            self._abandon()
            raise ZooError(f"cannot write TensorBoard events in {self.folder}: {error.strerror or error}") from None

    def close(self) -> None:
        """Close the file; the next `write` begins another."""
        with suppress(OSError):
            if self._file:
                self._file.close()
        self._file = None

    def _abandon(self) -> None:
        """Leave a file whose end may be torn, which nothing can follow; remove it where all in it comes again."""
        self.close()
        if not self._written:
            with suppress(OSError):
                self._path.unlink()


def tag(name: str) -> str:
    """How TensorBoard groups a measurement: "train/loss", "test/accuracy"; others keep their names."""
    if name in ("loss", "accuracy"):
        return f"train/{name}"
    return name.replace("test_", "test/", 1) if name.startswith("test_") else name


def _file_name() -> str:
    """With the time first, as TensorBoard reads files in the order of their names."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return f"events.out.tfevents.{seconds}.{socket.gethostname()}.{nanoseconds:09}"


def _begun(path: Path, purge_step: Any) -> RecordWriter:
    """A new file, with its version and the mark that takes back the steps from `purge_step`."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.record_writer import RecordWriter

    path.parent.mkdir(exist_ok=True)
    file = RecordWriter(str(path))
    now, start = time.time(), SessionLog(status=SessionLog.START)
    file.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
    file.write(Event(wall_time=now, step=purge_step, session_log=start).SerializeToString())
    return file


def _event(moment: float, measured: Mapping[str, float | None]) -> bytes:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    values = [
        Summary.Value(tag=tag(name), simple_value=value)
        for name, value in measured.items()
        if value is not None and name not in NO_SCALARS
    ]
    return Event(wall_time=moment, step=measured["step"], summary=Summary(value=values)).SerializeToString()
