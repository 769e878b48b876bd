"""Training from Python: `zoo.train`, which does what the command `zoo train` does."""

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
from rich.console import Console

from zoo.data import Dataset
from zoo.data.sources.arrays import Arrays
from zoo.errors import ZooError
from zoo.runtime.console import output_console, print_line
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights, chosen_step, weights_of_run
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_options import AUTO, RunOptions
from zoo.training.first_lines import print_run
from zoo.training.logging.history import History
from zoo.training.logging.rows import is_evaluation, read_rows
from zoo.training.prepare import prepare, train_prepared
from zoo.training.prepared_run import OnEvaluation, PreparedRun
from zoo.training.run_request import RunRequest
from zoo.training.stop_signals import exit_code
from zoo.training.train_arguments import (
    checked_function,
    chosen_options,
    data_of_run,
    folder_at,
    named_network,
    open_data,
    recipe_changes,
    weights_name,
)
from zoo.training.training_result import TrainingResult

DEFAULT_OPTIONS = RunOptions()


def train(
    model: str | type[nn.Module] | nn.Module,
    data: str | Path | Arrays | Dataset | None = None,
    recipe: Recipe | Mapping[str, Any] | str | None = None,
    *,
    test: Arrays | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    pretrained: str | Path | bool | None = None,
    fields: Mapping[str, Any] | None = None,
    options: RunOptions | Mapping[str, Any] = DEFAULT_OPTIONS,
    quiet: bool = False,
    on_evaluation: OnEvaluation | None = None,
) -> TrainingResult:
    """Train a network, and return it with its history.

    `model` is a name of `zoo.list_models()`, or a class of Linen modules of your own, or such a module, whose number of
    classes is that of the data. `data` is (images, labels), as `zoo.data.open_arrays` takes them, with the
    split `test`, or by default every fifth image of each class for that; or a folder or a name, as
    `zoo.data.open_dataset` takes them; or a Dataset; None is the digits, or with `resume` the run's. `recipe` are
    changes of the recipe of this network and data, such as {"epochs": 5}; or the name of a recipe; or a whole Recipe,
    of which only a batch that the data does not fill is made smaller.

    Without `run_dir` nothing is written. With it checkpoints and metrics are, as by the command `zoo train`: an earlier
    run there is renamed, or with `resume` continued. `pretrained` are weights to start from, as `zoo.load_pretrained`
    takes them, or True for the network's default ones. `fields` are fields of the network, such as
    {"depths": (1, 1, 1, 1)}, as --model-arg sets them. `options` are those that do not change the network, RunOptions
    or some of its fields, such as {"log_every": 100}. `quiet` prints nothing. `on_evaluation` is called after each
    evaluation with its record, as in the history: True ends the run there, as after Ctrl-C, and None or False do not.

    The first Ctrl-C, or a notebook's stop button, ends the run after the current step, and the result is what there is
    by then; a second one raises KeyboardInterrupt. After SIGTERM and SIGHUP the run is saved, and the signal acts
    then. Signals are handled in the main thread only, and afterwards as before. Raises ZooError for bad input.
    """
    on_evaluation = checked_function(on_evaluation)
    options = chosen_options(options)
    # Worker processes import the main module again, which here may be a program that starts to train when it is.
    if options.workers == AUTO:
        options = replace(options, workers=0)
    if test is not None and not isinstance(data, tuple | list):
        raise ZooError("test is the second half of data that are arrays: of a folder or a name leave it out")
    if run_dir is None:
        check_without_folder(options, resume=resume)
    name, fields = named_network(model, fields)
    folder = RunMemory() if run_dir is None else folder_at(run_dir)
    if data is None and resume and isinstance(folder, RunFolder):
        dataset = data_of_run(folder, name)
    else:
        dataset = open_data("digits" if data is None else data, test)
    console = Console(quiet=True) if quiet else output_console()
    with ExitStack() as lock:
        request = RunRequest(
            model=name,
            dataset=dataset,
            folder=folder,
            recipe=recipe if isinstance(recipe, Recipe) else None,
            overrides=recipe_changes(recipe),
            recipe_name=recipe if isinstance(recipe, str) else None,
            pretrained=weights_name(pretrained),
            fields=fields,
            resume=resume,
            options=options,
        )
        run = replace(prepare(request, console, lock), on_evaluation=on_evaluation)
        if run_dir is not None and name.startswith("__main__:"):
            print_line(
                console, f"{name[9:]} is defined in this program: move it to a module, for others to read the run"
            )
        print_run(run, console)
        outcome = train_prepared(run, console)
        result = result_of(run, finished=not outcome.exit_code)
    if outcome.exit_code:
        print_line(console, f"stopped after step {outcome.step}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if outcome.exit_code == exit_code(number):
            signal.raise_signal(number)
    return result


def check_without_folder(options: RunOptions, *, resume: bool) -> None:
    """Raises ZooError for what a run needs a folder for."""
    if resume:
        raise ZooError("resume continues the run in a folder: give run_dir too")
    if options.tensorboard or options.profile or options.log:
        raise ZooError("tensorboard, profile and log write files: give run_dir too")
    if jax.process_count() > 1:
        raise ZooError("several processes need a run folder that all of them see: give run_dir")


def result_of(run: PreparedRun, *, finished: bool) -> TrainingResult:
    """The result of a run that has ended."""
    folder = run.folder
    if isinstance(folder, RunMemory):
        path, step, rows = None, folder.step, tuple(folder.rows)
        weights = weights_of_run(run.config, folder.variables)
    else:
        path, step, rows = folder.path, chosen_step(folder, None), read_rows(folder).rows
        weights = checkpoint_weights(path, step)
    best = next((row for row in rows if is_evaluation(row) and row["step"] == step), None)
    return TrainingResult(weights=weights, history=History(rows), best=best, finished=finished, run_dir=path)
