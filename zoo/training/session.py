"""What is open while a run trains, and what the run does between its steps: check, log, evaluate, save."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh
from rich.console import Console

from zoo.data import DataError, UnreadableImages
from zoo.runtime.console import print_line
from zoo.training.checkpoint.checkpoints import Checkpoints
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.distributed import Agreement, is_first
from zoo.training.evaluation import Evaluator
from zoo.training.feed import Feed
from zoo.training.finite_guard import FiniteGuard
from zoo.training.initial_state import build_network
from zoo.training.logging.flop_utilization import count_macs
from zoo.training.logging.profiler import Profiler
from zoo.training.logging.progress import TrainingProgress
from zoo.training.logging.recorder import Recorder, RowWriter
from zoo.training.logging.rows import MetricsRow
from zoo.training.logging.step_metrics import StepMetrics
from zoo.training.logging.tensorboard import ScalarWriter
from zoo.training.logging.trackers import Tracker
from zoo.training.prepared_run import OnEvaluation, PreparedRun
from zoo.training.schedule import Schedule, TrainingPlan
from zoo.training.state import TrainState
from zoo.training.step import Metrics
from zoo.training.stop_signals import StopRequest, stop_on_signals

# The first step compiles, and the next ones may wait for data.
UNPROFILED_STEPS = 4
PROFILED_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Session:
    """The open parts of a run that trains from the step after `first`; `seconds` is the time before this session."""

    first: int
    plan: TrainingPlan
    schedule: Schedule
    stop: StopRequest
    feed: Feed
    metrics: StepMetrics
    guard: FiniteGuard
    evaluator: Evaluator
    checkpoints: Checkpoints | RunMemory
    recorder: Recorder | RunMemory
    profiler: Profiler
    progress: TrainingProgress
    on_evaluation: OnEvaluation | None
    seconds: float
    started: float = field(default_factory=time.perf_counter)

    def inputs(self, step: int, state: TrainState) -> Any:
        """The inputs of the next step; the run is saved where one is an image that cannot be read."""
        self.profiler.before(step)
        with self.saving_if_unreadable(state), self.progress.waiting(self.metrics.idle):
            return self.feed.inputs(step - 1)

    def step_started(self, step: int, metrics: Metrics) -> None:
        """Keep the metrics of a step that was started, and check those of an earlier one that has finished.

        Raises ZooError after a permanent failure of a save in the background.
        """
        self.checkpoints.poll()
        if step == self.first + 1:
            jax.block_until_ready(metrics)
            self.progress.compiled()
        finished = self.metrics.add(metrics)
        if finished is not None:
            self.guard.check(finished)
        self.progress.advance(finished)

    def wait_for_steps(self) -> None:
        """Wait for all steps that were started. Raises ZooError if too many of them are not finite."""
        for metrics in self.metrics.remaining():
            self.guard.check(metrics)

    def complete(self, step: int, state: TrainState) -> tuple[TrainState, MetricsRow | None, int]:
        """Do what is due after a step.

        The state for the next step, the evaluation of this one, and the number of the signal that asked for a stop, or
        0.
        """
        due = self.schedule.due(step)
        if due:
            self.wait_for_steps()
        if due.log:
            self.log(step, state)
        evaluation = self.evaluate(step, state) if due.evaluate else None
        # An evaluation takes long: a signal may have come meanwhile.
        stop = due.stop or (self.schedule.stop_requested() if due.evaluate else 0)
        if evaluation and self.plan.ends_epoch(step):
            state = state.after_evaluation(evaluation)
        if due.save:
            self.save(state, evaluation, evaluation_missing=due.evaluate and not evaluation)
        return state, evaluation, stop

    def log(self, step: int, state: TrainState) -> None:
        """Print and record the means of the metrics since the last logged step."""
        row = {
            **self.plan.at(step, state.rate_scale),
            **self.metrics.end_window(),
            "images_per_second": self.progress.images_per_second,
        }
        self.recorder.add({**row, "seconds": self._elapsed()})
        self.progress.print_logged(row)

    def evaluate(self, step: int, state: TrainState) -> MetricsRow | None:
        """Evaluate, print and record; None, and nothing is recorded, if a stop was requested meanwhile.

        The training metrics are means over the epoch so far.
        """
        # Before the evaluation, whose time does not count.
        pace = self.progress.pace()
        with self.saving_if_unreadable(state, evaluation_missing=True), self.progress.pausing():
            tested = self.evaluator.evaluate(state)
            if tested is None:
                return None
            row = {**self.plan.at(step, state.rate_scale), **self.metrics.epoch_means(), **tested, **pace}
            if self.plan.ends_epoch(step):
                self.metrics.end_epoch()
            recorded = {**row, "seconds": self._elapsed()}
            self.recorder.add(recorded)
        self.progress.print_evaluation(row)
        if self.on_evaluation and self.on_evaluation(recorded):
            self.stop.number = self.stop.number or signal.SIGINT
        return row

    def save(self, state: TrainState, evaluation: MetricsRow | None, *, evaluation_missing: bool) -> None:
        """Start to save the state, or the `evaluation` of a saved one. The best checkpoint is found by it."""
        with self.progress.pausing():
            epoch, window = self.metrics.totals()
            position = Position(
                feed=self.feed.position,
                metrics=epoch,
                window=window,
                seconds=self._elapsed(),
                evaluation_missing=evaluation_missing,
            )
            self.checkpoints.save(state, asdict(position), evaluation)

    @contextmanager
    def saving_if_unreadable(self, state: TrainState, *, evaluation_missing: bool = False) -> Iterator[None]:
        """Save the run where the block meets an image that cannot be read.

        Raises its error, with how to resume the run. Several processes could not save in the middle of an epoch.
        """
        try:
            yield
        except DataError as error:
            if jax.process_count() > 1:
                raise
            self.wait_for_steps()
            self.save(state, None, evaluation_missing=evaluation_missing)
            raise DataError(f"{error}; {self.checkpoints.resume_hint()}") from error

    def _elapsed(self) -> float:
        return self.seconds + time.perf_counter() - self.started


@contextmanager
def open_session(
    run: PreparedRun,
    *,
    plan: TrainingPlan,
    feed: Feed,
    first: int,
    position: Position,
    mesh: Mesh,
    console: Console,
    unreadable: UnreadableImages,
) -> Iterator[Session]:
    """Everything that a run needs from the step after `first`; closing it waits for what is being written.

    One line at the end says how many images were `unreadable`.
    """
    options = run.options
    with (
        stop_on_signals() as stop,
        open_checkpoints(run, console) as checkpoints,
        open_recorder(run, console) as recorder,
        open_profiler(run, first, console) as profiler,
        open_progress(run, plan, first, console) as progress,
    ):
        recorder.drop_after(first)
        yield Session(
            first=first,
            plan=plan,
            schedule=Schedule(plan, options, stop, Agreement(mesh)),
            stop=stop,
            feed=feed,
            metrics=StepMetrics(position.metrics, position.window, logging=bool(options.log_every)),
            guard=FiniteGuard(options.skip_nonfinite, first, checkpoints.resume_hint),
            evaluator=Evaluator(run, mesh, lambda: bool(stop.number), unreadable),
            checkpoints=checkpoints,
            recorder=recorder,
            profiler=profiler,
            progress=progress,
            on_evaluation=run.on_evaluation,
            seconds=position.seconds,
        )
    if unreadable.count:
        print_line(console, unreadable.describe())


def open_checkpoints(run: PreparedRun, console: Console) -> Checkpoints | RunMemory:
    """Saves the run's state, or keeps its variables."""
    return run.folder if isinstance(run.folder, RunMemory) else Checkpoints(run.folder, run.options.keep, console)


