"""Training from Python: `zoo.train`, which does what the command `zoo train` does."""

import dataclasses
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
from rich.console import Console

from zoo.data import Dataset, open_again, open_arrays, open_dataset
from zoo.data.sources.arrays import Arrays
from zoo.errors import ZooError, suggestion
from zoo.runtime.console import output_console, print_line
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights, chosen_step, weights_of_run
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_config import DEFAULT_WEIGHTS
from zoo.training.config.run_options import RunOptions
from zoo.training.logging.history import History
from zoo.training.logging.rows import is_evaluation, read_rows
from zoo.training.prepare import RunRequest, prepare, print_run, train_in_memory
from zoo.training.prepared_run import PreparedRun
from zoo.training.stop_signals import exit_code
from zoo.training.training_result import TrainingResult
from zoo.weights.named_network import name_and_fields

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
    options: RunOptions = DEFAULT_OPTIONS,
    quiet: bool = False,
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
    takes them, or True for the network's default ones. `options` are those that do not change the network, such as
    RunOptions(log_every=100). `quiet` prints nothing.

    The first Ctrl-C, or a notebook's stop button, ends the run after the current step, and the result is what there is
    by then; a second one raises KeyboardInterrupt. After SIGTERM and SIGHUP the run is saved, and the signal acts
    then. Signals are handled in the main thread only, and afterwards as before. Raises ZooError for bad input.
    """
    if test is not None and not isinstance(data, tuple | list):
        raise ZooError("test is the second half of data that are arrays: of a folder or a name leave it out")
    if resume and run_dir is None:
        raise ZooError("resume continues the run in a folder: give run_dir too")
    if run_dir is None and (options.tensorboard or options.profile):
        raise ZooError("tensorboard and profile write files: give run_dir too")
    if run_dir is None and jax.process_count() > 1:
        raise ZooError("several processes need a run folder that all of them see: give run_dir")
    name, fields = name_and_fields(model)
    if data is None and resume and run_dir is not None:
        dataset = data_of_run(RunFolder(Path(run_dir)), name)
    else:
        dataset = open_data("digits" if data is None else data, test)
    console, memory = Console(quiet=True) if quiet else output_console(), RunMemory()
    with ExitStack() as lock:
        request = RunRequest(
            model=name,
            dataset=dataset,
            folder=memory if run_dir is None else RunFolder(Path(run_dir)),
            recipe=recipe if isinstance(recipe, Recipe) else None,
            overrides=recipe_changes(recipe),
            recipe_name=recipe if isinstance(recipe, str) else None,
            pretrained=weights_name(pretrained),
            fields=fields,
            resume=resume,
            options=options,
        )
        run = prepare(request, console, lock)
        if run_dir is not None and name.startswith("__main__:"):
            print_line(
                console, f"{name[9:]} is defined in this program: move it to a module, for others to read the run"
            )
        print_run(run, console)
        outcome = train_in_memory(run, console)
        result = result_of(run, finished=not outcome.exit_code)
    if outcome.exit_code:
        print_line(console, f"stopped after step {outcome.step}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if outcome.exit_code == exit_code(number):
            signal.raise_signal(number)
    return result


def weights_name(pretrained: str | Path | bool | None) -> str | None:
    """The weights as the flag --pretrained has them. Raises ZooError for another type."""
    match pretrained:
        case None | False:
            return None
        case True:
            return DEFAULT_WEIGHTS
        case str() | Path():
            return str(pretrained)
    raise ZooError(f"pretrained is a {type(pretrained).__name__}: give True, the tag of weights, or a file of them")


def data_of_run(folder: RunFolder, model: str) -> Dataset:
    """The data set that a run remembers. Raises ZooError where that is in memory, or no longer where it was."""
    data = folder.read_config(model).data
    if data.kind not in ("folder", "tfds"):
        raise ZooError(f"the data of the run in {folder.path} are {data.describe()}: give them to resume it")
    return open_again(data)


def open_data(data: str | Path | Arrays | Dataset, test: Arrays | None) -> Dataset:
    """The data set of what `train` is given."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | Path):
        return open_dataset(data)
    for what, pair in (("data", data), ("test", test)):
        if pair is not None and not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise ZooError(f"{what} is no pair: give (images, labels), or for data a folder, a name or a Dataset")
    return open_arrays(data, test)


def recipe_changes(recipe: Recipe | Mapping[str, Any] | str | None) -> dict[str, Any]:
    """The settings that were chosen: of a whole recipe those that are not a Recipe's defaults. Raises ZooError."""
    if recipe is None or isinstance(recipe, str):
        return {}
    fields = {field.name: field.default for field in dataclasses.fields(Recipe)}
    if isinstance(recipe, Recipe):
        return {name: value for name, value in dataclasses.asdict(recipe).items() if value != fields[name]}
    if not isinstance(recipe, Mapping):
        raise ZooError(
            f"recipe is a {type(recipe).__name__}: give a Recipe, changes such as {{'epochs': 5}}, or a name"
        )
    for name in recipe:
        if name not in fields:
            raise ZooError(f"a recipe has no {name!r}{suggestion(str(name), fields)}")
    Recipe(**recipe)
    return dict(recipe)


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
