"""The training loop: steps, an evaluation and a checkpoint an epoch, a clean stop when asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import Mesh
from rich.console import Console

from zoo import count
from zoo.data import Dataset
from zoo.runtime.compiler_options import compiler_options
from zoo.runtime.console import tell
from zoo.runtime.mesh import data_mesh, replicated
from zoo.training.checkpoint.checkpoints import Checkpoints
from zoo.training.checkpoint.run_folder import RunConfig, RunFolder
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_options import RunOptions
from zoo.training.distributed import Agreement, is_first, largest
from zoo.training.evaluation import evaluate, test_batches
from zoo.training.feed import Feed, open_feed
from zoo.training.finetune.freezing import split
from zoo.training.finite_guard import FiniteGuard
from zoo.training.initial_state import NOTHING, Backbone, begin, build_network
from zoo.training.logging.epoch_metrics import EpochMetrics
from zoo.training.logging.flop_utilization import macs_of_image
from zoo.training.logging.profiler import Profiler
from zoo.training.logging.progress import TrainingProgress
from zoo.training.logging.recorder import Recorder, Row
from zoo.training.optimizer import learning_rate_schedule, updates_of
from zoo.training.schedule import SaveTimes
from zoo.training.step import Metrics, TrainState, eval_step, train_step
from zoo.training.stop_signals import exit_code, stop_on_signals

USUAL_OPTIONS = RunOptions()

# The profiler leaves out as many steps: the first compiles, and the next may wait for the data.
UNPROFILED_STEPS = 4


@dataclass(frozen=True)
class Outcome:
    """How a run ended: at which step, with which accuracy on the whole test set (None where it was stopped before)."""

    step: int
    test_accuracy: float | None
    exit_code: int = 0


def train(
    config: RunConfig,
    dataset: Dataset,
    folder: RunFolder,
    *,
    resume: bool,
    console: Console,
    backbone: Backbone = NOTHING,
    options: RunOptions = USUAL_OPTIONS,
) -> Outcome:
    """Train to the recipe's end, or until Ctrl-C or SIGTERM, which save first.

    A new run begins with the pretrained variables in `backbone`, by their keys. With `resume` the run in `folder` goes
    on from its latest whole checkpoint, on the very next batch. Raises ZooError where numbers are no longer finite,
    where a new run is to begin with pretrained variables and there are none, and where the last state is not saved.
    """
    recipe = config.recipe
    mesh = data_mesh(recipe.batch_size)
    feed, tests = open_feed(dataset, recipe, config.preprocessing, mesh), test_batches(dataset, config, mesh)
    plan = Plan(recipe, len(dataset.train))
    state, feed, saved = begin(config, folder, feed, mesh, plan.per_epoch, options, resume, backbone, console)
    first = int(state.step)
    tell_what_learns(state, console)
    run_step, run_eval = step_of(feed, state, mesh), jax.jit(eval_step, compiler_options=compiler_options())
    agreement, save_times, metrics = Agreement(mesh), SaveTimes(options.save_every), EpochMetrics(saved.get("metrics"))
    began, measured, alone = time.perf_counter() - saved.get("seconds", 0), None, jax.process_count() == 1

    with (
        stop_on_signals() as stop,
        Checkpoints(folder, options.keep, console) as checkpoints,
        open_recorder(config, folder, options, console) as recorder,
        open_profiler(folder, first, options, console) as profiler,
        open_progress(config, plan, first, console) as progress,
    ):
        recorder.drop_after(first)
        guard = FiniteGuard(options.skip_nonfinite, first, checkpoints.whereabouts)

        def close_epoch(step: int) -> Row | None:
            """Evaluate and record; None where a stop is asked for meanwhile, and the run does it when it goes on."""
            # Before the evaluation, which it leaves out.
            pace = progress.pace()
            with progress.pausing():
                # Several processes could not stop at the same batch.
                tested = evaluate(run_eval, state, tests, mesh, lambda: alone and bool(stop.number))
                if tested is None:
                    return None
                results = {**plan.at(step), **metrics.mean_and_clear(), **tested, **pace}
                recorder.add({**results, "seconds": time.perf_counter() - began})
            progress.evaluated(results)
            return results

        if metrics.pending and first % plan.per_epoch == 0:
            measured = close_epoch(first)
            if not measured:
                return Outcome(first, None, exit_code(stop.number))
        for step in range(first + 1, plan.steps + 1):
            profiler.before(step)
            with progress.waiting(metrics.idle):
                inputs = feed.inputs(step - 1)
            state, of_step = run_step(state, inputs)
            if step == first + 1:
                jax.block_until_ready(of_step)
                progress.begun()
            done = metrics.add(of_step)
            guard.check(done)
            progress.advance(done)

            stopping, by_clock = agreement.of(stop.number, is_first() and save_times.by_clock())
            epoch_ended = step % plan.per_epoch == 0
            saving = epoch_ended or stopping or by_clock or save_times.by_step(step)
            if saving:
                for remaining in metrics.rest():
                    guard.check(remaining)
            measured = close_epoch(step) if epoch_ended else None
            if epoch_ended:
                stopping = stopping or largest(stop.number)
            if saving:
                with progress.pausing():
                    totals, seconds = metrics.totals(), time.perf_counter() - began
                    position = {"feed": feed.position, "metrics": totals, "seconds": seconds}
                    checkpoints.save(state, position, measured)
                save_times.saved()
            if stopping and (step < plan.steps or not measured):
                checkpoints.require(step)
                return Outcome(step, None, exit_code(stopping))
        progress.ended()
        checkpoints.require(plan.steps)
        measured = measured or evaluate(run_eval, state, tests, mesh)
    return Outcome(plan.steps, measured["test_accuracy"])


class Plan:
    """The steps of a run: how many an epoch has, how many there are, and what is known of each beforehand."""

    def __init__(self, recipe: Recipe, images: int) -> None:
        self._recipe, self.per_epoch = recipe, images // recipe.batch_size
        self.steps = recipe.epochs * self.per_epoch
        self._rate = learning_rate_schedule(recipe, self.per_epoch)

    def at(self, step: int) -> dict[str, float]:
        """The step's number, its epoch and its learning rate."""
        rate = float(self._rate(updates_of(self._recipe, step - 1)))
        return {"step": step, "epoch": step // self.per_epoch, "learning_rate": rate}


def open_recorder(config: RunConfig, folder: RunFolder, options: RunOptions, console: Console) -> Recorder:
    """What keeps the run's evaluations; of several processes the first one's writes."""
    title = f"{config.model} on {config.dataset}"
    return Recorder(folder, console, title=title, tensorboard=options.tensorboard, writing=is_first())


def open_profiler(folder: RunFolder, first: int, options: RunOptions, console: Console) -> Profiler:
    """What traces a few steps after the run's first, where that is asked for."""
    return Profiler(folder.profile, first + 1 + UNPROFILED_STEPS, 10 if options.profile else 0, console=console)


def open_progress(config: RunConfig, plan: Plan, first: int, console: Console) -> TrainingProgress:
    """What shows the steps, with the share of the devices' peak where that is known."""
    # Frozen layers have no backward pass, and would be counted with one.
    frozen = config.recipe.freeze != "none"
    macs = None if frozen else macs_of_image(build_network(config), config.preprocessing.image_shape)
    return TrainingProgress(console, first, plan.steps, plan.per_epoch, config.recipe.batch_size, macs=macs)


def tell_what_learns(state: TrainState, console: Console) -> None:
    """A line about frozen parameters, where there are any."""
    if state.frozen:
        trained, fixed = (count.parameters(part) for part in split(state.params, state.frozen))
        tell(console, f"{trained:,} parameters learn, and {fixed:,} are frozen")


def step_of(feed: Feed, state: TrainState, mesh: Mesh) -> Callable[[TrainState, Any], tuple[TrainState, Metrics]]:
    """The compiled training step, that takes its batch from the feed's inputs and uses the state up."""

    def step(state: TrainState, inputs: Any) -> tuple[TrainState, Metrics]:
        return train_step(state, feed.batch(inputs, state.step))

    shardings = (jax.tree.map(lambda leaf: leaf.sharding, state), replicated(mesh))
    return jax.jit(step, donate_argnums=0, out_shardings=shardings, compiler_options=compiler_options())
