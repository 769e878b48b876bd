"""A run's evaluations as TensorBoard events, written by tensorboardX's own event writer.

Its SummaryWriter is not used: it writes in a thread, which a full disk ends, and then the run waits for it forever.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter

# What is measured at each evaluation, but is no curve: TensorBoard has the step and the time itself.
NO_SCALARS = {"step", "seconds"}


def check_tensorboard() -> None:
    """Raises ZooError where events could not be written: better before a run than at its first evaluation."""
    try:
        import tensorboardX.event_file_writer  # noqa: F401
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
        self._file: EventsWriter | None = None

    def add(self, measured: Mapping[str, float | None]) -> None:
        """An evaluation, with its "step", that the next `write` writes."""
        self._pending.append((time.time(), measured))

    def write(self) -> None:
        """Write all that is not written yet. Raises ZooError where that fails."""
        if not self._pending:
            return
        try:
            self._file = self._file or self._open(purge_step=self._pending[0][1]["step"])
            for moment, measured in self._pending:
                self._file.write_event(_event(moment, measured))
            self._file.flush()
            self._pending.clear()
        except OSError as error:
            # Its end may be torn, and nothing can follow that.
            self.close()
            raise ZooError(f"cannot write TensorBoard events in {self.folder}: {error.strerror or error}") from None

    def close(self) -> None:
        """Close the file; the next `write` begins another."""
        with suppress(OSError):
            if self._file:
                self._file.close()
        self._file = None

    def _open(self, purge_step: Any) -> EventsWriter:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self.folder.mkdir(exist_ok=True)
        # Names have the second: with the nanosecond they are of their own, and in order.
        file = EventsWriter(str(self.folder / "events"), filename_suffix=f".{time.time_ns()}")
        start = SessionLog(status=SessionLog.START)
        file.write_event(Event(wall_time=time.time(), step=purge_step, session_log=start))
        return file


def tag(name: str) -> str:
    """How TensorBoard groups a measurement: "train/loss", "test/accuracy"; others keep their names."""
    if name in ("loss", "accuracy"):
        return f"train/{name}"
    return name.replace("test_", "test/", 1) if name.startswith("test_") else name


def _event(moment: float, measured: Mapping[str, float | None]) -> Any:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    values = [
        Summary.Value(tag=tag(name), simple_value=value)
        for name, value in measured.items()
        if value is not None and name not in NO_SCALARS
    ]
    return Event(wall_time=moment, step=measured["step"], summary=Summary(value=values))
