"""The progress of a run: a bar on a terminal, and a line per evaluation and logged step everywhere."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType

import jax
from rich.console import Console

from zoo.runtime.console import print_line
from zoo.runtime.notebook import shown_in_notebook
from zoo.training.logging.flop_utilization import utilisation
from zoo.training.logging.status_line import open_status_line

# Evaluations, and logged steps, that a notebook shows of a run; all are in the run's history.
NOTEBOOK_ROWS = 50


class TrainingProgress:
    """A context manager around the steps of a run, from the one after `step`.

    Images/s do not count the first step, evaluations and saves. `macs` are the multiply-adds per image, from which
    the utilisation of the devices is computed, or None.
    """

    def __init__(
        self,
        console: Console,
        *,
        step: int,
        steps: int,
        steps_per_epoch: int,
        batch_size: int,
        macs: int | None = None,
    ) -> None:
        self.console, self.step, self.steps = console, step, steps
        self.steps_per_epoch, self.batch_size, self.macs = steps_per_epoch, batch_size, macs
        self._line = open_status_line(console, step, steps)
        self._printed: dict[str, int] = {}
        self._first_step = step
        self._timed_from = self._shown = 0.0
        self._paused = self._waited = 0.0

    def __enter__(self) -> "TrainingProgress":
        self._entered = time.perf_counter()
        self._line.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._line.stop()

    def compiled(self) -> None:
        """Call this after the first step, for which everything was compiled or read from the cache."""
        self._timed_from = time.perf_counter()
        self.compiling = self._timed_from - self._entered
        print_line(self.console, f"compiled and ran the first step in {self.compiling:.1f} s")

    def advance(self, finished: dict[str, jax.Array] | None) -> None:
        """Call this after each step; `finished` are the metrics of an earlier one, which are read if they are shown."""
        self.step += 1
        now = time.perf_counter()
        interval = self._line.seconds
        if interval is None or finished is None or (now - self._shown < interval and self.step < self.steps):
            return
        self._shown = now
        loss, accuracy = float(finished["loss"]), float(finished["accuracy"])
        figures = f"loss {loss:.4f}  accuracy {accuracy:.3f}  {self._pace()}"
        self._line.show(self.step, f"epoch {self.epoch}/{self.steps // self.steps_per_epoch}", figures)

    def print_evaluation(self, row: Mapping[str, float | None]) -> None:
        """Print a line with the training and test metrics of an evaluation, in a notebook not of all."""
        if not self._is_shown("evaluation"):
            return
        where = f"epoch {self.epoch:>3}/{self.steps // self.steps_per_epoch}"
        self._print_row(
            self._step_label() if self.step % self.steps_per_epoch else where,
            row,
            ("loss", "accuracy", "test_loss", "test_accuracy"),
        )

    def print_logged(self, row: Mapping[str, float | None]) -> None:
        """Print a line with the training metrics of the steps since the last one; in a notebook not of all."""
        if not self._is_shown("logged"):
            return
        self._print_row(self._step_label(), row, ("loss", "accuracy", "learning_rate"))

    def print_times(self) -> None:
        """Print how the time was spent, at the end of a run."""
        if self._timed_steps:
            print_line(
                self.console,
                f"compiling {self.compiling:.1f} s, steps {self._seconds:.1f} s ({self.waiting_share:.1%} of it waiting"
                f" for data), evaluating and saving {self._paused:.1f} s",
            )

    @contextmanager
    def waiting(self, idle: Callable[[], bool]) -> Iterator[None]:
        """A context that waits for data; its time counts if the devices are `idle` at its end."""
        start = time.perf_counter()
        yield
        if self._timed_from and idle():
            self._waited += time.perf_counter() - start

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """A context for evaluations and saves, whose time does not count for images/s."""
        start = time.perf_counter()
        yield
        self._paused += time.perf_counter() - start

    @property
    def waiting_share(self) -> float | None:
        """The share of the steps' time in which the devices waited for data; None before the second step."""
        return self._waited / self._seconds if self._timed_steps else None

    @property
    def epoch(self) -> int:
        """The epoch of the last step, from 1."""
        return -(-self.step // self.steps_per_epoch)

    def pace(self) -> dict[str, float | None]:
        """{"images_per_second", "waiting", "utilisation"}, for the row of an evaluation."""
        return {
            "images_per_second": self.images_per_second,
            "waiting": self.waiting_share,
            "utilisation": self.utilisation,
        }

    @property
    def images_per_second(self) -> float | None:
        """The mean since the second step, without evaluations and saves; None before it."""
        return self._timed_steps * self.batch_size / self._seconds if self._timed_steps else None

    @property
    def utilisation(self) -> float | None:
        """Model FLOP utilisation, 0 to 1; None if the multiply-adds or the devices' peak are unknown."""
        pace = self.images_per_second
        return utilisation(self.macs, pace, training=True) if self.macs and pace else None

    @property
    def _timed_steps(self) -> int:
        return max(0, self.step - self._first_step - 1)

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self._timed_from - self._paused

    def _is_shown(self, kind: str) -> bool:
        """Whether a row is printed: in a notebook one in each of NOTEBOOK_ROWS parts of the run."""
        part = self.step * NOTEBOOK_ROWS // self.steps
        repeated = self._printed.get(kind) == part and self.step < self.steps
        self._printed[kind] = part
        return not (repeated and shown_in_notebook())

    def _step_label(self) -> str:
        return f"step {self.step:>{len(str(self.steps))}}/{self.steps}"

    def _print_row(self, label: str, row: Mapping[str, float | None], names: Sequence[str]) -> None:
        metrics = "  ".join(f"{name} {format_metric(row[name])}" for name in names)
        print_line(self.console, f"{label}  {metrics}  {self._pace()}".rstrip())

    def _pace(self) -> str:
        if not self._timed_steps:
            return ""
        eta = (time.perf_counter() - self._timed_from) / self._timed_steps * (self.steps - self.step)
        used = self.utilisation
        share = f"  {used:.1%} of peak" if used is not None else ""
        return f"{self.images_per_second:.0f} images/s{share}  {format_duration(eta)} left"


def format_metric(value: float | None) -> str:
    """Four decimals, or four digits of a value below 0.01; a dash for None, where no update was finite."""
    if value is None:
        return "-"
    return f"{value:.4f}" if value >= 0.01 or value <= 0 else f"{value:.4g}"


def format_duration(seconds: float) -> str:
    """1:02:03, or 2:03 under an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
