"""The section of the page about a training run: curves, confusion table, mistakes, recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.printable import printable
from zoo.report.learned.activation_survey import BATCH_SIZE, PredictedClasses, survey_activations
from zoo.report.learned.shared_classes import shared_classes
from zoo.report.run.confusion_table import ConfusionTable, confusion_counts, make_confusion_table
from zoo.report.run.curve_panels import Panel, curve_panels
from zoo.report.run.mistakes import Mistake, most_confident_mistakes
from zoo.report.run.train_command import train_command
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.config.recipe_settings import Setting, recipe_settings
from zoo.training.config.run_config import RunConfig
from zoo.training.logging.progress import format_duration
from zoo.training.logging.rows import best_evaluation, read_evaluations
from zoo.training.resume_config import describe_changes
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar


@dataclass(frozen=True)
class RunSection:
    """The contents of the section.

    `rows` are the evaluations; `best` is the one with the best test accuracy. `changes` are lines about settings that
    changed when the run was resumed. `confusion` is None and `mistakes` is empty if there are no images of the
    network's classes. `image_set` describes the images.
    """

    name: str
    config: RunConfig
    rows: tuple[Mapping[str, float | None], ...]
    best: Mapping[str, float | None] | None
    panels: tuple[Panel, ...]
    time: str
    settings: tuple[Setting, ...]
    command: str
    changes: tuple[str, ...] = ()
    image_set: str = ""
    confusion: ConfusionTable | None = None
    mistakes: tuple[Mistake, ...] = ()


def open_run(path: Path) -> RunFolder:
    """The run folder at a path. Raises ZooError if there is no run."""
    folder = RunFolder(path)
    if not folder.config_file.is_file():
        raise folder.no_run()
    return folder


def run_section(
    path: Path,
    trained: TrainedNetwork,
    image_set: ImageSet | None,
    predicted: PredictedClasses | None = None,
    *,
    progress_bar: ProgressBar = no_progress_bar,
    batch_size: int = BATCH_SIZE,
) -> RunSection:
    """The section about the run in a folder, and about its network on images with labels.

    `predicted` are the predictions of `learned_section` for the same images; by default the network is applied to the
    images here. Raises ZooError if there is no run, or if its files cannot be read.
    """
    folder = open_run(path)
    config = folder.read_config(trained.weights.model)
    rows = tuple(read_evaluations(folder))
    section = RunSection(
        name=printable(path.absolute().name),
        config=config,
        rows=rows,
        best=best_evaluation(rows),
        panels=curve_panels(rows),
        time=format_duration(rows[-1].get("seconds") or 0) if rows else "",
        settings=recipe_settings(config.recipe),
        command=train_command(config),
        changes=tuple(describe_changes(config)),
    )
    class_names = None if image_set is None else shared_classes(trained, image_set)
    if image_set is None or class_names is None:
        return section
    if predicted is None:
        survey = survey_activations(trained, image_set, (), progress_bar=progress_bar, batch_size=batch_size)
        predicted = survey.predictions
    if predicted is None:
        return section
    return replace(
        section,
        image_set=image_set.description,
        confusion=make_confusion_table(confusion_counts(predicted, len(class_names)), class_names),
        mistakes=most_confident_mistakes(trained, image_set, predicted, class_names),
    )
