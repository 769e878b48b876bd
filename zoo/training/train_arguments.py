"""The arguments of `zoo.train`, in the forms in which people give them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.linen as nn
import numpy as np

from zoo.data import Dataset, open_again, open_arrays, open_dataset
from zoo.data.sources.arrays import Arrays
from zoo.errors import ZooError, suggestion
from zoo.models.plain_fields import checked_fields
from zoo.registry import model_info
from zoo.runtime.home_folder import expand_home
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_config import DEFAULT_WEIGHTS
from zoo.training.config.run_options import RunOptions
from zoo.training.logging.rows import MetricsRow
from zoo.training.prepared_run import OnEvaluation
from zoo.weights.named_network import name_and_fields
from zoo.weights.network_fields import not_settable, settable_fields


def chosen_options(options: RunOptions | Mapping[str, Any]) -> RunOptions:
    """The options with these fields. Raises ZooError for a name that is none, and as RunOptions."""
    if isinstance(options, RunOptions):
        return options
    if not isinstance(options, Mapping):
        raise ZooError(f"options is a {type(options).__name__}: give RunOptions, or some of its fields as a dict")
    check_names(options, RunOptions, "a run has the settings of RunOptions, and")
    return RunOptions(**options)


def check_names(given: Mapping[str, Any], config: type, what: str) -> None:
    """Raises ZooError for a name that is no field of the dataclass."""
    known = [field.name for field in dataclasses.fields(config)]
    for name in given:
        if name not in known:
            raise ZooError(f"{what} no {name!r}{suggestion(str(name), known)}")


def folder_at(run_dir: str | Path) -> RunFolder:
    """The run folder. Raises ZooError for an empty name, which would be the current folder."""
    if not str(run_dir):
        raise ZooError("run_dir is empty: give a folder, or None to write nothing")
    return RunFolder(expand_home(run_dir))


def named_network(
    model: str | type[nn.Module] | nn.Module, fields: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """The name of the network and its fields, these among them. Raises ZooError for fields that it does not have."""
    name, own = name_and_fields(model)
    if fields is None:
        return name, own
    if not isinstance(fields, Mapping):
        raise ZooError(f"fields is a {type(fields).__name__}: give a dict such as {{'depths': (1, 1, 1, 1)}}")
    known = settable_fields(name)
    for field in fields:
        if field not in known:
            raise ZooError(f"fields has {field!r}: {not_settable(name, str(field))}")
    return name, own | checked_fields("fields", model_info(name).build, fields)


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


def checked_function(on_evaluation: OnEvaluation | None) -> OnEvaluation | None:
    """The function with a check of what it returns; each call gets a copy of the record, which is its own to change.

    Raises ZooError if it is none, and when called for an answer that is neither a bool nor None: an accuracy that is
    returned by mistake would end the run.
    """
    if on_evaluation is None:
        return None
    if not callable(on_evaluation):
        raise ZooError(f"on_evaluation is a {type(on_evaluation).__name__}: give a function of a record")

    def ask(record: MetricsRow) -> bool:
        answer = on_evaluation(dict(record))
        if answer is None or isinstance(answer, bool | np.bool_):
            return bool(answer)
        raise ZooError(f"on_evaluation returned a {type(answer).__name__}: True ends the run, None and False do not")

    return ask


def open_data(data: str | Path | Arrays | Dataset, test: Arrays | None) -> Dataset:
    """The data set of what `train` is given."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | Path):
        return open_dataset(data)
    for what, pair in (("data", data), ("test", test)):
        if pair is not None and not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise ZooError(f"{what} is no pair: give (images, labels), or for data a folder, a name or a Dataset")
    if test is None and all(isinstance(half, tuple) and len(half) == 2 for half in data):
        # Both splits, as Keras loads them.
        return open_arrays(*data)
    return open_arrays(data, test)


def data_of_run(folder: RunFolder, model: str) -> Dataset:
    """The data set that a run remembers. Raises ZooError where that is in memory, or no longer where it was."""
    data = folder.read_config(model).data
    if data.kind not in ("folder", "tfds"):
        raise ZooError(f"the run in {folder.path} was trained on {data.describe()}: give the same data to resume it")
    return open_again(data)


def recipe_changes(recipe: Recipe | Mapping[str, Any] | str | None) -> dict[str, Any]:
    """The settings that were chosen: of a whole recipe those that are not a Recipe's defaults. Raises ZooError."""
    if recipe is None or isinstance(recipe, str):
        return {}
    defaults = {field.name: field.default for field in dataclasses.fields(Recipe)}
    if isinstance(recipe, Recipe):
        return {name: value for name, value in dataclasses.asdict(recipe).items() if value != defaults[name]}
    if not isinstance(recipe, Mapping):
        raise ZooError(
            f"recipe is a {type(recipe).__name__}: give a Recipe, changes such as {{'epochs': 5}}, or a name"
        )
    check_names(recipe, Recipe, "a recipe has")
    Recipe(**recipe)
    return dict(recipe)