def open_recorder(run: PreparedRun, console: Console) -> Recorder | RunMemory:
    """Keeps the run's measurements; of several processes only the first one writes."""
    if isinstance(run.folder, RunMemory):
        return run.folder
    title = f"{run.config.model} on {run.config.dataset}"
    writers: list[RowWriter] = []
    if run.options.tensorboard:
        writers.append(ScalarWriter(run.folder.tensorboard))
    if run.options.log:
        settings = {"model": run.config.model, "dataset": run.config.dataset, **asdict(run.config.recipe)}
        writers.append(Tracker(run.options.log, run.folder.path, title=title, settings=settings))
    return Recorder(run.folder, console, title=title, writers=writers, writing=is_first())


def open_profiler(run: PreparedRun, first: int, console: Console) -> Profiler:
    """Traces a few of the first steps, if the options say so."""
    folder = None if isinstance(run.folder, RunMemory) else run.folder.profile
    steps = PROFILED_STEPS if run.options.profile and folder else 0
    return Profiler(folder or Path(), first + 1 + UNPROFILED_STEPS, steps, console=console)


def open_progress(run: PreparedRun, plan: TrainingPlan, first: int, console: Console) -> TrainingProgress:
    """Shows the steps, and the share of the devices' peak if that is known."""
    config = run.config
    # Frozen layers have no backward pass, which utilisation would count.
    frozen = config.recipe.freeze != "none"
    return TrainingProgress(
        console,
        step=first,
        steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        batch_size=config.recipe.batch_size,
        macs=None if frozen else count_macs(build_network(config), config.preprocessing.image_shape),
    )
