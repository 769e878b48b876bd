"""What a run measured, kept in its folder as it goes: metrics.jsonl, curves.png, TensorBoard events."""

import json
import math
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console

from zoo.errors import ZooError
from zoo.runtime.atomic_files import clear_unfinished, replacing
from zoo.runtime.console import tell
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.logging.curves import draw_curves
from zoo.training.logging.tensorboard import ScalarWriter

Row = dict[str, float | None]

# The curves are drawn again no sooner than that.
DRAWING_SECONDS = 30.0


class Recorder:
    """A context manager around a run, that keeps its evaluations, those of the run it goes on with included.

    What cannot be written, on a full disk or in a folder that is gone, is one warning; the run goes on, and all is
    written at the next evaluation where it can be. `title` is that of the curves, by default the folder's name. Of
    several processes one is `writing`.
    """

    def __init__(
        self,
        folder: RunFolder,
        console: Console,
        *,
        title: str | None = None,
        tensorboard: bool = False,
        writing: bool = True,
    ) -> None:
        self._writing = writing
        self.rows: list[Row] = []
        self._folder, self._console, self._title = folder, console, title or folder.path.name
        self._scalars = ScalarWriter(folder.tensorboard) if tensorboard and writing else None
        self._drawn = self._stored = self._warned = False
        self._draw_at = math.inf

    def __enter__(self) -> "Recorder":
        if self._writing:
            clear_unfinished(self._folder.metrics_file)
            clear_unfinished(self._folder.curves_file)
        self.rows = self._read()
        self._stored, self._drawn = True, self._folder.curves_file.exists()
        self._draw_at = time.monotonic() + DRAWING_SECONDS
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self._scalars:
            self._attempt(self._scalars.write)
            self._scalars.close()
        if not self._stored and not self._attempt(self._store):
            self._say(f"{self._folder.metrics_file} lacks the last evaluations of this run")
        # A second Ctrl-C does not wait.
        if self.rows and not self._drawn and (kind is None or issubclass(kind, Exception)):
            self._attempt(self._draw)

    def add(self, measured: Row) -> None:
        """Record an evaluation: what was measured, by name, with its "step" and "epoch"."""
        self.rows.append(measured)
        self._stored = self._drawn = False
        self._attempt(self._store)
        if self._scalars:
            self._scalars.add(measured)
            self._attempt(self._scalars.write)
        if time.monotonic() >= self._draw_at:
            self._attempt(self._draw)
            self._draw_at = time.monotonic() + DRAWING_SECONDS

    def drop_after(self, step: int) -> None:
        """Forget the evaluations of later steps, which a resumed run does again."""
        kept = [row for row in self.rows if row["step"] <= step]
        if len(kept) < len(self.rows):
            self.rows = kept
            self._stored = self._drawn = False
            self._attempt(self._store)

    def _attempt(self, write: Callable[[], None]) -> bool:
        """Whether that could be written; the first time that it could not is a warning."""
        if not self._writing:
            return True
        try:
            write()
            return True
        except ZooError as error:
            if not self._warned:
                self._say(f"{error}; the run goes on, and writes it when it can")
            self._warned = True
            return False

    def _store(self) -> None:
        with replacing(self._folder.metrics_file) as unfinished:
            unfinished.write_text("".join(json.dumps(_finite(row)) + "\n" for row in self.rows))
        self._stored = True

    def _draw(self) -> None:
        try:
            draw_curves(self.rows, self._folder.curves_file, self._title)
        except ImportError as error:
            raise ZooError(f"cannot draw {self._folder.curves_file}: {error}") from None
        self._drawn = True

    def _read(self) -> list[Row]:
        """The evaluations in the folder; a torn line, as a power failure leaves it, is left out."""
        rows = stored_rows(self._folder)
        if None in rows:
            self._say(f"{self._folder.metrics_file}: line {rows.index(None) + 1} cannot be read, and is left out")
        return [row for row in rows if row is not None]

    def _say(self, text: str) -> None:
        tell(self._console, text, "yellow")


def stored_rows(folder: RunFolder) -> list[Row | None]:
    """The evaluations of a run, None for a line that cannot be read. Raises ZooError for a file that cannot be."""
    try:
        lines = folder.metrics_file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ZooError(f"cannot read {folder.metrics_file}: {error.strerror}") from None
    return [_parsed(line) for line in lines]


def _finite(row: Row) -> Row:
    """JSON has no number that is not finite."""
    return {name: value if value is None or math.isfinite(value) else None for name, value in row.items()}


def _parsed(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"step", "epoch"} <= row.keys() else None
