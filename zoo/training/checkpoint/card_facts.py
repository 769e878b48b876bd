"""What the page of a run's weights at a hub says of its training."""

import dataclasses
from pathlib import Path

from zoo.training.checkpoint.checkpoint_weights import chosen_step
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.saved_metrics import read_metrics
from zoo.training.config.recipe import Recipe
from zoo.weights.model_card import CardFacts


def card_facts(
    folder: str | Path, step: int | None = None, *, licence: str = "", model: str | None = None
) -> CardFacts:
    """The accuracy and the loss on the test images of a checkpoint, and the settings that are not a recipe's defaults.

    `step` and `model` are those of `checkpoint_weights`. Raises ZooError as that does.
    """
    run = RunFolder(Path(folder))
    if not run.exists():
        raise run.no_run()
    config = run.read_config(model)
    chosen = chosen_step(run, step)
    metrics = read_metrics(run.steps / str(chosen))
    found = {"accuracy": metrics.test_accuracy, "loss": metrics.test_loss} if metrics else {}
    defaults, values = dataclasses.asdict(Recipe()), dataclasses.asdict(config.recipe)
    changed = {name: str(value) for name, value in values.items() if value != defaults[name]}
    start = {"pretrained": config.pretrained or "the default weights"} if config.pretrained is not None else {}
    epochs = {"trained epochs": f"{metrics.epoch:g}"} if metrics and metrics.epoch is not None else {}
    return CardFacts(
        figures={name: value for name, value in found.items() if value is not None},
        settings={"steps": str(chosen), **epochs, **start, **changed},
        licence=licence,
    )
