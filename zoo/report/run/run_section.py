"""What a training run was, and what came of it, for its page: curves, confusions, confident mistakes, the recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.errors import ZooError
from zoo.report.learned.activation_survey import BATCH, Answers, survey
from zoo.report.learned.shared_classes import shared_classes
from zoo.report.run.confusion_table import Confusion, confusion, confusion_counts
from zoo.report.run.curve_panels import Panel, panels
from zoo.report.run.mistakes import Mistake, mistakes
from zoo.report.run.recipe_in_words import Setting, command, settings
from zoo.training.checkpoint.run_folder import RunConfig, RunFolder
from zoo.training.logging.progress import clock
from zoo.training.logging.recorder import stored_rows
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar


@dataclass(frozen=True)
class Run:
    """The section's parts. `rows` are the evaluations, one an epoch; `best` is that of the best test accuracy, if any.

    `confusion` is None, and there are no `mistakes`, where there are no images of the network's classes. `pictures`
    says which they are.
    """

    name: str
    config: RunConfig
    rows: tuple[Mapping[str, float | None], ...]
    best: Mapping[str, float | None] | None
    panels: tuple[Panel, ...]
    time: str
    settings: tuple[Setting, ...]
    command: str
    pictures: str = ""
    confusion: Confusion | None = None
    mistakes: tuple[Mistake, ...] = ()


def check_run(folder: Path) -> RunFolder:
    """Raises ZooError where there is no run."""
    place = RunFolder(folder)
    if not place.config_file.is_file():
        raise ZooError(f"no run of train.py in {folder}: it has no {place.config_file.name}")
    return place


def run_part(
    folder: Path,
    subject: TrainedNetwork,
    pictures: ImageSet | None,
    answers: Answers | None = None,
    *,
    track: ProgressBar = no_progress_bar,
    batch_size: int = BATCH,
) -> Run:
    """What there is to show of the run in a folder, and of its network, the subject, on images with labels.

    `answers` are those of `learned_part` for the same pictures; without them the network runs over the images here.
    Raises ZooError where there is no run, or its files cannot be read.
    """
    place = check_run(folder)
    config = place.read_config()
    rows = tuple(row for row in stored_rows(place) if row is not None)
    evaluated = [row for row in rows if row.get("test_accuracy") is not None]
    run = Run(
        folder.absolute().name,
        config,
        rows,
        max(evaluated, key=lambda row: row["test_accuracy"], default=None),
        panels(rows),
        clock(rows[-1].get("seconds") or 0) if rows else "",
        settings(config.recipe),
        command(config),
    )
    names = shared_classes(subject, pictures) if pictures else None
    if names is None:
        return run
    if answers is None:
        answers = survey(subject, pictures, (), track=track, batch_size=batch_size).answers
    counts = confusion_counts(answers, len(names))
    return replace(
        run,
        pictures=pictures.description,
        confusion=confusion(counts, names),
        mistakes=mistakes(subject, pictures, answers, names),
    )
