"""Writes what a run measures into its folder, metrics.jsonl and curves.png, and to other writers of rows."""

import json
import math
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from rich.console import Console

from zoo.errors import ZooError
from zoo.runtime.atomic_files import clear_unfinished, replacing
from zoo.runtime.console import print_line
from zoo.runtime.system_errors import reason
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.logging.curves import draw_curves
from zoo.training.logging.rows import MetricsRow, is_evaluation, read_rows, step_of

# The shortest time between two drawings of the curves.
DRAWING_INTERVAL_SECONDS = 30.0


class RowWriter(Protocol):
    """Writes rows elsewhere too: what could not be written is kept for the next `write`."""

    def add(self, row: MetricsRow) -> None:
        """Add a row for the next `write`."""

    def write(self) -> None:
        """Write what is not written yet. Raises ZooError if that fails."""

    def close(self) -> None:
        """Write no more."""


class Recorder:
    """A context manager around a run that records its rows, after those that are in the folder already.

    If they cannot be written, for example on a full disk, it prints one warning, and writes everything with the next
    row when that is possible again. `title` is that of the curves, by default the folder's name. Of several processes
    only one is `writing`. `writers` get the rows of this session, such as TensorBoard's.
    """

    def __init__(
        self,
        folder: RunFolder,
        console: Console,
        *,
        title: str | None = None,
        writers: Sequence[RowWriter] = (),
        writing: bool = True,
    ) -> None:
        self._writing = writing
        self.rows: list[MetricsRow] = []
        self._folder, self._console, self._title = folder, console, title or folder.path.name
        self._writers = tuple(writers) if writing else ()
        self._drawn = self._stored = self._rewritten = self._warned = False
        self._draw_at = math.inf

    def __enter__(self) -> "Recorder":
        if self._writing:
            clear_unfinished(self._folder.metrics_file)
            clear_unfinished(self._folder.curves_file)
        self.rows = self._read()
        self._stored, self._drawn = True, self._folder.curves_file.exists()
        self._draw_at = time.monotonic() + DRAWING_INTERVAL_SECONDS
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        for writer in self._writers:
            self._attempt(writer.write)
            self._attempt(writer.close)
        if not self._stored and not self._attempt(self._store):
            self._warn(f"{self._folder.metrics_file} lacks the last rows of this run")
        # A second Ctrl-C does not wait.
        if self.rows and not self._drawn and (kind is None or issubclass(kind, Exception)):
            self._attempt(self._draw)

    def add(self, row: MetricsRow) -> None:
        """Record a row: measurements by name, with a "step" and an "epoch". An evaluation replaces that of its step."""
        if is_evaluation(row):
            self.rows = [kept for kept in self.rows if step_of(kept) != step_of(row) or not is_evaluation(kept)]
        self.rows.append(row)
        # Rewriting all rows for each logged step would take quadratic time.
        append = self._stored and self._rewritten and not is_evaluation(row)
        self._stored = self._drawn = False
        self._attempt(self._append if append else self._store)
        for writer in self._writers:
            writer.add(row)
            self._attempt(writer.write)
        if time.monotonic() >= self._draw_at:
            self._attempt(self._draw)
            self._draw_at = time.monotonic() + DRAWING_INTERVAL_SECONDS

    def drop_after(self, step: int) -> None:
        """Remove the rows of later steps, which a resumed run repeats."""
        kept = [row for row in self.rows if step_of(row) <= step]
        if len(kept) < len(self.rows):
            self.rows = kept
            self._stored = self._drawn = False
            self._attempt(self._store)

    def _attempt(self, write: Callable[[], None]) -> bool:
        """Whether that could be written; the first failure prints a warning."""
        if not self._writing:
            return True
        try:
            write()
            return True
        except ZooError as error:
            if not self._warned:
                self._warn(f"{error}; the run continues, and tries again")
            self._warned = True
            return False

    def _store(self) -> None:
        with replacing(self._folder.metrics_file) as unfinished:
            unfinished.write_text("".join(map(_line, self.rows)))
        self._stored = self._rewritten = True

    def _append(self) -> None:
        path = self._folder.metrics_file
        try:
            with path.open("a") as file:
                file.write(_line(self.rows[-1]))
        except OSError as error:
            raise ZooError(f"cannot write {path}: {reason(error)}") from None
        self._stored = True

    def _draw(self) -> None:
        try:
            draw_curves(self.rows, self._folder.curves_file, self._title)
        except ImportError as error:
            raise ZooError(f"cannot draw {self._folder.curves_file}: {error}") from None
        self._drawn = True

    def _read(self) -> list[MetricsRow]:
        """The rows in the folder, without unreadable lines, which a power failure may leave."""
        stored = read_rows(self._folder)
        if problem := stored.problem():
            self._warn(problem)
        return list(stored.rows)

    def _warn(self, text: str) -> None:
        print_line(self._console, text, "yellow")


def _line(row: MetricsRow) -> str:
    """The row as JSON, which has no number that is not finite: null takes its place."""
    finite = {name: value if value is None or math.isfinite(value) else None for name, value in row.items()}
    return json.dumps(finite) + "\n"
