"""The data set that a run or a weights file remembers, opened where it was, or where --dataset says that it is now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import named_dataset
from zoo.errors import ZooError
from zoo.runtime.console import print_note

if TYPE_CHECKING:
    from zoo.data import DataOrigin, Dataset
    from zoo.training import RunConfig
    from zoo.weights import Weights

ADVICE = "give it with --dataset"


def run_dataset(config: RunConfig, data_dir: Path | None) -> Dataset:
    """The data set of a run, from where the run had it, or a folder of the same name in `data_dir`.

    Raises ZooError where it is not there any more.
    """
    if config.data.kind == "arrays":
        raise ZooError(
            "this run was trained from Python on data in memory: resume it with zoo.train, and give them again"
        )
    return _open(config.data, config.dataset, "this run", data_dir, ADVICE)


def weights_dataset(weights: Weights, named: Dataset | None, data_dir: Path | None, advice: str = ADVICE) -> Dataset:
    """The data set that --dataset named, or else the one that the weights were trained on; lines say what differs.

    Raises ZooError, with the advice, where it is not known or not there, or has other classes than the weights.
    """
    from zoo.data.data_changes import as_remembered

    if named:
        return _replacement(weights, named)
    found = _open(weights.data, weights.dataset, "these weights", data_dir, advice)
    dataset = as_remembered(weights.data, found)
    how = "by its name in these weights" if weights.data.kind == "unknown" else "which these weights were trained on"
    print_note(f"data: {dataset.place.describe()}, {how}")
    if dataset is not found:
        print_note(dataset.left_out)
    _check_unchanged(weights, dataset, advice)
    return dataset


def _open(origin: DataOrigin, name: str, whose: str, data_dir: Path | None, advice: str) -> Dataset:
    from zoo.data import DataError, open_again

    if not name:
        raise ZooError(f"no data set is known for {whose}: {advice}")
    if origin.kind == "folder" and data_dir:
        return named_dataset(str(data_dir / name), None, note_left_out=False)
    if origin.kind == "arrays" or (origin.kind == "folder" and not origin.path):
        raise ZooError(f"the place of the data of {whose} ({name!r}, {origin.describe()}) is not known: {advice}")
    try:
        if origin.kind == "unknown":
            return named_dataset(name, data_dir, note_left_out=False)
        return open_again(origin, data_dir)
    except DataError as error:
        raise ZooError(f"the data set {name!r} of {whose} cannot be opened: {advice} ({error})") from None


def _check_unchanged(weights: Weights, dataset: Dataset, advice: str) -> None:
    from zoo.data.data_changes import data_changes

    place = dataset.place.describe()
    if changes := _class_changes(weights, dataset):
        raise ZooError(f"{place} has other classes than these weights ({changes}): {advice}")
    if changes := data_changes(weights.data, dataset):
        print_note(f"{place} has changed since the training: it has {changes}")


def _class_changes(weights: Weights, dataset: Dataset) -> str:
    """How the classes differ. A name of TFDS is the same data; by other names, numbers stand for unknown names."""
    from zoo.data.origin import class_changes
    from zoo.inference.class_outputs import are_numbers, are_wordnet_ids

    ours, theirs = weights.class_names, dataset.class_names
    unnamed = not ours or are_numbers(theirs) or are_wordnet_ids(ours) != are_wordnet_ids(theirs)
    if weights.data.kind == "tfds" or (weights.data.kind == "unknown" and unnamed and len(ours) in (0, len(theirs))):
        return ""
    return class_changes(ours, theirs)


def _replacement(weights: Weights, dataset: Dataset) -> Dataset:
    """The data set of --dataset. What is the data of the weights in another place keeps its name.

    A folder is not that while the one of the training is still there.
    """
    from zoo.data.data_changes import data_changes

    then, now = weights.data, dataset.origin
    is_another = (then.kind, then.name) != (now.kind, now.name)
    is_second = now.kind == "folder" and then.path != now.path and Path(then.path).exists()
    if then.training is None or is_another or is_second or weights.class_names != dataset.class_names:
        return dataset
    if changes := data_changes(then, dataset):
        if dataset.name == weights.dataset:
            print_note(f"{now.describe()} has {changes}: not what {then.describe()} had at the training")
        return dataset
    if dataset.name != weights.dataset:
        print_note(f"data: {now.describe()}, with the files' names of {weights.dataset}, and taken for it")
    return replace(dataset, name=weights.dataset)
