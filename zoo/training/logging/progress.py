"""What a run shows while it goes: a bar on a terminal, a line an evaluation everywhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import jax
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from zoo.runtime.console import tell
from zoo.training.logging.flop_utilization import utilisation

REFRESH_SECONDS = 0.25


class TrainingProgress:
    """A context manager around the steps of a run; images/s leave out the first step, and evaluations.

    `macs` are an image's multiply-adds, from which the utilisation of the devices is reckoned, or None.
    """

    def __init__(
        self, console: Console, step: int, steps: int, steps_per_epoch: int, batch_size: int, *, macs: int | None = None
    ) -> None:
        self.console, self.step, self.steps = console, step, steps
        self.steps_per_epoch, self.batch_size, self.macs = steps_per_epoch, batch_size, macs
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=steps, completed=step, figures="compiling ...")
        self._first_step = step
        self._timed_from = self._shown = 0.0
        self._paused = self._waited = 0.0

    def __enter__(self) -> "TrainingProgress":
        self._entered = time.perf_counter()
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._bar.stop()

    def begun(self) -> None:
        """The first step is done, for which all was compiled, or read from the cache."""
        self._timed_from = time.perf_counter()
        self.compiling = self._timed_from - self._entered
        tell(self.console, f"compiled, and did the first step, in {self.compiling:.1f} s")

    def advance(self, done: dict[str, jax.Array] | None) -> None:
        """A step was started; `done` are the metrics of one that should be done by now, read only when shown."""
        self.step += 1
        now = time.perf_counter()
        if self._bar.disable or done is None or now - self._shown < REFRESH_SECONDS:
            return
        self._shown = now
        loss, accuracy = float(done["loss"]), float(done["accuracy"])
        figures = f"loss {loss:.4f}  accuracy {accuracy:.3f}  {self._pace()}"
        epoch = f"epoch {self.epoch}/{self.steps // self.steps_per_epoch}"
        self._bar.update(self._task, completed=self.step, description=epoch, figures=figures)

    def evaluated(self, metrics: dict[str, float]) -> None:
        """Print an evaluation."""
        tell(
            self.console,
            f"epoch {self.epoch:>3}/{self.steps // self.steps_per_epoch}"
            f"  loss {figure(metrics['loss'])}  accuracy {figure(metrics['accuracy'])}"
            f"  test_loss {figure(metrics['test_loss'])}  test_accuracy {figure(metrics['test_accuracy'])}"
            f"  {self._pace()}",
        )

    def ended(self) -> None:
        """Print where the time went."""
        if self._timed_steps:
            tell(
                self.console,
                f"compiling {self.compiling:.1f} s, steps {self._seconds:.1f} s ({self.waiting_share:.1%} of it waiting"
                f" for data), evaluating and saving {self._paused:.1f} s",
            )

    @contextmanager
    def waiting(self, idle: Callable[[], bool]) -> Iterator[None]:
        """Around what waits for data; `idle` says afterwards whether the devices had nothing left to do."""
        begun = time.perf_counter()
        yield
        if self._timed_from and idle():
            self._waited += time.perf_counter() - begun

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Around evaluations and saves, which images/s leave out."""
        begun = time.perf_counter()
        yield
        self._paused += time.perf_counter() - begun

    @property
    def waiting_share(self) -> float | None:
        """The share of the timed steps' time in which the devices waited for data; None before there are any."""
        return self._waited / self._seconds if self._timed_steps else None

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, from 1."""
        return -(-self.step // self.steps_per_epoch)

    def pace(self) -> dict[str, float | None]:
        """What a recorded evaluation has of it."""
        return {
            "images_per_second": self.images_per_second,
            "waiting": self.waiting_share,
            "utilisation": self.utilisation,
        }

    @property
    def images_per_second(self) -> float | None:
        """Over all timed steps, evaluations left out; None before there are any."""
        return self._timed_steps * self.batch_size / self._seconds if self._timed_steps else None

    @property
    def utilisation(self) -> float | None:
        """Model FLOP utilisation, 0 to 1; None where the multiply-adds or the devices' peak are not known."""
        pace = self.images_per_second
        return utilisation(self.macs, pace, training=True) if self.macs and pace else None

    @property
    def _timed_steps(self) -> int:
        return max(0, self.step - self._first_step - 1)

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self._timed_from - self._paused

    def _pace(self) -> str:
        if not self._timed_steps:
            return ""
        eta = (time.perf_counter() - self._timed_from) / self._timed_steps * (self.steps - self.step)
        used = self.utilisation
        share = f"  {used:.1%} of peak" if used is not None else ""
        return f"{self.images_per_second:.0f} images/s{share}  {clock(eta)} left"


def figure(value: float | None) -> str:
    """Four decimals, or a dash where no update of the epoch was finite."""
    return "-" if value is None else f"{value:.4f}"


def clock(seconds: float) -> str:
    """1:02:03, or 2:03 under an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
