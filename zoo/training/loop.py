"""The training loop: steps, and what is due after them."""

import dataclasses
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from jax.stages import Compiled
from rich.console import Console

from zoo import count
from zoo.data import UnreadableImages
from zoo.runtime.console import print_line
from zoo.runtime.mesh import data_mesh
from zoo.training.checkpoint.position import Position
from zoo.training.compiled_step import StepProgram
from zoo.training.config.recipe import Recipe
from zoo.training.distributed import fail_on_all_processes
from zoo.training.feed import open_feed
from zoo.training.finetune.freezing import partition
from zoo.training.initial_state import build_network, initial_state
from zoo.training.learning_rate import count_warmup_updates
from zoo.training.logging.rows import MetricsRow
from zoo.training.plan.dry_run import machine_of, make_plan
from zoo.training.plan.plan_lines import memory_line, plan_lines
from zoo.training.plan.run_plan import RunPlan
from zoo.training.plan.step_memory import check_step_memory, step_memory
from zoo.training.prepared_run import PreparedRun
from zoo.training.resolve_config import check_batches, check_classes, check_memory
from zoo.training.schedule import TrainingPlan
from zoo.training.session import Session, open_session
from zoo.training.state import TrainState
from zoo.training.step import Metrics
from zoo.training.stop_signals import exit_code

RunStep = Callable[[TrainState, Any], tuple[TrainState, Metrics]]


@dataclass(frozen=True)
class Outcome:
    """The last step of a run, and its accuracy on the whole test set; None for a run that was stopped."""

    step: int
    test_accuracy: float | None
    exit_code: int = 0


def train_run(run: PreparedRun, console: Console) -> Outcome:
    """Train to the recipe's end, or until Ctrl-C, SIGTERM or SIGHUP, after which the run is saved.

    Whoever calls it holds the lock of the run folder (`RunFolder.starting`, or `lock_folder` to resume).

    Raises ZooError for data that do not fit the configuration, if numbers are no longer finite, the last state cannot
    be saved or an image cannot be read, after which the run is saved too, and what `initial_state` raises.
    """
    config = run.config
    check_run(run)
    # Before the state and the images take some of the memory.
    machine = machine_of(run)
    mesh = data_mesh(config.recipe.batch_size, fsdp=run.options.fsdp)
    plan = TrainingPlan(config.recipe, len(run.dataset.train))
    unreadable = UnreadableImages(run.options.skip_unreadable, "--skip-unreadable")
    feed = open_feed(run.dataset, config.recipe, config.preprocessing, mesh, unreadable, run.options.workers)
    state, position = initial_state(run, mesh=mesh, steps_per_epoch=plan.steps_per_epoch, console=console)
    feed.seek(position.feed)
    first = int(state.step)
    run_plan = make_plan(run, state, machine)
    print_start(state, run_plan, config.recipe, plan, console)
    run_step = StepProgram(feed.batch, state, mesh, lambda program: check_program(program, run_plan, console))
    with (
        closing(feed),
        open_session(
            run, plan=plan, feed=feed, first=first, position=position, mesh=mesh, console=console, unreadable=unreadable
        ) as session,
    ):
        evaluation = None
        if lacks_evaluation(session, position):
            evaluation = session.evaluate(first, state)
            if not evaluation:
                return Outcome(first, None, exit_code(session.stop.number))
            session.save(state, evaluation, evaluation_missing=False)
            # The checkpoint has this evaluation beside it, from which `restore` does the same.
            state = state.after_evaluation(evaluation) if plan.ends_epoch(first) else state
        elif plan.ends_epoch(first):
            # The totals are those from before an evaluation that was made up for.
            session.metrics.end_epoch()
        return run_steps(session, state, run_step, evaluation)


def run_steps(session: Session, state: TrainState, run_step: RunStep, evaluation: MetricsRow | None) -> Outcome:
    """Take the steps that are left, each followed by what is due; `evaluation` is that of the state so far, if any."""
    steps = session.plan.steps
    for step in range(session.first + 1, steps + 1):
        inputs = session.inputs(step, state)
        state, metrics = run_step(state, inputs)
        session.step_started(step, metrics)
        state, evaluation, stop = session.complete(step, state)
        if stop and (step < steps or not evaluation):
            session.checkpoints.require(step)
            return Outcome(step, None, exit_code(stop))
    session.progress.print_times()
    session.checkpoints.require(steps)
    # A finished run that is resumed has not been evaluated here.
    tested = evaluation or session.evaluator.evaluate(state)
    if not tested:
        return Outcome(steps, None, exit_code(session.stop.number))
    return Outcome(steps, tested["test_accuracy"])


def check_run(run: PreparedRun) -> None:
    """Raises ZooError for data or a machine that do not fit the configuration, which may be someone else's."""
    check_batches(run.config.recipe, run.dataset)
    check_classes(run.config, run.dataset)
    if run.resume:
        check_memory(build_network(run.config), run.config.recipe, run.config.preprocessing, run.dataset)


def lacks_evaluation(session: Session, position: Position) -> bool:
    """Whether the run was stopped during the evaluation after its last step."""
    if position.evaluation_missing is None:
        # Earlier versions did not store it, but an evaluation cleared the totals of its epoch.
        return session.metrics.pending and session.plan.ends_epoch(session.first)
    return position.evaluation_missing


def print_start(state: TrainState, run_plan: RunPlan, recipe: Recipe, plan: TrainingPlan, console: Console) -> None:
    """Print the plan of a run, and what is particular about one that starts, or continues, from this state."""
    for line in plan_lines(run_plan):
        print_line(console, line)
    print_frozen(state, console)
    print_short_warmup(recipe, plan, console)
    if int(state.step) >= plan.steps:
        print_line(console, f"all epochs are done ({recipe.epochs}): more --epochs extend the run")


def check_program(program: Compiled, plan: RunPlan, console: Console) -> None:
    """Print the memory of the compiled step. Raises ZooError, in all processes, where a device of any has less."""
    memory = step_memory(program)
    print_line(console, memory_line(dataclasses.replace(plan, memory=memory)))
    with fail_on_all_processes():
        check_step_memory(memory, plan.machine.memory)


def print_frozen(state: TrainState, console: Console) -> None:
    """Print how many parameters are frozen, if any are."""
    if state.frozen:
        trainable, frozen = (count.parameters(part) for part in partition(state.params, state.frozen))
        print_line(console, f"{trainable:,} trainable and {frozen:,} frozen parameters")


def print_short_warmup(recipe: Recipe, plan: TrainingPlan, console: Console) -> None:
    """Print that the warmup is shorter than the recipe's, if the run is too short for that."""
    if recipe.schedule == "one_cycle":
        return
    epochs = count_warmup_updates(recipe, plan.steps_per_epoch) * recipe.accumulate / plan.steps_per_epoch
    # The warmup is a whole number of updates.
    if epochs + recipe.accumulate / plan.steps_per_epoch <= recipe.warmup_epochs:
        print_line(console, f"warmup is {epochs:.3g} epochs, not {recipe.warmup_epochs:g}: at most a third of the run")
